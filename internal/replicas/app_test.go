package replicas_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/web"
)

// replicaVariable holds the replicaConfig of a replica in its environment.
const replicaVariable = "SPOTIPIE_TEST_REPLICA"

// nameHeader has the name of the replica in its answers and in its requests to Spotify.
const nameHeader = "X-Replica"

// replicaConfig configures a replica.
type replicaConfig struct {
	Name   string // of this process only
	Listen string // host:port

	Database, DatabaseAddress string
	Lease                     time.Duration // 0: the store's default

	AccountsURL                         string
	ClientID, ClientSecret, RedirectURI string
	Keys                                string // of the cookies
}

// runReplica serves the app until the standard input ends, and then ends the
// process. In a process that is not a replica it does nothing.
func runReplica() {
	text, isReplica := os.LookupEnv(replicaVariable)
	if !isReplica {
		return
	}
	if err := serveReplica(text); err != nil {
		fmt.Fprintln(os.Stderr, "replica:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serveReplica(text string) error {
	ctx := context.Background()
	var c replicaConfig
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	store, closeStore, err := openStore(ctx, c.Database, c.DatabaseAddress, c.Lease)
	if err != nil {
		return err
	}
	defer closeStore()
	creds := spotipie.Credentials{ClientID: c.ClientID, ClientSecret: c.ClientSecret, RedirectURI: c.RedirectURI}
	pool, err := spotipie.NewPool(creds, &spotipie.PoolOptions{Options: spotipie.Options{
		Store: store, Scope: spotipie.Scopes{spotipie.ScopeUserLibraryRead},
		AccountsURL: c.AccountsURL, APIURL: c.AccountsURL, Transport: newNamedTransport(c.Name),
		OnError: func(err error) { fmt.Fprintln(os.Stderr, err) },
	}})
	if err != nil {
		return err
	}
	keys, err := web.ParseKeys(c.Keys)
	if err != nil {
		return err
	}
	auth, err := web.New(pool, &web.Options{Keys: keys, OnError: func(r *http.Request, err error) {
		fmt.Fprintln(os.Stderr, r.URL.Path, err)
	}})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	var running sync.WaitGroup
	running.Go(func() { _ = pool.Run(ctx) })
	server := &http.Server{Handler: named(c.Name, routes(auth))}
	running.Go(func() { _ = server.Serve(listener) })
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err = errors.Join(server.Shutdown(ctx), pool.Close(ctx))
	running.Wait()
	return err
}

// routes returns the handler of the app.
func routes(auth *web.Auth) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/auth/", auth)
	mux.Handle(homePath, auth.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeAnswer(w, answer{Account: web.UserFrom(r.Context())})
	})))
	mux.Handle(mePath, auth.Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, err := spotipie.CurrentUser(r.Context(), web.SessionFrom(r.Context()))
		if err != nil {
			auth.Error(w, r, err)
			return
		}
		writeAnswer(w, answer{Account: user.AccountID, ID: user.ID})
	})))
	mux.Handle(libraryPath, auth.Require(spotipie.ScopeUserLibraryRead)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		saved, err := savedTracks(r.Context(), web.SessionFrom(r.Context()))
		if err != nil {
			auth.Error(w, r, err)
			return
		}
		writeAnswer(w, answer{Account: web.UserFrom(r.Context()), Library: saved})
	})))
	return mux
}

// The pages of the app.
const (
	homePath    = "/home" // shows who is signed in, without a request to Spotify
	mePath      = "/me"
	libraryPath = "/library"
)

// answer is the JSON of the app's pages.
type answer struct {
	Account string  `json:"account"`
	ID      string  `json:"id,omitempty"`
	Library library `json:"library,omitzero"`
}

// library identifies a user's library by its number of tracks and its newest track.
type library struct {
	Total  int    `json:"total"`
	Newest string `json:"newest"`
}

func savedTracks(ctx context.Context, session spotipie.Session) (library, error) {
	resp, err := session.Request(ctx, http.MethodGet, "/v1/me/tracks?limit=1", nil)
	if err != nil {
		return library{}, err
	}
	if err := spotipie.CheckResponse(resp); err != nil {
		return library{}, err
	}
	defer resp.Body.Close()
	var page struct {
		Total int `json:"total"`
		Items []struct {
			Track struct {
				ID string `json:"id"`
			} `json:"track"`
		} `json:"items"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&page); err != nil || len(page.Items) != 1 {
		return library{}, fmt.Errorf("the saved tracks: %d items, %w", len(page.Items), err)
	}
	return library{Total: page.Total, Newest: page.Items[0].Track.ID}, nil
}

func writeAnswer(w http.ResponseWriter, a answer) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(a)
}

// named adds the name of the replica to a handler's answers.
func named(name string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(nameHeader, name)
		next.ServeHTTP(w, r)
	})
}

// namedTransport adds the name of the replica to requests to Spotify.
type namedTransport struct {
	http.RoundTripper
	name string
}

func newNamedTransport(name string) namedTransport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	return namedTransport{transport, name}
}

func (t namedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set(nameHeader, t.name)
	return t.RoundTripper.RoundTrip(req)
}
