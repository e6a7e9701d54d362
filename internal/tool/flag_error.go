package tool

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/spotipie/spotipie/internal/cli"
)

// invalidValue matches package pflag's error for a wrong value of a flag.
const invalidValue = `^invalid argument (".*") for "(?:-\w, )?--([\w-]+)" flag: (.*)$`

// flagError rewords package pflag's errors about values, and suggests a flag of
// cmd for one that does not exist.
func flagError(cmd *cobra.Command, err error) error {
	if name, unknown := strings.CutPrefix(err.Error(), "unknown flag: "); unknown {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
		if near := cli.Closest(name, names); near != "" {
			return fmt.Errorf("unknown flag: %s (did you mean %s?)", name, near)
		}
		return err
	}
	found := regexp.MustCompile(invalidValue).FindStringSubmatch(err.Error())
	if found == nil {
		return err
	}
	value, name, reason := found[1], found[2], found[3]
	switch {
	case strings.HasPrefix(reason, "time: "):
		reason = "is not a duration, such as 30s, 10m or 1h30m"
	case strings.HasPrefix(reason, "strconv.ParseBool: "):
		reason = "is neither true nor false"
	default:
		return fmt.Errorf("--%s %s: %w", name, value, errors.New(reason))
	}
	return fmt.Errorf("--%s: %s %s", name, value, reason)
}
