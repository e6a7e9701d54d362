package simulation

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// The test of leaks leaves goroutines behind on purpose.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/spotipie/spotipie/internal/simulation.leaks.Close.func1"))
}

var (
	oneSeed = flag.Uint64("seed", 0, "play the plan of this seed alone, and print what happens")
	plans   = flag.Uint64("plans", 2000, "how many plans to play")
	first   = flag.Uint64("first", 1, "the seed of the first plan; 0: any")
	lasts   = flag.Duration("for", 0, "play plans for so long, however many they are")
	survey  = flag.Bool("survey", false, "count what is found, by rule, and go on")
	rule    = flag.String("rule", "", "look for what breaks this rule alone")
	shrink  = flag.Duration("shrink", 10*time.Second, "how long to look for a shorter plan that fails as well")
)

// TestPlans plays the plans of many seeds. See the package's documentation.
func TestPlans(t *testing.T) {
	if *oneSeed != 0 {
		playOne(t, *oneSeed)
		return
	}
	next := *first
	if next == 0 {
		next = rand.Uint64N(1 << 40)
	}
	c := campaign{end: next + *plans, began: time.Now()}
	c.next.Store(next)
	if *lasts > 0 {
		c.end, c.deadline = 1<<63, c.began.Add(*lasts)
	}
	t.Run("group", func(t *testing.T) {
		for i := range runtime.GOMAXPROCS(0) {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				c.work(t)
			})
		}
	})
	played := c.next.Load() - next
	for rule, found := range c.found {
		t.Errorf("%s: %d plans, the first with seed %d: %s", rule, found.plans, found.seed, found.text)
	}
	t.Logf("%d plans, from seed %d, in %s; %d failed", min(played, c.end-next), next, time.Since(c.began).Round(time.Millisecond), c.failed)
}

// playOne plays a seed, a few times if it does not fail at once.
func playOne(t *testing.T, seed uint64) {
	var o Outcome
	for range 20 {
		if o = Play(t, NewPlan(seed), Collaborators{}).of(*rule); o.Failed() {
			o = Shrink(t, o, Collaborators{}, *shrink)
			t.Fatal(o.Report())
		}
	}
	t.Logf("nothing found\n\nthe plan: %s\nwhat happened:\n%s", o.Plan, o.Log())
}

// TestSeedsThatHaveFailed plays the plans in which a fault of a session, or of the
// oracle, was found. A plan no longer shows its fault after NewPlan has changed.
func TestSeedsThatHaveFailed(t *testing.T) {
	list, err := os.ReadFile("testdata/seeds")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Fields(string(list)) {
		seed, err := strconv.ParseUint(line, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if o := Play(t, NewPlan(seed), Collaborators{}); o.Failed() {
			t.Errorf("seed %d: %s", seed, o.Report())
		}
	}
}

// campaign plays one plan after the other, on several goroutines.
type campaign struct {
	next     atomic.Uint64
	end      uint64
	began    time.Time
	deadline time.Time

	mu     sync.Mutex
	failed int
	found  map[string]*tally
}

// tally counts the findings for a rule.
type tally struct {
	plans int
	seed  uint64 // the first
	text  string
}

// maxReports is the number of failures after which a campaign ends.
const maxReports = 5

func (c *campaign) work(t *testing.T) {
	for {
		seed := c.next.Add(1) - 1
		if seed >= c.end || !c.deadline.IsZero() && time.Now().After(c.deadline) || !*survey && c.failures(0) >= maxReports {
			return
		}
		o := Play(t, NewPlan(seed), Collaborators{}).of(*rule)
		if !o.Failed() {
			continue
		}
		if *survey {
			c.count(seed, o)
			continue
		}
		if c.failures(1) <= maxReports {
			t.Errorf("seed %d: %s", seed, Shrink(t, o, Collaborators{}, *shrink).Report())
		}
	}
}

func (c *campaign) failures(more int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed += more
	return c.failed
}

// count counts each rule that a plan has broken.
func (c *campaign) count(seed uint64, o Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed++
	if c.found == nil {
		c.found = make(map[string]*tally)
	}
	counted := make(map[string]bool)
	for _, f := range o.Findings {
		if counted[f.Rule] {
			continue
		}
		counted[f.Rule] = true
		if c.found[f.Rule] == nil {
			c.found[f.Rule] = &tally{seed: seed, text: f.String()}
		}
		found := c.found[f.Rule]
		if found.plans++; seed < found.seed {
			found.seed, found.text = seed, f.String()
		}
	}
}
