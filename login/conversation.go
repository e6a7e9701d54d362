package login

import (
	"fmt"
	"io"

	"github.com/spotipie/spotipie/internal/cli"
)

// conversation writes the texts for the user. It ignores errors of writing.
type conversation struct {
	w        io.Writer
	question string // what the user was asked last
	open     bool   // the cursor is after the question
}

// say writes a text on separate lines. If a question was waiting for an answer,
// say asks it again.
func (c *conversation) say(format string, args ...any) {
	text := fmt.Sprintf(format, args...) + "\n"
	if c.open {
		text = "\n" + text + c.question
	}
	c.write(text)
}

// ask writes a question; the user types after it.
func (c *conversation) ask(question string) {
	c.question, c.open = question, true
	c.write(question)
}

// answered must be called when the user has pressed Enter.
func (c *conversation) answered() { c.open = false }

// withdraw ends a question that nobody will answer.
func (c *conversation) withdraw() {
	if c.open {
		c.open = false
		c.write("\n")
	}
}

func (c *conversation) write(text string) {
	_, _ = io.WriteString(c.w, cli.Wrap(text, cli.Width(c.w)))
}
