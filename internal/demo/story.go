package demo

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spotipie/spotipie/internal/cli"
)

// The layout fits 80 columns: mark, what happened, and the measured fact.
const (
	whatWidth = 46
	textWidth = 78
)

// story writes the output. The first error of w stays in err.
type story struct {
	w     io.Writer
	style cli.Style
	err   error
}

func (s *story) print(lines ...string) {
	if s.err == nil {
		_, s.err = io.WriteString(s.w, strings.Join(lines, "\n")+"\n")
	}
}

func (s *story) opening() {
	s.print(
		"What spotipie does, run against accounts services like Spotify's. The services",
		"listen only on this machine, and the demo moves their clock: no network, no",
		"Spotify account, no waiting. Ada is one of their users. On the right is what",
		"was measured.",
	)
}

func (s *story) chapter(title, about string) {
	s.print("", s.style.Heading(title), "  "+about)
}

func (s *story) success(what, fact string) {
	pad := strings.Repeat(" ", max(whatWidth-utf8.RuneCountInString(what), 0))
	s.print("  " + s.style.Good("✓") + " " + what + pad + "  " + s.style.Faint(fact))
}

func (s *story) failure(what string, err error) {
	s.print("  " + s.style.Bad("✗ "+what))
	for line := range strings.SplitSeq(cli.Wrap(err.Error(), textWidth-6), "\n") {
		s.print("      " + line)
	}
}

func (s *story) skipped(steps int) {
	if steps > 0 {
		s.print("      The rest of this part depends on it and was skipped:  " + counted(steps, "step"))
	}
}

func (s *story) closing(passed, failed int, took time.Duration, serve string) {
	verdict := s.style.Good(fmt.Sprintf("All %d steps checked", passed))
	if failed > 0 {
		verdict = s.style.Bad(fmt.Sprintf("%d of %d steps failed", failed, passed+failed))
	}
	s.print("", fmt.Sprintf("%s in %d ms.", verdict, took.Milliseconds()))
	if failed == 0 {
		s.print(
			fmt.Sprintf("Next: %q runs such a service for your own programs,", serve),
			"and the README shows how to write the first one.",
		)
	}
}

// counted returns "1 step", "2 steps".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
