// Command spotipie gets, keeps and renews the tokens that Spotify's Web API asks
// for, for the shell and for programs in any language. Run it without arguments
// for what it can do; docs/other-languages.md in the repository shows it at work.
package main

import (
	"os"

	"github.com/spotipie/spotipie/internal/tool"
)

func main() { os.Exit(tool.Run(os.Args[1:], os.Stdout, os.Stderr)) }
