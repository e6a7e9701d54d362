package tool

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// invalidValue matches package pflag's error for a wrong value of a flag.
const invalidValue = `^invalid argument (".*") for "(?:-\w, )?--([\w-]+)" flag: (.*)$`

// flagError rewords package flag's errors about values.
func flagError(err error) error {
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
