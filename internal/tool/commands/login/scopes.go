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

// scopeToAskFor adds what the profile was asked for last time, at the same
// service, to what is asked for now. Without either it asks the person, if there
// is one, and says what an app can do without scopes.
func (f *flags) scopeToAskFor(ctx context.Context, s *settings.Settings, store spotipie.Store, flow spotipie.Flow, asked spotipie.Scopes) (spotipie.Scopes, error) {
	if flow == spotipie.FlowClientCredentials {
		return nil, nil
	}
	last, known := scopeOfLastTime(ctx, s, store)
	if f.replace {
		// A token that covers more is no reason not to ask.
		f.forceDialog = f.forceDialog || len(asked.Missing(last)) > 0
		return asked, nil
	}
	if added := asked.Missing(last); len(added) > 0 && len(asked) > 0 {
		f.note = fmt.Sprintf("Asking for %s as well, which profile %q has; --replace-scopes asks for --scope alone.",
			strings.Join(scopelist.Printable(added), ", "), s.Profile.Value)
	}
	scope := append(append(spotipie.Scopes{}, asked...), last...).Normalize()
	if len(scope) > 0 || known || s.Cmd.Flags().Changed("scope") {
		return scope, nil
	}
	return f.chooseScopes(ctx, s)
}

// scopeOfLastTime is what the profile was asked for when it was signed in last,
// at the same service. known tells whether it was. If the store cannot tell, the
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
	return rec.Token.Scope(), true // of a login that was imported, nobody knows what was asked for
}

// chooseScopes lets the person at the terminal choose, or says what there is to
// choose from.
func (f *flags) chooseScopes(ctx context.Context, s *settings.Settings) (spotipie.Scopes, error) {
	const without = "Without a scope an app sees public information only, and the user's name."
	if !cli.CanAsk(s.Cmd.InOrStdin(), s.Cmd.ErrOrStderr()) {
		f.note = without + " 'spotipie scopes' lists what else can be asked for, by --scope."
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

// numbered is a line for each scope, cut to width.
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
