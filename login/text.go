package login

import (
	"fmt"
	"time"
)

// spoken returns a duration in words, such as "2 minutes".
func spoken(d time.Duration) string {
	count := func(unit time.Duration, name string) string {
		if d != unit {
			name += "s"
		}
		return fmt.Sprintf("%d %s", d/unit, name)
	}
	switch {
	case d >= time.Minute && d%time.Minute == 0:
		return count(time.Minute, "minute")
	case d >= time.Second && d%time.Second == 0:
		return count(time.Second, "second")
	}
	return d.String()
}
