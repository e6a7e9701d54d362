package simulation

import (
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spotipie/spotipie"
)

// Finding is a fault that was found.
type Finding struct {
	At      time.Duration // since the start
	Rule    string        // the name of the broken rule
	Process string        // the process at fault, with the number of its life
	Text    string        // what happened
}

func (f Finding) String() string {
	return fmt.Sprintf("%s: %s, %s: %s", f.Rule, clock(f.At), f.Process, f.Text)
}

// Outcome is the result of a plan.
type Outcome struct {
	Plan     Plan
	Findings []Finding
	entries  []entry
}

// Failed reports whether something was found.
func (o Outcome) Failed() bool { return len(o.Findings) > 0 }

// of leaves out the findings of other rules, unless rule is empty.
func (o Outcome) of(rule string) Outcome {
	if rule != "" {
		o.Findings = slices.DeleteFunc(slices.Clone(o.Findings), func(f Finding) bool { return f.Rule != rule })
	}
	return o
}

// Has reports whether there is a finding for a rule.
func (o Outcome) Has(rule string) bool {
	for _, f := range o.Findings {
		if f.Rule == rule {
			return true
		}
	}
	return false
}

// Report returns what was found, how to run the plan again, the plan, and what
// happened.
func (o Outcome) Report() string {
	var b strings.Builder
	for _, f := range o.Findings {
		fmt.Fprintf(&b, "%s\n", f)
	}
	fmt.Fprintf(&b, "\nplay it again: go test -race ./internal/simulation -run TestPlans -seed=%d -v\n\nthe plan: %s\nwhat happened:\n%s",
		o.Plan.Seed, o.Plan, o.Log())
	return b.String()
}

// Log returns what happened, one line for each event. It leaves out events after the
// last finding, and events without problems after the last fault.
func (o Outcome) Log() string {
	last := time.Duration(forever)
	if n := len(o.Findings); n > 0 {
		last = o.Findings[n-1].At
	}
	var b strings.Builder
	settling := false
	for _, e := range o.entries {
		text := fmt.Sprintf(e.format, e.args...)
		settling = settling || text == troubleEnds
		if e.at <= last && !(settling && dull(text)) {
			fmt.Fprintf(&b, "  %s  %-11s  %s\n", clock(e.at), e.who, text)
		}
	}
	return b.String()
}

// troubleEnds is the line of the log after which only problems are of interest.
const troubleEnds = "all trouble ends"

func dull(text string) bool {
	return strings.HasSuffix(text, ": done") || strings.HasSuffix(text, "is called") || strings.HasSuffix(text, ": no error") ||
		strings.HasPrefix(text, "the Web API says 200")
}

// clock prints a moment as hours, minutes, seconds and milliseconds.
type clock time.Duration

func (c clock) String() string {
	d := time.Duration(c).Truncate(time.Millisecond)
	return fmt.Sprintf("%d:%02d:%06.3f", int(d.Hours()), int(d.Minutes())%60, (d % time.Minute).Seconds())
}

// errorText prints an error, or that there is none.
type errorText struct{ err error }

func (e errorText) String() string {
	if e.err == nil {
		return "no error"
	}
	return strings.ReplaceAll(e.err.Error(), "\n", "; ")
}

// outcome prints how a store call has ended.
type outcome struct {
	err   error
	fault Fault
}

func (o outcome) String() string {
	text := "done"
	switch {
	case errors.Is(o.err, spotipie.ErrVersionConflict):
		text = "version conflict"
	case o.err != nil:
		text = o.err.Error()
	}
	if o.fault != NoFault {
		text += ", but " + o.fault.String()
	}
	return text
}

// leftOver describes the goroutines of the library that are still running.
func leftOver() string {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	var places []string
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		if bubble.MatchString(stack) && strings.Contains(stack, "spotipie.") {
			places = append(places, place(stack))
		}
	}
	return strings.Join(places, "\n")
}

var bubble = regexp.MustCompile(`^goroutine \d+ .*synctest bubble`)

// place names the functions that a goroutine is in.
func place(stack string) string {
	var names []string
	for line := range strings.Lines(stack) {
		end := strings.LastIndex(line, "(")
		if end > 0 && !strings.HasPrefix(line, "\t") && !strings.HasPrefix(line, "goroutine") && !strings.HasPrefix(line, "created by") {
			names = append(names, line[strings.LastIndex(line[:end], "/")+1:end])
		}
	}
	return strings.Join(names, " < ")
}
