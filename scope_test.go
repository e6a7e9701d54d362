package spotipie_test

import (
	"fmt"
	"testing"

	"github.com/spotipie/spotipie"
)

func TestScopesThatAreNotKnown(t *testing.T) {
	for name, test := range map[string]struct {
		scopes spotipie.Scopes
		want   string
	}{
		"none":             {nil, ""},
		"known":            {spotipie.ParseScopes("streaming user-top-read"), ""},
		"all":              {spotipie.AllScopes(), ""},
		"misspelt":         {spotipie.ParseScopes("user-read-e-mail streaming"), "user-read-e-mail"},
		"in another case":  {spotipie.Scopes{"Streaming"}, "Streaming"},
		"several, twice":   {spotipie.Scopes{"z", "streaming", "a", "z"}, "a z"},
		"an empty name":    {spotipie.Scopes{"", "streaming"}, ""},
		"a scope of today": {spotipie.Scopes{spotipie.ScopeUserReadPrivate}, ""},
	} {
		before := fmt.Sprint([]spotipie.Scope(test.scopes))
		unknown := test.scopes.Unknown()
		if unknown.String() != test.want || len(unknown) != len(spotipie.ParseScopes(test.want)) {
			t.Errorf("%s: %q, want %q", name, unknown, test.want)
		}
		for _, scope := range unknown {
			if scope.Known() {
				t.Errorf("%s: %s is known", name, scope)
			}
		}
		if after := fmt.Sprint([]spotipie.Scope(test.scopes)); after != before {
			t.Errorf("%s: the receiver became %s", name, after)
		}
	}
}
