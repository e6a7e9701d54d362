// Package version is the command version: it prints the version of the tool.
package version

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie/internal/tool/commandline"
	"github.com/spotipie/spotipie/internal/tool/output"
)

// Info is what version --json prints. Its keys do not change.
type Info struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
}

// New returns the command version.
func New() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version [flags]",
		Short: "Print the version",
		Long: `Prints the version of the tool, the Go version it was built with, and the system
that it was built for.

With --json it prints one line, a JSON object with the keys version, revision
(of the source, empty if it is not known), modified (whether the source was
changed since), go, os and arch.`,
		Example: "  spotipie version",
		Args:    commandline.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := Current()
			if asJSON {
				return output.WriteJSON(cmd, v)
			}
			return output.Write(cmd, v.Line())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print it as one line of JSON")
	return cmd
}

// Line returns the version as text.
func (v Info) Line() string {
	return fmt.Sprintf("spotipie %s (%s, %s/%s)\n", v.Version, v.Go, v.OS, v.Arch)
}

// Current returns what the Go linker has recorded about the program.
func Current() Info {
	v := Info{Version: "(devel)", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}
