// Command bench compares sessions with other ways to keep a token in a Go program, in
// one run on one machine:
//
//   - golang.org/x/oauth2: Config.TokenSource and Transport
//   - cloud.google.com/go/auth: NewCachedTokenProvider, "cloud" in the table
//   - github.com/aws/aws-sdk-go-v2: aws.CredentialsCache, "aws"
//   - github.com/int128/oauth2cli, for the login
//   - "raw". For the login: only the requests to the accounts service. For the
//     stores: reading and writing a file, a SELECT and an UPDATE of SQLite, a GET of
//     Redis, or a SELECT of PostgreSQL, and nothing else. The program starts and stops
//     the servers, and skips those that are not installed. For the tool: the process of
//     an empty program.
//   - the floor: loading an atomic pointer and reading the clock, which is the least
//     that a cache with an expiry must do
//
// Run it with
//
//	cd bench && go run .
//
// The first measures are benchmarks of package testing. They run in rounds. In each
// round every library has a turn, in another order each time. The ratio is the
// median of the rounds' ratios, so that noise that lasts longer than a turn affects
// both sides. In a herd a thousand goroutines ask for the token at the same time.
// The accounts service is reached over TCP, and its token endpoint takes 100 ms. No
// measure waits for time to pass: the clock of the session and the service is
// moved, and the other libraries, which read the computer's clock, get tokens with
// a suitable expiry.
//
// The program only measures and does not test: its exit status is 0 whatever the
// numbers are. With -json it prints JSON. To profile a measure, run it as an
// ordinary benchmark:
//
//	go test -bench TokenFresh/spotipie -cpuprofile cpu.out
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"testing"
	"time"
)

// settings say how much to measure.
type settings struct {
	rounds    int           // of each benchmark
	benchtime time.Duration // of each benchmark in each round
	herds     int           // rounds of each herd
	callers   int           // in a herd
	sessions  int           // whose memory is measured
	starts    int           // of each process
	only      string        // group of measures; empty: all
	users     int           // of a large pool
	herdUsers int           // whose tokens expire at the same time
	coldUsers int           // to load from PostgreSQL in each round
}

func main() {
	var s settings
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	asJSON := flags.Bool("json", false, "print JSON instead of a table")
	flags.IntVar(&s.rounds, "rounds", 25, "how many rounds of benchmarks there are")
	flags.DurationVar(&s.benchtime, "benchtime", 50*time.Millisecond, "how long each benchmark runs in each round")
	flags.IntVar(&s.herds, "herds", 9, "how many rounds of herds there are")
	flags.IntVar(&s.callers, "callers", 1000, "how many goroutines a herd has")
	flags.IntVar(&s.sessions, "sessions", 20_000, "how many sessions to weigh")
	flags.IntVar(&s.starts, "starts", 200, "how many times each process is started")
	flags.IntVar(&s.users, "users", 1_000_000, "how many users a large pool has")
	flags.IntVar(&s.herdUsers, "herd-users", 10_000, "how many users of a pool expire at once")
	flags.IntVar(&s.coldUsers, "cold-users", 2000, "how many users a pool loads from PostgreSQL in each round")
	flags.StringVar(&s.only, "only", "", "the one group of measures to take: token, roundtrip, stale, expired, cancelled, memory, pool, load, login, stores, sealed or startup")
	_ = flags.Parse(os.Args[1:]) // exits if it fails
	s.rounds, s.herds = max(s.rounds, 1), max(s.herds, 1)
	s.callers, s.sessions = max(s.callers, 2), max(s.sessions, 1)
	s.starts, s.users, s.herdUsers = max(s.starts, 1), max(s.users, 1), max(s.herdUsers, 1)
	s.coldUsers = max(s.coldUsers, 1)

	testing.Init()
	if err := flag.Set("test.benchtime", s.benchtime.String()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
	r := measure(context.Background(), s)
	write := writeTable
	if *asJSON {
		write = writeJSON
	}
	if err := write(os.Stdout, r); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
}

// measure takes all measures. For one that fails there is a row that says so.
func measure(ctx context.Context, s settings) report {
	r := report{Machine: thisMachine(), Peers: peerVersions()}
	for _, group := range []struct {
		name string
		take func(context.Context, settings) ([]row, error)
	}{
		{"token", measureToken}, {"roundtrip", measureRoundTrip}, {"stale", measureStale}, {"expired", measureExpired},
		{"cancelled", measureCancelled}, {"memory", measureMemory}, {"pool", measurePool}, {"load", measurePoolLoad}, {"login", measureLogin},
		{"stores", measureStores}, {"sealed", measureSealed}, {"startup", measureStartup},
	} {
		if s.only != "" && s.only != group.name {
			continue
		}
		rows, err := group.take(ctx, s)
		if err != nil {
			rows = append(rows, row{Measure: "failed: " + err.Error()})
		}
		r.Rows = append(r.Rows, rows...)
	}
	return r
}

func writeJSON(w io.Writer, r report) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}
