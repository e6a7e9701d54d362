package config_test

import (
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/config"
)

func TestProfileNames(t *testing.T) {
	keys := []spotipie.Key{{ClientID: "a", Profile: "work"}, {ClientID: "a", Profile: "home"}, {ClientID: "b", Profile: "work"}}
	if got := strings.Join(config.ProfileNames(keys), " "); got != "home work" {
		t.Errorf("got %s", got)
	}
}
