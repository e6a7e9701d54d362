// Package scopelist reads, lists and completes the names of Spotify's scopes.
package scopelist

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
)

// Parse reads the values of --scope. A name that is none of Spotify's is
// an error, for Spotify would ask the user nothing and tell them so in a page.
func Parse(values []string, takeUnknown bool) (spotipie.Scopes, error) {
	scopes := spotipie.ParseScopes(strings.Join(values, " "))
	for _, scope := range scopes {
		if scope.Known() || takeUnknown {
			continue
		}
		if near := cli.Closest(strings.ToLower(string(scope)), names()); near != "" {
			return nil, fmt.Errorf("there is no scope %q: did you mean %s?", scope, near)
		}
		return nil, fmt.Errorf("there is no scope %q: 'spotipie scopes' lists those there are", scope)
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

// Complete offers the scopes for the part after the last comma, with what
// they mean.
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

// Table is a line for each scope: its name and what it allows.
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

// Printable returns the names as they can be shown on a terminal: a service may
// grant any.
func Printable(scopes spotipie.Scopes) []string {
	var names []string
	for _, scope := range scopes {
		names = append(names, cli.Printable(string(scope)))
	}
	return names
}
