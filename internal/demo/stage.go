package demo

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/internal/cli"
)

// stage has the services and sessions of a chapter, and stops and closes them
// at the end.
type stage struct {
	wrap      func(http.Handler) http.Handler
	limit     time.Duration // of renewals, and of clear
	transport *http.Transport
	sessions  []spotipie.Session
	releases  []func() // of gates that may still be closed
	stops     []func() error
}

func newStage(wrap func(http.Handler) http.Handler, limit time.Duration) *stage {
	return &stage{wrap: wrap, limit: limit, transport: &http.Transport{}}
}

// listen serves handler on a free loopback port and returns its URL.
func (s *stage) listen(handler http.Handler) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- cli.Serve(ctx, listener, handler, log.New(io.Discard, "", 0)) }()
	s.stops = append(s.stops, func() error {
		cancel()
		return <-served
	})
	return "http://" + listener.Addr().String(), nil
}

// service starts an accounts service that agrees to every request
// automatically, as Ada.
func (s *stage) service(opts accounts.Options) (*site, error) {
	opts.AutoApprove = true
	service, err := accounts.New(&opts)
	if err != nil {
		return nil, err
	}
	st := &site{Service: service, stage: s}
	st.url, err = s.listen(s.wrap(st.watched(service)))
	return st, err
}

// app is service with a session of its app. Nobody is signed in yet.
func (s *stage) app(opts accounts.Options) (*site, *spotipie.AuthorizationCodeSession, error) {
	st, err := s.service(opts)
	if err != nil {
		return nil, nil, err
	}
	session, err := st.session(st.options())
	return st, session, err
}

// clear closes the sessions and stops the services.
func (s *stage) clear(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	for _, release := range s.releases {
		release()
	}
	var errs []error
	for _, session := range s.sessions {
		errs = append(errs, session.Close(ctx))
	}
	s.transport.CloseIdleConnections()
	for _, stop := range slices.Backward(s.stops) {
		errs = append(errs, stop())
	}
	return errors.Join(errs...)
}
