package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
)

func destination() chapter {
	return chapter{
		title: "Where the token goes",
		about: "To the Web API, and nowhere else.",
		steps: func(s *stage) ([]step, error) {
			st, session, err := s.app(accounts.Options{})
			if err != nil {
				return nil, err
			}
			d := &destinationSteps{site: st, session: session}
			if d.elsewhere, err = s.listen(http.HandlerFunc(d.receive)); err != nil {
				return nil, err
			}
			return []step{
				{"A redirect to another port goes without it", d.redirect},
				{"Printing and logging never show it", d.print},
			}, nil
		},
	}
}

type destinationSteps struct {
	site      *site
	session   *spotipie.AuthorizationCodeSession
	elsewhere string // URL of a server that is not the Web API

	requests, tokens atomic.Int64 // that it was sent
}

func (d *destinationSteps) receive(w http.ResponseWriter, r *http.Request) {
	d.requests.Add(1)
	if r.Header.Get("Authorization") != "" {
		d.tokens.Add(1)
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, "{}")
}

func (d *destinationSteps) redirect(ctx context.Context) (string, error) {
	if err := d.site.login(ctx, d.session); err != nil {
		return "", err
	}
	err := d.site.QueueFault(accounts.Fault{
		Kind: accounts.FaultRespond, Target: accounts.TargetAPI,
		Status: http.StatusTemporaryRedirect, Header: http.Header{"Location": {d.elsewhere + "/v1/me"}},
	})
	if err != nil {
		return "", err
	}
	err = get(ctx, d.session, "/v1/me", nil)
	return fmt.Sprintf("%d request, %d tokens", d.requests.Load(), d.tokens.Load()), errors.Join(err,
		expect("requests at the other port", d.requests.Load(), 1),
		expect("tokens at the other port", d.tokens.Load(), 0))
}

// print prints every value that contains a secret in every way in which Go
// programs print values.
func (d *destinationSteps) print(context.Context) (string, error) {
	token, creds := d.session.CurrentToken(), d.site.credentials()
	event := spotipie.TokenUpdated{Session: d.session, NewToken: token}
	var printed strings.Builder
	things := []any{d.session, token, *token, token.Fields(), creds, event, d.site.Apps()[0]}
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	for _, thing := range things {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			fmt.Fprintf(&printed, verb+"\n", thing)
		}
		logger.Info("a thing", "thing", thing)
	}
	all := printed.String() + log.String()
	secrets := 0
	for _, secret := range []string{token.AccessToken(), token.RefreshToken(), creds.ClientSecret} {
		secrets += strings.Count(all, secret)
	}
	return fmt.Sprintf("%d lines, %d secrets", 5*len(things), secrets), errors.Join(
		expect("visible secrets", secrets, 0),
		expect("the client id is visible", strings.Contains(all, creds.ClientID), true),
		expect("lines logged", bytes.Count(log.Bytes(), []byte("\n")), len(things)))
}
