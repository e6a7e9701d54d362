// Package doctor has the checks of `spotipie doctor`. Each is a function that
// checks one thing that a login or a renewal needs, and returns whether it is
// right, and what to do if not. A check changes only what a renewal or a login
// would change, and its result contains no secret.
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
	Detail string `json:"detail"`        // what the check has found
	Fix    string `json:"fix,omitempty"` // what to do; empty if OK

	unanswered bool // the accounts service did not answer
}

// Unanswered reports whether the accounts service did not answer the check of
// the clock. Other checks that call the service would only repeat this.
func (r Result) Unanswered() bool { return r.unanswered }

func good(name, detail string) Result { return Result{Name: name, OK: true, Detail: detail} }

func bad(name, detail, fix string) Result { return Result{Name: name, Detail: detail, Fix: fix} }

// Blocked is the result of a check that is only possible after another check's
// problem is fixed.
func Blocked(name string, by Result) Result {
	return bad(name, "cannot be checked before the "+by.Name+" is in order", "fix the "+by.Name+" first")
}

// NoAnswer returns the result of a check that needs the accounts service, which did
// not answer. by is the result of the check that has called it.
func NoAnswer(name string, by Result) Result {
	return bad(name, "cannot be checked: the accounts service does not answer", "see the "+by.Name)
}

// plain returns an error's text in one line, without the library's name.
func plain(err error) string {
	return strings.TrimPrefix(strings.Join(strings.Fields(err.Error()), " "), "spotipie: ")
}

// tooLong reports whether the check's own time limit has caused err.
func tooLong(err error) bool { return errors.Is(err, context.DeadlineExceeded) }
