package fleet

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spotipie/spotipie"
)

// memberVariable holds the Config of a member in its environment.
const memberVariable = "SPOTIPIE_TEST_MEMBER"

// Config configures a member.
type Config struct {
	Address string        // of the store's server
	Place   string        // of the records in the store: a prefix, a table
	Lease   time.Duration // of the store's locks

	AccountsURL            string
	ClientID, ClientSecret string
}

const profile = "fleet"

func (c Config) key() spotipie.Key { return spotipie.Key{ClientID: c.ClientID, Profile: profile} }

// session returns a session whose renewals report to the probe.
func (c Config) session(store spotipie.Store, transport http.RoundTripper, now func() time.Time, p *probe) (*spotipie.AuthorizationCodeSession, error) {
	credentials := spotipie.Credentials{
		ClientID: c.ClientID, ClientSecret: c.ClientSecret, RedirectURI: "http://127.0.0.1:1/callback",
	}
	return spotipie.NewAuthorizationCodeSession(credentials, &spotipie.Options{
		Store: probedStore{store, p}, Profile: profile, Now: now,
		AccountsURL: c.AccountsURL, APIURL: c.AccountsURL, AllowPlainHTTP: true, // also between hosts
		Transport: probedTransport{transport, p},
	})
}

// order tells a member what to do. It is a line of JSON on its standard input.
type order struct {
	// Offset is how far the member's clock runs ahead.
	Offset time.Duration
	// Goroutines is how many goroutines ask for the token at once. 0 means that
	// the member refreshes the token even if it is valid.
	Goroutines int
	// Stage is the stage at which a refresh waits for another line.
	Stage Stage
}

// report is a member's answer. It is a line of JSON on its standard output.
type report struct {
	Reached Stage    // if not empty: the stage that the renewal has reached
	Tokens  []string // digests of the different tokens that the goroutines got
	Errors  []string
}

// RunMember carries out the orders of the test that has started this process, and
// ends the process when the test ends. In any other process it does nothing. open
// opens the store of a Config.
func RunMember(open func(Config) (spotipie.Store, error)) {
	text, isMember := os.LookupEnv(memberVariable)
	if !isMember {
		return
	}
	if err := serve(text, open); err != nil {
		fmt.Fprintln(os.Stderr, "member:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serve(text string, open func(Config) (spotipie.Store, error)) error {
	var c Config
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	store, err := open(c)
	if err != nil {
		return err
	}
	m := &serving{orders: bufio.NewScanner(os.Stdin), reports: json.NewEncoder(os.Stdout)}
	now := func() time.Time { return time.Now().Add(time.Duration(m.offset.Load())) }
	session, err := c.session(store, http.DefaultTransport, now, &probe{reached: m.reached})
	if err != nil {
		return err
	}
	for m.orders.Scan() {
		var o order
		if err := json.Unmarshal(m.orders.Bytes(), &o); err != nil {
			return err
		}
		m.offset.Store(int64(o.Offset))
		m.stage.Store(o.Stage)
		m.say(m.carryOut(session, o))
	}
	return m.orders.Err()
}

type serving struct {
	orders  *bufio.Scanner
	offset  atomic.Int64
	stage   atomic.Value // Stage
	mu      sync.Mutex
	reports *json.Encoder
}

func (m *serving) say(r report) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_ = m.reports.Encode(r)
}

func (m *serving) reached(s Stage) {
	wanted := m.stage.Load() == s
	if wanted || s == answered || s == AfterSave {
		m.say(report{Reached: s})
	}
	if wanted && !s.goesOn() {
		m.orders.Scan()
	}
}

func (m *serving) carryOut(session *spotipie.AuthorizationCodeSession, o order) report {
	ctx := context.Background()
	if o.Goroutines == 0 {
		if _, err := session.Load(ctx); err != nil {
			return report{Errors: []string{err.Error()}}
		}
		m.reached(AnyTime)
		token, err := session.RefreshToken(ctx)
		if err != nil {
			return report{Errors: []string{err.Error()}}
		}
		return report{Tokens: []string{digest(token)}}
	}
	var r report
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range o.Goroutines {
		wg.Go(func() {
			token, err := session.Token(ctx)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				r.Errors = append(r.Errors, err.Error())
			} else if d := digest(token); !slices.Contains(r.Tokens, d) {
				r.Tokens = append(r.Tokens, d)
			}
		})
	}
	wg.Wait()
	return r
}

// digest identifies a token without revealing it.
func digest(token *spotipie.Token) string {
	sum := sha256.Sum256([]byte(token.AccessToken()))
	return hex.EncodeToString(sum[:8])
}
