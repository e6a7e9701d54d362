package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/spotipie/spotipie/internal/testservices"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Numbers that do not depend on a clock are tested. Times are only measured.
func TestEveryMeasureIsTaken(t *testing.T) {
	benchtime := flag.Lookup("test.benchtime").Value
	before := benchtime.String()
	t.Cleanup(func() { _ = benchtime.Set(before) })
	if err := benchtime.Set("10x"); err != nil {
		t.Fatal(err)
	}
	r := measure(t.Context(), settings{rounds: 2, herds: 2, callers: 50, sessions: 100, starts: 2, users: 2000, herdUsers: 300, coldUsers: 300})
	if got, want := len(r.Rows), 45; got != want {
		t.Errorf("got %d measures, want %d", got, want)
	}
	for _, row := range r.Rows {
		if row.NotMeasured != "" && os.Getenv("SPOTIPIE_TEST_SERVICES") != "1" {
			t.Logf("%q was not measured: %s", row.Measure, row.NotMeasured)
			continue
		}
		if len(row.Rounds[ours]) == 0 || row.Target == "" {
			t.Errorf("%q was not measured or has no target", row.Measure)
		}
		if strings.Contains(row.Measure, "token requests") && !row.OK {
			t.Errorf("%q: got %v, want 1 in every round", row.Measure, row.Rounds[ours])
		}
		if strings.Contains(row.Measure, "round trips") && !row.OK {
			t.Errorf("%q: got %v, target %s", row.Measure, row.Values[ours], row.Target)
		}
	}
}

func TestReportIsReadable(t *testing.T) {
	rounds := map[string][]float64{ours: {30, 10, 20}, xoauth: {60, 50, 40}}
	good := newRow("good", "ns", rounds).ratioAtMost(0.5)
	bad := newRow("bad", "", rounds).exactly(20)
	if good.Values[ours] != 20 || good.Ratio != 0.5 || !good.OK {
		t.Errorf("got median %v, ratio %v, ok %t, want 20, 0.5, true", good.Values[ours], good.Ratio, good.OK)
	}
	if bad.OK || newRow("", "", rounds).atMost(19).OK || newRow("", "", nil).atMost(1).OK || newRow("", "", nil).ratioAtMost(1).OK {
		t.Error("a target that was not met is called met")
	}
	var table, text bytes.Buffer
	r := report{Machine: thisMachine(), Rows: []row{good, bad}}
	skipped, err := notMeasured(fmt.Errorf("a-server %w", testservices.ErrNotInstalled), "skipped")
	if err != nil || len(skipped) != 1 {
		t.Fatalf("%v, %v; want a row that says why there is no measure", skipped, err)
	}
	r.Rows = append(r.Rows, skipped...)
	stores := newRow("a store", "ns", map[string][]float64{ours: {30}, raw: {20}}).ratioAtMost(1.5)
	if stores.Ratio != 1.5 || !stores.OK {
		t.Errorf("got ratio %v to raw, want 1.5", stores.Ratio)
	}
	if err := writeTable(&table, r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"20.0 ns", "ratio ≤ 0.50", "yes", "NO", "10.0 ns – 30.0 ns", "not measured: a-server is not installed", "GOMAXPROCS"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, table.String())
		}
	}
	if err := writeJSON(&text, r); err != nil {
		t.Fatal(err)
	}
	var back report
	if err := json.Unmarshal(text.Bytes(), &back); err != nil || len(back.Rows) != 3 {
		t.Errorf("the JSON does not read back: %v", err)
	}
}
