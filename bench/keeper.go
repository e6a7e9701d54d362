package main

import (
	"context"
	"sync/atomic"
	"time"

	"cloud.google.com/go/auth"
	"github.com/aws/aws-sdk-go-v2/aws"
)

// moment is the time in the life of a token at which a herd comes.
type moment int

const (
	// due means that the token is still valid, but every library would renew it
	// now. That is three minutes before its end for the session (which renews from
	// five minutes before), cloud.google.com/go/auth (from 3:45 before) and AWS with a
	// window of five minutes. For x/oauth2, which renews from ten seconds before, it is
	// five seconds: there is no time at which all four would renew.
	due moment = iota
	// over means that the token ended a minute ago.
	over
)

const tokenLifetime = time.Hour

// left is how long the token is still valid, for all except x/oauth2.
func (m moment) left() time.Duration {
	if m == due {
		return 3 * time.Minute
	}
	return -time.Minute
}

// keeper is a library that keeps a token, in its own world. A caller gets the token
// with get.
type keeper struct {
	column string
	open   func(ctx context.Context, w *world, m moment) (get func(context.Context) error, err error)
}

func keepers() []keeper {
	return []keeper{{ours, keepOurs}, {xoauth, keepOAuth2}, {cloud, keepCloud}, {awssdk, keepAWS}}
}

func keepOurs(_ context.Context, w *world, m moment) (func(context.Context) error, error) {
	w.service.Advance(tokenLifetime - m.left())
	return func(ctx context.Context) error {
		_, err := w.session.Token(ctx)
		return err
	}, nil
}

func keepOAuth2(ctx context.Context, w *world, m moment) (func(context.Context) error, error) {
	left := m.left()
	if m == due {
		left = 5 * time.Second
	}
	source := w.tokenSource(ctx, time.Now().Add(left))
	return func(context.Context) error { // this library takes no context
		_, err := source.Token()
		return err
	}, nil
}

func keepCloud(ctx context.Context, w *world, m moment) (func(context.Context) error, error) {
	var old atomic.Bool
	provider := auth.NewCachedTokenProvider(cloudFunc(func(ctx context.Context) (*auth.Token, error) {
		if !old.Swap(true) {
			return &auth.Token{Value: accessToken, Type: "Bearer", Expiry: time.Now().Add(m.left())}, nil
		}
		token, err := w.renew(ctx)
		if err != nil {
			return nil, err
		}
		return &auth.Token{Value: token.AccessToken, Type: "Bearer", Expiry: token.Expiry}, nil
	}), nil)
	get := func(ctx context.Context) error {
		_, err := provider.Token(ctx)
		return err
	}
	return get, get(ctx) // the call makes it hold the old token
}

func keepAWS(ctx context.Context, w *world, m moment) (func(context.Context) error, error) {
	var old atomic.Bool
	cache := aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		if !old.Swap(true) {
			return awsCredentials(accessToken, time.Now().Add(m.left())), nil
		}
		token, err := w.renew(ctx)
		if err != nil {
			return aws.Credentials{}, err
		}
		return awsCredentials(token.AccessToken, token.Expiry), nil
	}), func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = 5 * time.Minute })
	get := func(ctx context.Context) error {
		_, err := cache.Retrieve(ctx)
		return err
	}
	return get, get(ctx) // the call makes it hold the old token
}
