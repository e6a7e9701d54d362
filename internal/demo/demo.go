package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spotipie/spotipie/internal/cli"
)

// Options adjust a run.
type Options struct {
	// Style formats the output. Default: plain.
	Style cli.Style
	// Wrap wraps every accounts service that is started, to watch or change its
	// requests and answers. Default: nothing.
	Wrap func(http.Handler) http.Handler
	// Serve is the command that runs an accounts service; the output ends with
	// it. Default: "spotipie serve".
	Serve string
	// StepLimit is how long a step may take before it counts as failed.
	// Default: 10 seconds.
	StepLimit time.Duration
}

const defaultStepLimit = 10 * time.Second

// FailedError means that some steps have failed.
type FailedError struct {
	Passed, Failed int // how many steps
}

func (e *FailedError) Error() string {
	return fmt.Sprintf("%d of %d steps failed: something on this machine interferes, "+
		"or spotipie has a bug; please report the lines marked ✗", e.Failed, e.Passed+e.Failed)
}

// chapter is a part of the demo.
type chapter struct {
	title, about string
	steps        func(*stage) ([]step, error)
}

// step is one thing that happens. run makes it happen and checks it; fact is
// what it has measured.
type step struct {
	what string
	run  func(ctx context.Context) (fact string, err error)
}

func chapters() []chapter {
	return []chapter{
		publicApp(), confidentialApp(), clientCredentials(), implicitGrant(),
		tokenLife(), apiAnswers(), refreshTokens(), destination(),
	}
}

// Run runs the demo and writes its output to w. It returns a [*FailedError] if
// a step failed, the cause of ctx's end if that comes first, and an error if w
// fails. It writes nothing secret.
func Run(ctx context.Context, w io.Writer, opts *Options) error {
	if opts == nil {
		opts = &Options{}
	}
	d := &demo{
		story:     &story{w: w, style: opts.Style},
		wrap:      opts.Wrap,
		stepLimit: opts.StepLimit,
	}
	if d.wrap == nil {
		d.wrap = func(h http.Handler) http.Handler { return h }
	}
	if d.stepLimit <= 0 {
		d.stepLimit = defaultStepLimit
	}
	started := time.Now()
	d.story.opening()
	for _, c := range chapters() {
		d.tell(ctx, c)
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted: %w", context.Cause(ctx))
		}
	}
	d.story.closing(d.passed, d.failed, time.Since(started), cmp.Or(opts.Serve, "spotipie serve"))
	switch {
	case d.story.err != nil:
		return fmt.Errorf("writing the output: %w", d.story.err)
	case d.failed > 0:
		return &FailedError{Passed: d.passed, Failed: d.failed}
	}
	return nil
}

type demo struct {
	story          *story
	wrap           func(http.Handler) http.Handler
	stepLimit      time.Duration
	passed, failed int
}

// tell runs a chapter. A failed step ends it, and the following steps, which
// depend on it, count as failed.
func (d *demo) tell(ctx context.Context, c chapter) {
	d.story.chapter(c.title, c.about)
	s := newStage(d.wrap, d.stepLimit)
	steps, err := c.steps(s)
	if err != nil {
		d.failed++
		d.story.failure("the services could not be started", err)
	}
	for i, st := range steps {
		fact, err := d.perform(ctx, st)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			d.failed += len(steps) - i
			d.story.failure(st.what, err)
			d.story.skipped(len(steps) - i - 1)
			break
		}
		d.passed++
		d.story.success(st.what, fact)
	}
	if err := s.clear(context.WithoutCancel(ctx)); err != nil {
		d.failed++
		d.story.failure("the services could not be stopped", err)
	}
}

func (d *demo) perform(ctx context.Context, st step) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, d.stepLimit,
		errors.New("the step took longer than "+d.stepLimit.String()))
	defer cancel()
	return st.run(ctx)
}
