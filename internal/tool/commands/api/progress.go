package api

import (
	"fmt"
	"io"
	"time"

	"github.com/spotipie/spotipie/internal/cli"
)

// progress says how far the pages are.
type progress struct {
	*cli.Progress
	pages bool // show them
}

// newProgress returns a progress for w. pages is false where the results scroll
// by on the same terminal: then they are the progress.
func newProgress(w io.Writer, pages bool) *progress {
	return &progress{cli.NewProgress(w), pages}
}

// items says how many items there are so far, of total if that is not 0.
func (p *progress) items(items, total int64) {
	switch {
	case !p.pages:
	case total > 0:
		p.Show(fmt.Sprintf("%d of %d items", items, total))
	default:
		p.Show(fmt.Sprintf("%d items", items))
	}
}

// pause says that the server asked for one.
func (p *progress) pause(d time.Duration) {
	p.Show(fmt.Sprintf("too many requests: waiting %s, as Spotify asks …", d.Round(time.Second)))
}
