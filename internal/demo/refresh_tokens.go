package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
)

func refreshTokens() chapter {
	return chapter{
		title: "Refresh tokens and stores",
		about: "A refresh token gets new tokens, for six months from the user's consent.",
		steps: func(s *stage) ([]step, error) {
			keeping, err := s.service(accounts.Options{})
			if err != nil {
				return nil, err
			}
			rotating, err := s.service(accounts.Options{RotateAllRefreshTokens: true})
			if err != nil {
				return nil, err
			}
			r := &refreshTokensSteps{site: rotating, store: spotipie.NewMemoryStore()}
			kept, err := keeping.session(keeping.options())
			if err != nil {
				return nil, err
			}
			if r.session, err = rotating.session(r.options()); err != nil {
				return nil, err
			}
			return []step{
				{"A refresh without a new one keeps the old", func(ctx context.Context) (string, error) {
					return refreshKeeping(ctx, keeping, kept)
				}},
				{"A service that rotates: each is replaced", r.rotate},
				{"Each token is in the store before it is used", r.savedFirst},
				{"Another session takes it from the store", r.secondSession},
				{"Ada removes the app: she must agree again", r.revoke},
				{"After that no more requests are made", r.stayRevoked},
				{"She agrees again, and it works", r.authorizeAgain},
				{"Six months later the consent ends", r.sixMonths},
			}, nil
		},
	}
}

const refreshes = 3

// refreshKeeping refreshes with the same refresh token.
func refreshKeeping(ctx context.Context, st *site, session *spotipie.AuthorizationCodeSession) (string, error) {
	if err := st.login(ctx, session); err != nil {
		return "", err
	}
	replaced, err := refreshAndCount(ctx, session)
	return fmt.Sprintf("%d refreshes, %d replaced", refreshes, replaced),
		errors.Join(err, expect("refresh tokens replaced", replaced, 0))
}

// refreshAndCount refreshes and returns how often the refresh token changed.
func refreshAndCount(ctx context.Context, session *spotipie.AuthorizationCodeSession) (replaced int, err error) {
	for range refreshes {
		old := session.CurrentToken()
		token, err := session.RefreshToken(ctx)
		if err := errors.Join(err, expectOther("what RefreshToken returns", token, old)); err != nil {
			return replaced, err
		}
		if token.RefreshToken() != old.RefreshToken() {
			replaced++
		}
	}
	return replaced, nil
}

type refreshTokensSteps struct {
	site    *site
	session *spotipie.AuthorizationCodeSession
	store   *spotipie.MemoryStore
	saved   int // token-updated events whose token was already in the store
}

func (r *refreshTokensSteps) options() *spotipie.Options {
	opts := r.site.options()
	opts.Store, opts.Profile = r.store, "ada"
	return opts
}

func (r *refreshTokensSteps) rotate(ctx context.Context) (string, error) {
	if err := r.site.login(ctx, r.session); err != nil {
		return "", err
	}
	remove := r.session.OnTokenUpdated(func(ctx context.Context, e spotipie.TokenUpdated) error {
		rec, _, err := r.store.Load(ctx, spotipie.Key{ClientID: r.session.ClientID(), Profile: "ada"})
		if err == nil && rec.Token.Equal(e.NewToken) {
			r.saved++
		}
		return err
	})
	defer remove()
	replaced, err := refreshAndCount(ctx, r.session)
	return fmt.Sprintf("%d refreshes, %d replaced", refreshes, replaced),
		errors.Join(err, expect("refresh tokens replaced", replaced, refreshes))
}

// savedFirst checks what the listener of rotate has seen.
func (r *refreshTokensSteps) savedFirst(context.Context) (string, error) {
	return fmt.Sprintf("%d events, %d saved before", refreshes, r.saved),
		expect("tokens that the store had when they were announced", r.saved, refreshes)
}

func (r *refreshTokensSteps) secondSession(ctx context.Context) (string, error) {
	second, err := r.site.session(r.options())
	if err != nil {
		return "", err
	}
	count := r.site.tally()
	token, err := second.Token(ctx)
	return "0 token requests", errors.Join(err,
		expectSame("what it returns", token, r.session.CurrentToken()), count.expect(0, 0))
}

func (r *refreshTokensSteps) revoke(ctx context.Context) (string, error) {
	if err := expect("there is a consent to take back", r.site.RevokeUser(r.session.ClientID(), "ada"), true); err != nil {
		return "", err
	}
	count := r.site.tally()
	_, err := r.session.RefreshToken(ctx)
	return r.wantReauthorization(err, count, 1)
}

func (r *refreshTokensSteps) stayRevoked(ctx context.Context) (string, error) {
	r.site.Advance(2 * time.Hour)
	count := r.site.tally()
	_, err := r.session.Token(ctx)
	_, checkErr := r.wantReauthorization(err, count, 0)
	return "0 token requests", checkErr
}

func (r *refreshTokensSteps) wantReauthorization(err error, count tally, tokenRequests int) (string, error) {
	const name = "ErrReauthorizationRequired"
	return name, errors.Join(
		expectError(err, spotipie.ErrReauthorizationRequired, name), count.expect(tokenRequests, 0))
}

func (r *refreshTokensSteps) authorizeAgain(ctx context.Context) (string, error) {
	if err := r.site.login(ctx, r.session); err != nil {
		return "", err
	}
	return profile(ctx, r.session)
}

func (r *refreshTokensSteps) sixMonths(ctx context.Context) (string, error) {
	by := r.session.ReauthorizeBy()
	if err := expect("six months after the consent", by, r.session.AuthorizedAt().AddDate(0, 6, 0)); err != nil {
		return "", err
	}
	r.site.Advance(by.Add(-time.Minute).Sub(r.site.Now()))
	if _, err := r.session.RefreshToken(ctx); err != nil {
		return "", fmt.Errorf("a minute before the day: %w", err)
	}
	r.site.Advance(2 * time.Minute)
	count := r.site.tally()
	_, err := r.session.RefreshToken(ctx)
	_, checkErr := r.wantReauthorization(err, count, 1)
	return "ReauthorizeBy: " + by.Format(time.DateOnly), checkErr
}
