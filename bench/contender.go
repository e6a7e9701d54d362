package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"cloud.google.com/go/auth"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spotipie/spotipie"
	"golang.org/x/oauth2"
)

// contender is a library's benchmark for a measure.
type contender struct {
	column string
	bench  func(*testing.B)
}

// race runs each contender once in each round. Each round begins with another
// contender.
func race(rounds int, contenders []contender) (map[string][]testing.BenchmarkResult, error) {
	results := make(map[string][]testing.BenchmarkResult)
	for round := range rounds {
		for i := range contenders {
			c := contenders[(round+i)%len(contenders)]
			result := testing.Benchmark(c.bench)
			if result.N == 0 {
				return nil, fmt.Errorf("the benchmark of %s", c.column)
			}
			results[c.column] = append(results[c.column], result)
		}
	}
	return results, nil
}

// nanoseconds returns the time of one operation, by column and round.
func nanoseconds(results map[string][]testing.BenchmarkResult) map[string][]float64 {
	return each(results, func(r testing.BenchmarkResult) float64 { return float64(r.T.Nanoseconds()) / float64(r.N) })
}

// allocations returns the allocations of one operation, by column and round.
func allocations(results map[string][]testing.BenchmarkResult) map[string][]float64 {
	return each(results, func(r testing.BenchmarkResult) float64 { return float64(r.AllocsPerOp()) })
}

func each(results map[string][]testing.BenchmarkResult, f func(testing.BenchmarkResult) float64) map[string][]float64 {
	values := make(map[string][]float64)
	for column, rounds := range results {
		for _, result := range rounds {
			values[column] = append(values[column], f(result))
		}
	}
	return values
}

// An access token and a refresh token as long as Spotify's.
const (
	accessToken  = "BQDm4vVqzT0n3yR6tLkJ8wXcE2uHsPfA1gNbQ7iO5dKzYrM9xVjC0lWeUaTpSfGhBnIkQoZyDxRvLmJcEwXtUsPqAaHbNgFiOdKyRzMrVjC0lWeUaTpSfGh"
	refreshToken = "AQBx7KzYrM9xVjC0lWeUaTpSfGhBnIkQoZyDxRvLmJcEwXtUsPqAaHbNgFiOdKyRzMrVjC0lWeUaTpSfGhDm4vVqzT0n3yR6tLkJ8wXcE2uHsPfA1gNbQ7iO5d"
)

func credentials() spotipie.Credentials {
	return spotipie.Credentials{
		ClientID:     "0123456789abcdef0123456789abcdef",
		ClientSecret: "fedcba9876543210fedcba9876543210",
		RedirectURI:  "http://127.0.0.1/callback",
	}
}

// freshSession returns a session whose token has an hour left.
func freshSession(transport http.RoundTripper) (*spotipie.AuthorizationCodeSession, error) {
	session, err := spotipie.NewAuthorizationCodeSession(credentials(), &spotipie.Options{Transport: transport})
	if err != nil {
		return nil, err
	}
	token, err := spotipie.NewToken(spotipie.TokenFields{
		AccessToken: accessToken, RefreshToken: refreshToken, ExpiresIn: time.Hour,
	})
	if err != nil {
		return nil, err
	}
	return session, session.SetToken(context.Background(), token)
}

// freshOAuth2 returns the token source that x/oauth2's Config.Client uses.
func freshOAuth2() oauth2.TokenSource {
	creds := credentials()
	conf := &oauth2.Config{ClientID: creds.ClientID, ClientSecret: creds.ClientSecret, RedirectURL: creds.RedirectURI}
	return conf.TokenSource(context.Background(), &oauth2.Token{
		AccessToken: accessToken, RefreshToken: refreshToken, TokenType: "Bearer", Expiry: time.Now().Add(time.Hour),
	})
}

func freshCloud() (auth.TokenProvider, error) {
	provider := auth.NewCachedTokenProvider(cloudFunc(func(context.Context) (*auth.Token, error) {
		return &auth.Token{Value: accessToken, Type: "Bearer", Expiry: time.Now().Add(time.Hour)}, nil
	}), nil)
	_, err := provider.Token(context.Background())
	return provider, err
}

func freshAWS() (*aws.CredentialsCache, error) {
	cache := aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return awsCredentials(accessToken, time.Now().Add(time.Hour)), nil
	}))
	_, err := cache.Retrieve(context.Background())
	return cache, err
}

// cloudFunc makes a function an [auth.TokenProvider].
type cloudFunc func(context.Context) (*auth.Token, error)

func (f cloudFunc) Token(ctx context.Context) (*auth.Token, error) { return f(ctx) }

// awsCredentials returns AWS credentials with a token as the session token.
func awsCredentials(token string, expires time.Time) aws.Credentials {
	return aws.Credentials{
		AccessKeyID: "id", SecretAccessKey: "secret", SessionToken: token, CanExpire: true, Expires: expires,
	}
}

var errNoToken = errors.New("no token")
