package login

import (
	"context"
	"fmt"
	"strings"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/scopelist"
	"github.com/spotipie/spotipie/internal/tool/settings"
)

// scopeToAskFor adds the scopes of the profile's last login at the same service
// to those that are asked for now. If there are none, it asks the user, if it
// can, and says what an app can do without scopes.
func (f *flags) scopeToAskFor(ctx context.Context, s *settings.Settings, store spotipie.Store, flow spotipie.Flow, asked spotipie.Scopes) (spotipie.Scopes, error) {
	if flow == spotipie.FlowClientCredentials {
		return nil, nil
	}
	last, known := scopeOfLastTime(ctx, s, store)
	if f.replace {
		// Ask even if the token covers more.
		f.forceDialog = f.forceDialog || len(asked.Missing(last)) > 0
		return asked, nil
	}
	if added := asked.Missing(last); len(added) > 0 && len(asked) > 0 {
		f.note = fmt.Sprintf("Also asking for %s, which profile %q has; with --replace-scopes only --scope counts.",
			strings.Join(scopelist.Printable(added), ", "), s.Profile.Value)
	}
	scope := append(append(spotipie.Scopes{}, asked...), last...).Normalize()
	if len(scope) > 0 || known || s.Cmd.Flags().Changed("scope") {
		return scope, nil
	}
	return f.chooseScopes(ctx, s)
}

// scopeOfLastTime returns the scopes of the profile's last login at the same
// service. known tells whether there was one. If the store fails here, the
// login itself will say why.
func scopeOfLastTime(ctx context.Context, s *settings.Settings, store spotipie.Store) (scope spotipie.Scopes, known bool) {
	if of := s.Config.Profiles[s.Profile.Value]; of.Flow != "" && settings.ServicesOf(of) != s.Services() {
		return nil, false
	}
	rec, found, err := store.Load(ctx, s.Key())
	switch {
	case err != nil || !found:
		return nil, false
	case len(rec.RequestedScope) > 0 || rec.Token == nil:
		return rec.RequestedScope, true
	}
	return rec.Token.Scope(), true // an imported login does not say what was asked for
}

// chooseScopes lets the user at the terminal choose, or says where the scopes
// are listed.
func (f *flags) chooseScopes(ctx context.Context, s *settings.Settings) (spotipie.Scopes, error) {
	const without = "Without a scope an app sees only public information and the user's name."
	if !cli.CanAsk(s.Cmd.InOrStdin(), s.Cmd.ErrOrStderr()) {
		f.note = without + " 'spotipie scopes' lists what else --scope can ask for."
		return nil, nil
	}
	out := s.Cmd.ErrOrStderr()
	s.Say("%s", without+" It can ask the user for more:")
	fmt.Fprint(out, "\n"+numbered(spotipie.AllScopes(), cli.Width(out))+"\n")
	for {
		answer, err := cli.Ask(ctx, s.Cmd.InOrStdin(), out, "Which? Numbers or names, all, or Enter for none: ")
		if err != nil {
			return nil, err
		}
		scopes, err := chosenScopes(answer)
		if err == nil {
			return scopes, nil
		}
		s.Say("%s.", failure.Plain(err))
	}
}

// chosenScopes reads numbers and names of scopes.
func chosenScopes(answer string) (spotipie.Scopes, error) {
	if strings.EqualFold(answer, "all") {
		return spotipie.AllScopes(), nil
	}
	var names []string
	for _, word := range spotipie.ParseScopes(answer) {
		if number, isNumber := numberOf(string(word)); !isNumber {
			names = append(names, string(word))
		} else if number < 1 || number > len(spotipie.AllScopes()) {
			return nil, fmt.Errorf("there is no scope %d", number)
		} else {
			names = append(names, string(spotipie.AllScopes()[number-1]))
		}
	}
	return scopelist.Parse(names, false)
}

func numberOf(word string) (n int, ok bool) {
	if word == "" || strings.Trim(word, "0123456789") != "" || len(word) > 4 {
		return 0, false
	}
	_, err := fmt.Sscan(word, &n)
	return n, err == nil
}

// numbered returns a numbered line for each scope, cut to width.
func numbered(scopes spotipie.Scopes, width int) string {
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimSuffix(scopelist.Table(scopes, ""), "\n"), "\n") {
		text := []rune(fmt.Sprintf("%4d  %s", i+1, line))
		if len(text) > width {
			text = append(text[:width-1], '…')
		}
		b.WriteString(string(text) + "\n")
	}
	return b.String()
}
