package pgstore

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spotipie/spotipie"
)

// notifyTimeout limits sending notices. No caller waits for it.
const notifyTimeout = 5 * time.Second

// maxNotices is how many are sent with one statement.
const maxNotices = 1000

// A transaction that notifies holds a lock of the whole server while it
// commits. So notices are sent in statements of their own, many at once, and
// without waiting for the disk or a replica.
const notifySQL = `
WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
SELECT pg_notify({channel}, notice) FROM quick, unnest(string_to_array($1::text, ',')) AS notice`

// notifier sends notices in the background, one statement at a time. The next
// statement sends all notices that have come meanwhile. It runs only while
// there is something to send. If a notice cannot be sent, it is lost.
type notifier struct {
	send func(ctx context.Context, notices []string) error

	mu      sync.Mutex
	pending map[string]pending
	running bool
}

// pending is a change that a notice is about.
type pending struct {
	key     spotipie.Key
	version int64 // 0: it is about something else
}

// changed sends the notice of a new version.
func (n *notifier) changed(key spotipie.Key, version int64) {
	n.add(notice(key), pending{key, version})
}

// notify sends a notice that is not about a change.
func (n *notifier) notify(notice string) { n.add(notice, pending{}) }

func (n *notifier) add(notice string, p pending) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.pending == nil {
		n.pending = make(map[string]pending)
	}
	if p.version >= n.pending[notice].version {
		n.pending[notice] = p
	}
	if !n.running {
		n.running = true
		go n.run()
	}
}

func (n *notifier) run() {
	for {
		batch := n.take()
		if batch == nil {
			return
		}
		for some := range slices.Chunk(batch, maxNotices) {
			ctx, cancel := context.WithTimeout(context.Background(), notifyTimeout)
			_ = n.send(ctx, some)
			cancel()
		}
	}
}

// take returns the notices to send, or nil if there are none.
func (n *notifier) take() (batch []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.pending) == 0 {
		n.running = false
		return nil
	}
	for notice, p := range n.pending {
		if p.version != 0 {
			batch = append(batch, changeNotice(p.key, p.version)...)
		}
		batch = append(batch, notice)
	}
	n.pending = nil
	return batch
}

func (s *Store) sendNotices(ctx context.Context, notices []string) error {
	return s.exec(ctx, s.statements.notify, strings.Join(notices, ","))
}
