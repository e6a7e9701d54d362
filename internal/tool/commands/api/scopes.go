package api

import (
	"fmt"
	"strings"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/tool/scopelist"
	"github.com/spotipie/spotipie/internal/tool/settings"
)

// scopeAdvice says which scopes a refused request lacks and how to ask for them. A
// login keeps the scopes that the profile has, so the command names only these.
func scopeAdvice(s *settings.Settings, needed, has spotipie.Scopes) string {
	missing := scopelist.Printable(has.Missing(needed))
	if len(missing) == 0 {
		return fmt.Sprintf("run '%s --scope …' with the scope that the endpoint's documentation names; 'spotipie scopes' lists them all", s.LoginCommand())
	}
	return fmt.Sprintf("it needs %s, which the login lacks: run '%s --scope %s', which keeps the scopes that it has",
		strings.Join(missing, " and "), s.LoginCommand(), strings.Join(missing, ","))
}
