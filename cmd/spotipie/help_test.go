package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// Every command explains itself, in lines that fit a terminal.
func TestHelpOfEveryCommand(t *testing.T) {
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		t.Run(cmd.CommandPath(), func(t *testing.T) {
			var help strings.Builder
			printHelp(&help, cmd)
			if cmd.Short == "" || cmd.Long == "" {
				t.Error("it has no text")
			}
			if cmd.Runnable() && cmd.Example == "" && !cmd.Hidden {
				t.Error("it has no example")
			}
			for line := range strings.Lines(help.String()) {
				if strings.HasPrefix(line, "  spotipie ") {
					continue // an example, to be copied in one piece
				}
				if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > helpWidth {
					t.Errorf("%d columns: %s", n, line)
				}
			}
		})
		for _, sub := range cmd.Commands() {
			if sub.Name() != "help" {
				visit(sub)
			}
		}
	}
	visit(newRoot(nil))
}

// The command that is asked for is there without the others.
func TestEachCommandIsFoundByItsName(t *testing.T) {
	for _, want := range newRoot(nil).Commands() {
		got, _, err := newRoot([]string{want.Name()}).Find([]string{want.Name()})
		if err != nil || got.CommandPath() != want.CommandPath() {
			t.Errorf("%s: got %v (error %v)", want.Name(), got.CommandPath(), err)
		}
	}
}
