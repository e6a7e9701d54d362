package api

import (
	"fmt"
	"io"
	"time"

	"github.com/spotipie/spotipie/internal/cli"
)

// progress shows how many items have been read.
type progress struct {
	*cli.Progress
	pages bool // show them
}

// newProgress returns a progress for w. pages is false if the results are
// printed to the same terminal: then they show the progress.
func newProgress(w io.Writer, pages bool) *progress {
	return &progress{cli.NewProgress(w), pages}
}

// items shows how many items have been read, and of how many if total is not 0.
func (p *progress) items(items, total int64) {
	switch {
	case !p.pages:
	case total > 0:
		p.Show(fmt.Sprintf("%d of %d items", items, total))
	default:
		p.Show(fmt.Sprintf("%d items", items))
	}
}

// pause says that the server has asked for a pause.
func (p *progress) pause(d time.Duration) {
	p.Show(fmt.Sprintf("too many requests: waiting %s, as Spotify asks …", d.Round(time.Second)))
}
