package pauses_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/pausefile"
	"github.com/spotipie/spotipie/internal/tool/pauses"
	"github.com/spotipie/spotipie/internal/tool/settings"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// service is a Web API that asks for a pause as long as paused is set.
type service struct {
	*httptest.Server
	paused   atomic.Bool
	requests atomic.Int64
}

func newService(t *testing.T) *service {
	t.Helper()
	s := &service{}
	s.paused.Store(true)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.requests.Add(1)
		if s.paused.Load() {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}))
	t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
	t.Cleanup(s.Close)
	return s
}

// ask runs the tool with one request.
func (s *service) ask(t *testing.T, ignore bool, flags ...string) (of *settings.Settings, stderr *strings.Builder, err error) {
	t.Helper()
	of, stderr = tooltest.Settings(t, append([]string{"--client-id", "app", "--accounts-url", s.URL}, flags...)...)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/v1/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := pauses.New(of).Transport(ignore).RoundTrip(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	return of, stderr, err
}

func TestPauseOfAnEarlierRun(t *testing.T) {
	tooltest.Home(t, "")
	service := newService(t)
	if _, _, err := service.ask(t, false); err != nil {
		t.Fatalf("the answer itself: %v", err)
	}
	s, _, err := service.ask(t, false)
	var limited *spotipie.RateLimitError
	if !errors.As(err, &limited) || !limited.NotSent || service.requests.Load() != 1 {
		t.Errorf("the second run: %v after %d requests", err, service.requests.Load())
	}
	if pause := pauses.New(s).OfAPI(); pause == nil || time.Until(pause.Until) < 50*time.Minute ||
		!strings.HasSuffix(pauses.Words(pause), "from now): too many requests") {
		t.Errorf("got %+v", pause)
	}
	if _, _, err := service.ask(t, false, "--client-id", "other"); err != nil {
		t.Errorf("another app: %v", err)
	}

	service.paused.Store(false)
	if _, _, err := service.ask(t, true); err != nil {
		t.Errorf("ignoring it: %v", err)
	}
	if s, _, err := service.ask(t, false); err != nil || pauses.New(s).OfAPI() != nil {
		t.Errorf("it is over, and yet: %v", err)
	}
}

// TestBrokenFile checks that the user is told once, and that requests are still sent.
func TestBrokenFile(t *testing.T) {
	home := tooltest.Home(t, "")
	if err := os.WriteFile(filepath.Join(home, pausefile.Name), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, stderr := tooltest.Settings(t)
	p := pauses.New(s)
	for range 2 {
		if pause := p.OfAPI(); pause != nil {
			t.Errorf("got %+v", pause)
		}
	}
	if got := stderr.String(); strings.Count(got, "Note: cannot read which pauses Spotify has asked for earlier: ") != 1 {
		t.Errorf("stderr: %s", got)
	}
}
