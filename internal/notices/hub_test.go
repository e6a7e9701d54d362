package notices_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/spotipie/spotipie/internal/notices"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a server that a hub listens to, over one connection at a time.
type server struct {
	mu          sync.Mutex
	connections int // now
	connected   int // ever
	refuse      error
	notify      func(name string)
	cut         context.CancelFunc
}

func (s *server) listen(ctx context.Context, ready func(), notify func(string)) error {
	s.mu.Lock()
	if s.refuse != nil {
		defer s.mu.Unlock()
		return s.refuse
	}
	ctx, cut := context.WithCancel(ctx)
	defer cut()
	s.notify, s.cut = notify, cut
	s.connections++
	s.connected++
	s.mu.Unlock()
	ready()
	<-ctx.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connections--
	return ctx.Err()
}

func (s *server) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *server) expectConnections(t *testing.T, now, ever int) {
	t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.connections != now || s.connected != ever {
		t.Errorf("%d connections, %d ever; want %d and %d", s.connections, s.connected, now, ever)
	}
}

func watch(t *testing.T, hub *notices.Hub, ctx context.Context, name string) <-chan struct{} {
	t.Helper()
	changes, err := hub.Watch(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

// expectTold fails the test unless there is one value, or none.
func expectTold(t *testing.T, changes <-chan struct{}, want int) {
	t.Helper()
	synctest.Wait()
	for told := 0; ; told++ {
		select {
		case _, more := <-changes:
			if !more {
				t.Fatal("the channel is closed")
			}
			continue
		default:
		}
		if told != want {
			t.Errorf("told %d times, want %d", told, want)
		}
		return
	}
}

func TestWatchersAreToldOfTheirNameAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		hub := notices.NewHub(s.listen)
		ctx, cancel := context.WithCancel(t.Context())
		first, second, other := watch(t, hub, ctx, "ada"), watch(t, hub, ctx, "ada"), watch(t, hub, ctx, "grace")
		s.expectConnections(t, 1, 1)
		for range 3 { // nobody receives
			s.notify("ada")
		}
		s.notify("nobody")
		expectTold(t, first, 1)
		expectTold(t, second, 1)
		expectTold(t, other, 0)
		cancel()
		s.expectConnections(t, 0, 1)
		for _, changes := range []<-chan struct{}{first, second, other} {
			if _, more := <-changes; more {
				t.Error("the channel is not closed")
			}
		}
	})
}

func TestConnectionIsThereWhileSomebodyWatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		hub := notices.NewHub(s.listen)
		for ever := 1; ever <= 3; ever++ {
			ctx, cancel := context.WithCancel(t.Context())
			stays := watch(t, hub, ctx, "ada")
			short, leave := context.WithCancel(t.Context())
			watch(t, hub, short, "ada")
			leave()
			s.expectConnections(t, 1, ever)
			s.notify("ada")
			expectTold(t, stays, 1)
			cancel()
			s.expectConnections(t, 0, ever)
		}
	})
}

func TestWatchersOfANewConnectionAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		hub := notices.NewHub(s.listen)
		ctx, cancel := context.WithCancel(t.Context())
		changes := watch(t, hub, ctx, "ada")
		s.set(func() {
			s.refuse = errors.New("restarting")
			s.cut()
		})
		time.Sleep(time.Minute)
		s.expectConnections(t, 0, 1)
		expectTold(t, changes, 0)
		s.set(func() { s.refuse = nil })
		time.Sleep(10 * time.Second)
		s.expectConnections(t, 1, 2)
		expectTold(t, changes, 1)
		s.notify("ada")
		expectTold(t, changes, 1)
		cancel()
		s.expectConnections(t, 0, 2)
	})
}

func TestFirstAttemptThatFailsIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("refused")
		s := &server{refuse: refused}
		hub := notices.NewHub(s.listen)
		if _, err := hub.Watch(t.Context(), "ada"); !errors.Is(err, refused) {
			t.Errorf("Watch: %v, want %v", err, refused)
		}
		s.set(func() { s.refuse = nil })
		ctx, cancel := context.WithCancel(t.Context())
		watch(t, hub, ctx, "ada")
		s.expectConnections(t, 1, 1)
		cancel()
		s.expectConnections(t, 0, 1)
	})
}

func TestWatchEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := notices.NewHub(func(ctx context.Context, _ func(), _ func(string)) error {
			<-ctx.Done() // a server that does not answer
			return ctx.Err()
		})
		ended, end := context.WithCancel(t.Context())
		end()
		if _, err := hub.Watch(ended, "ada"); !errors.Is(err, context.Canceled) {
			t.Errorf("Watch: %v, want context.Canceled", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := hub.Watch(ctx, "ada"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Watch: %v, want context.DeadlineExceeded", err)
		}
	})
}
