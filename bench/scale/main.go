// Command scale computes the load that an app with many users puts on its replicas, its
// store and Spotify's token endpoint:
//
//	cd bench && go run ./scale
//	cd bench && go run ./scale -users 100000 -replicas 2
//
// In its model people are away for a while and then come for a visit; see its
// flags. Its test lets real pools serve such people in simulated time, and fails if
// the counts differ from the model's. The program measures the memory of a session
// when it runs.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"time"
)

func defaults() plan {
	return plan{
		users: 10_000_000, active: 0.1, visits: 4, requests: 10, gap: 30 * time.Second, peak: 2.5, launchShare: 0.1,
		replicas: 10, maxSessions: 500_000, maxIdle: time.Hour, tokenRequests: 32,
		endpointTakes: 150 * time.Millisecond, storeTakes: time.Millisecond,
	}
}

func main() {
	p := defaults()
	flag.IntVar(&p.users, "users", p.users, "how many users the app has")
	flag.Float64Var(&p.active, "active", p.active, "the share of them who come on a day")
	flag.Float64Var(&p.visits, "visits", p.visits, "how many visits a day such a user makes")
	flag.IntVar(&p.requests, "requests", p.requests, "how many requests a visit has")
	flag.DurationVar(&p.gap, "gap", p.gap, "the time between two of them")
	flag.Float64Var(&p.peak, "peak", p.peak, "how many times as much there is in the busiest hour as on average")
	flag.Float64Var(&p.launchShare, "launch", p.launchShare, "the share of users who signed in on the day of the launch")
	flag.IntVar(&p.replicas, "replicas", p.replicas, "how many replicas there are")
	flag.IntVar(&p.maxSessions, "max-sessions", p.maxSessions, "PoolOptions.MaxSessions")
	flag.DurationVar(&p.maxIdle, "max-idle", p.maxIdle, "PoolOptions.MaxIdle")
	flag.IntVar(&p.tokenRequests, "token-requests", p.tokenRequests, "PoolOptions.TokenRequests")
	flag.Float64Var(&p.keepWarm, "keep-warm", p.keepWarm, "PoolOptions.KeepWarm")
	flag.DurationVar(&p.endpointTakes, "endpoint", p.endpointTakes, "how long a token request takes")
	flag.DurationVar(&p.storeTakes, "store", p.storeTakes, "how long a call of the store takes")
	flag.Parse()
	each, err := weigh(context.Background(), p, 50_000)
	if err == nil {
		err = p.check()
	}
	if err == nil {
		err = writeTable(os.Stdout, p, each)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

// check refuses plans that the model does not cover.
func (p plan) check() error {
	switch {
	case p.users < 1 || p.replicas < 1 || p.requests < 1 || p.maxSessions < 1 || p.tokenRequests < 1:
		return fmt.Errorf("-users, -replicas, -requests, -max-sessions and -token-requests have to be 1 at least")
	case p.active <= 0 || p.active > 1 || p.launchShare < 0 || p.launchShare > 1:
		return fmt.Errorf("-active and -launch are shares, from 0 to 1")
	case p.visits <= 0 || p.peak < 1 || p.gap < 0 || p.maxIdle <= 0 || p.endpointTakes <= 0 || p.storeTakes <= 0 || p.keepWarm < 0:
		return fmt.Errorf("-visits, -max-idle, -endpoint and -store have to be above zero, and -peak 1 at least")
	case day.Seconds()/(p.visits*p.peak) <= float64(p.requests-1)*p.gap.Seconds():
		return fmt.Errorf("the visits of a day do not fit into it: lower -visits, -peak, -requests or -gap")
	}
	return nil
}

// weigh returns how many bytes of the heap a session in a pool takes, with its
// strings and its entry in the pool.
func weigh(ctx context.Context, p plan, n int) (float64, error) {
	p.maxSessions = n + n/2 // the parts of a pool are not filled evenly
	pool, err := p.newPool(&strangers{}, nil, nil)
	if err != nil {
		return 0, err
	}
	before := heap()
	for i := range n {
		if _, err := pool.Session(ctx, fmt.Sprintf("user-%022d", i)); err != nil {
			return 0, err
		}
	}
	after := heap()
	return float64(after-before) / float64(n), pool.Close(ctx)
}

// heap returns how many bytes are in use after a garbage collection.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
