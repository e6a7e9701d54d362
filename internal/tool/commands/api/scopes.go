package api

import (
	"fmt"
	"strings"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/tool/scopelist"
	"github.com/spotipie/spotipie/internal/tool/settings"
)

// scopeAdvice says which scopes a refused request needs and how to ask for them.
func scopeAdvice(s *settings.Settings, needed, has spotipie.Scopes) string {
	missing := has.Missing(needed)
	if len(missing) == 0 {
		return fmt.Sprintf("run '%s --scope …' with the scope that the endpoint's documentation names; 'spotipie scopes' lists them all", s.LoginCommand())
	}
	all := append(append(spotipie.Scopes{}, has...), missing...).Normalize()
	return fmt.Sprintf("it needs %s: run '%s --scope %s'",
		strings.Join(scopelist.Printable(missing), " and "), s.LoginCommand(), strings.Join(scopelist.Printable(all), ","))
}
