// Package scopelist reads, lists and completes the names of Spotify's scopes.
package scopelist

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
)

// Parse reads the values of --scope. An unknown name is an error, because
// Spotify would show the user an error page instead of asking.
func Parse(values []string, takeUnknown bool) (spotipie.Scopes, error) {
	scopes := spotipie.ParseScopes(strings.Join(values, " "))
	for _, scope := range scopes {
		if scope.Known() || takeUnknown {
			continue
		}
		if near := cli.Closest(strings.ToLower(string(scope)), names()); near != "" {
			return nil, fmt.Errorf("there is no scope %q: did you mean %s?", scope, near)
		}
		return nil, fmt.Errorf("there is no scope %q: 'spotipie scopes' lists all scopes", scope)
	}
	return scopes, nil
}

func names() []string {
	var names []string
	for _, scope := range spotipie.AllScopes() {
		names = append(names, string(scope))
	}
	return names
}

// Complete completes the part after the last comma with scopes and their
// meanings.
func Complete(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	before := typed[:strings.LastIndex(typed, ",")+1]
	chosen := spotipie.ParseScopes(before)
	var offers []cobra.Completion
	for _, scope := range spotipie.AllScopes() {
		if !chosen.Contains(spotipie.Scopes{scope}) {
			offers = append(offers, cobra.CompletionWithDesc(before+string(scope), scope.Description()))
		}
	}
	return offers, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// Table returns a line for each scope: its name and what it allows.
func Table(scopes spotipie.Scopes, indent string) string {
	width := 0
	for _, scope := range scopes {
		width = max(width, len(scope))
	}
	var b strings.Builder
	for _, scope := range scopes {
		b.WriteString(strings.TrimRight(fmt.Sprintf("%s%-*s  %s", indent, width, cli.Printable(string(scope)), scope.Description()), " ") + "\n")
	}
	return b.String()
}

// Printable returns the names in a form that is safe for a terminal: a service
// may grant scopes with any names.
func Printable(scopes spotipie.Scopes) []string {
	var names []string
	for _, scope := range scopes {
		names = append(names, cli.Printable(string(scope)))
	}
	return names
}
