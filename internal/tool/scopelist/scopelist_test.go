package scopelist_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/tool/scopelist"
)

func TestParse(t *testing.T) {
	for name, test := range map[string]struct {
		values  []string
		unknown bool
		want    string
		err     string
	}{
		"none":                {nil, false, "", ""},
		"commas":              {[]string{"user-library-read,user-top-read"}, false, "user-library-read user-top-read", ""},
		"repeated":            {[]string{"user-library-read", "user-top-read"}, false, "user-library-read user-top-read", ""},
		"a slip":              {[]string{"user-libary-read"}, false, "", `there is no scope "user-libary-read": did you mean user-library-read?`},
		"upper case":          {[]string{"User-Top-Read"}, false, "", `there is no scope "User-Top-Read": did you mean user-top-read?`},
		"nothing of the sort": {[]string{"xyzzy"}, false, "", `there is no scope "xyzzy": 'spotipie scopes' lists all scopes`},
		"a later one":         {[]string{"xyzzy"}, true, "xyzzy", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := scopelist.Parse(test.values, test.unknown)
			switch {
			case test.err == "" && (err != nil || got.String() != test.want):
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			case test.err != "" && (err == nil || err.Error() != test.err):
				t.Errorf("got %v, want %s", err, test.err)
			}
		})
	}
}

// TestComplete checks that after a comma the scopes are offered that are not chosen
// yet.
func TestComplete(t *testing.T) {
	all, _ := scopelist.Complete(nil, nil, "user-t")
	if len(all) != len(spotipie.AllScopes()) {
		t.Errorf("%d offers", len(all))
	}
	rest, _ := scopelist.Complete(nil, nil, "user-top-read,user-l")
	if len(rest) != len(all)-1 {
		t.Errorf("%d offers behind the comma", len(rest))
	}
	for _, offer := range rest {
		if !strings.HasPrefix(offer, "user-top-read,") || strings.HasPrefix(offer, "user-top-read,user-top-read") {
			t.Errorf("offer %q", offer)
		}
	}
}

func TestTable(t *testing.T) {
	got := scopelist.Table(spotipie.Scopes{"user-top-read", "x\x1b[2J"}, "  ")
	lines := strings.Split(got, "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "  user-top-read  ") || strings.Contains(got, "\x1b") {
		t.Errorf("got %q", got)
	}
	if shown := scopelist.Printable(spotipie.Scopes{"a", "b\x1b"}); slices.Contains(shown, "b\x1b") || len(shown) != 2 {
		t.Errorf("got %q", shown)
	}
}

// TestTableFitsATerminal checks this also for an indented table, as in a status.
func TestTableFitsATerminal(t *testing.T) {
	for line := range strings.Lines(scopelist.Table(spotipie.AllScopes(), "    ")) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}
