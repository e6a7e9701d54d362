package fleet

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/spotipie/spotipie"
)

// Stage is a moment in a renewal.
type Stage string

// The stages of a renewal, in order.
const (
	AnyTime       Stage = "any time"
	HoldingLock   Stage = "holding the lock"
	BeforeRequest Stage = "before the request"
	DuringRequest Stage = "during the request"
	answered      Stage = "answered"
	BeforeSave    Stage = "before the save"
	DuringSave    Stage = "during the save"
	AfterSave     Stage = "after the save"
)

// goesOn reports whether a member does not wait at the stage.
func (s Stage) goesOn() bool { return s == AnyTime || s == DuringRequest || s == DuringSave }

// probe reports the stages that a session's renewals reach.
type probe struct {
	reached func(Stage) // may be nil

	answeredAt atomic.Int64
	width      atomic.Int64 // from the last answer to the end of its save
}

func (p *probe) reach(s Stage) {
	switch s {
	case answered:
		p.answeredAt.Store(time.Now().UnixNano())
	case AfterSave:
		p.width.Store(time.Now().UnixNano() - p.answeredAt.Load())
	}
	if p.reached != nil {
		p.reached(s)
	}
}

type probedTransport struct {
	http.RoundTripper
	probe *probe
}

func (t probedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	t.probe.reach(BeforeRequest)
	t.probe.reach(DuringRequest)
	resp, err := t.RoundTripper.RoundTrip(req)
	if err == nil {
		t.probe.reach(answered)
	}
	return resp, err
}

type probedStore struct {
	spotipie.Store
	probe *probe
}

func (s probedStore) Lock(ctx context.Context, key spotipie.Key) (func(context.Context) error, error) {
	unlock, err := s.Store.Lock(ctx, key)
	if err == nil {
		s.probe.reach(HoldingLock)
	}
	return unlock, err
}

func (s probedStore) Swap(ctx context.Context, key spotipie.Key, version uint64, rec spotipie.Record) (uint64, error) {
	s.probe.reach(BeforeSave)
	s.probe.reach(DuringSave)
	version, err := s.Store.Swap(ctx, key, version, rec)
	if err == nil {
		s.probe.reach(AfterSave)
	}
	return version, err
}

// Check implements [spotipie.Checker] by the store's Check.
func (s probedStore) Check(ctx context.Context, key spotipie.Key) error {
	if c, isChecker := s.Store.(spotipie.Checker); isChecker {
		return c.Check(ctx, key)
	}
	return nil
}
