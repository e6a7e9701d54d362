// Package doctor has the checks of `spotipie doctor`: each is a function that
// looks at one thing a login or a renewal needs, and returns whether it is as it
// should be, and what to do if not. A check never changes anything but what a
// renewal or a login would, and its result holds no secret.
package doctor

import (
	"context"
	"errors"
	"strings"
)

// Result is what one check has found. Its JSON is what doctor --json prints.
type Result struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`        // what was found
	Fix    string `json:"fix,omitempty"` // what to do; empty if OK

	unanswered bool // the accounts service did not answer
}

// Unanswered reports whether the accounts service did not answer the check of
// the clock: others that ask it would only repeat that.
func (r Result) Unanswered() bool { return r.unanswered }

func good(name, detail string) Result { return Result{Name: name, OK: true, Detail: detail} }

func bad(name, detail, fix string) Result { return Result{Name: name, Detail: detail, Fix: fix} }

// Blocked is the result of a check that cannot be made before another check's
// problem is fixed.
func Blocked(name string, by Result) Result {
	return bad(name, "cannot be checked before the "+by.Name+" is in order", "fix the "+by.Name+" first")
}

// NoAnswer is the result of a check for which the accounts service would have to
// answer. by is the check that has asked it.
func NoAnswer(name string, by Result) Result {
	return bad(name, "cannot be checked: the accounts service does not answer", "see the "+by.Name)
}

// plain returns an error's text in one line, without the library's name.
func plain(err error) string {
	return strings.TrimPrefix(strings.Join(strings.Fields(err.Error()), " "), "spotipie: ")
}

// tooLong reports whether err is due to the check's own time limit.
func tooLong(err error) bool { return errors.Is(err, context.DeadlineExceeded) }
