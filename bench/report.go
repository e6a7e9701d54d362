package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"
)

// The columns of the table.
const (
	ours     = "spotipie"
	xoauth   = "x/oauth2"
	cloud    = "cloud"
	awssdk   = "aws"
	oauthcli = "oauth2cli"
	yq       = "yq"
	raw      = "raw"
	floor    = "floor"
)

type report struct {
	Machine machine           `json:"machine"`
	Peers   map[string]string `json:"peers"` // module path to version
	Rows    []row             `json:"rows"`
}

// row is one measure, for each column that has it.
type row struct {
	Measure string               `json:"measure"`
	Unit    string               `json:"unit,omitempty"`   // ns, ms, B or empty for a count
	Values  map[string]float64   `json:"values,omitempty"` // by column: the median of the rounds
	Rounds  map[string][]float64 `json:"rounds,omitempty"`
	Ratio   float64              `json:"ratio,omitempty"` // to x/oauth2 or raw: the median of the rounds
	Best    float64              `json:"best,omitempty"`  // the ratio of each one\'s best round
	Target  string               `json:"target,omitempty"`
	OK      bool                 `json:"ok"`
	Note    string               `json:"note,omitempty"`
	// NotMeasured says why there are no values.
	NotMeasured string `json:"not_measured,omitempty"`
}

// newRow makes a row from the values of each column in all rounds.
func newRow(measure, unit string, rounds map[string][]float64) row {
	r := row{Measure: measure, Unit: unit, Values: make(map[string]float64), Rounds: rounds}
	for column, values := range rounds {
		r.Values[column] = median(values)
	}
	against := rounds[xoauth]
	if against == nil {
		against = rounds[raw]
	}
	var ratios []float64
	for i, theirs := range against {
		if i < len(rounds[ours]) && theirs > 0 {
			ratios = append(ratios, rounds[ours][i]/theirs)
		}
	}
	r.Ratio = median(ratios)
	if len(ratios) > 0 {
		r.Best = slices.Min(rounds[ours]) / slices.Min(against)
	}
	return r
}

// ratioAtMost sets a target for the ratio.
func (r row) ratioAtMost(limit float64) row {
	r.Target, r.OK = fmt.Sprintf("ratio ≤ %.2f", limit), r.Ratio > 0 && r.Ratio <= limit
	return r
}

// atMost sets a target for the session's own value.
func (r row) atMost(limit float64) row {
	value, measured := r.Values[ours]
	r.Target, r.OK = "≤ "+format(limit, r.Unit), measured && value <= limit
	return r
}

// exactly sets a target that every round has to meet.
func (r row) exactly(want float64) row {
	r.Target, r.OK = format(want, r.Unit), len(r.Rounds[ours]) > 0
	for _, value := range r.Rounds[ours] {
		r.OK = r.OK && value == want
	}
	return r
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

func format(value float64, unit string) string {
	switch unit {
	case "":
		return fmt.Sprintf("%.0f", value)
	case "B":
		return fmt.Sprintf("%.0f B", value)
	case "ms":
		return fmt.Sprintf("%.3f ms", value)
	}
	return fmt.Sprintf("%.1f %s", value, unit)
}

// spread returns the lowest and the highest value of a column as text.
func (r row) spread(column string) string {
	values := r.Rounds[column]
	if len(values) < 2 {
		return ""
	}
	return format(slices.Min(values), r.Unit) + " – " + format(slices.Max(values), r.Unit)
}

func writeTable(w io.Writer, r report) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	columns := []string{ours, xoauth, cloud, awssdk, oauthcli, yq, raw, floor}
	fmt.Fprintln(tw, "measure\t"+strings.Join(columns, "\t")+"\tratio\tof bests\ttarget\tok\t"+ours+"'s rounds")
	for _, row := range r.Rows {
		cells := []string{row.Measure}
		for _, column := range columns {
			cell := "–"
			if value, ok := row.Values[column]; ok {
				cell = format(value, row.Unit)
			}
			cells = append(cells, cell)
		}
		ratio, best, verdict := "–", "–", "NO"
		if row.Ratio > 0 {
			ratio, best = fmt.Sprintf("%.3f", row.Ratio), fmt.Sprintf("%.3f", row.Best)
		}
		if row.OK {
			verdict = "yes"
		}
		if row.NotMeasured != "" {
			fmt.Fprintln(tw, strings.Join(append(cells, ratio, best, "–", "–", "not measured: "+row.NotMeasured), "\t"))
			continue
		}
		fmt.Fprintln(tw, strings.Join(append(cells, ratio, best, row.Target, verdict, row.spread(ours)), "\t"))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nA cell is the median of the rounds. ratio is spotipie to x/oauth2, or to raw, the median of the\n"+
		"rounds' ratios; of bests is the ratio of each one's best round, which a busy machine changes least.")
	for _, row := range r.Rows {
		if row.Note != "" {
			fmt.Fprintf(w, "%s: %s\n", row.Measure, row.Note)
		}
	}
	for _, module := range slices.Sorted(maps.Keys(r.Peers)) {
		fmt.Fprintf(w, "%s %s\n", module, r.Peers[module])
	}
	_, err := fmt.Fprintln(w, r.Machine)
	return err
}

// machine describes the machine of the run.
type machine struct {
	CPU        string `json:"cpu"`
	Platform   string `json:"platform"`
	CPUs       int    `json:"cpus"`
	GOMAXPROCS int    `json:"gomaxprocs"`
	Go         string `json:"go"`
	Load       string `json:"load,omitempty"` // averages of 1, 5 and 15 minutes before the run
}

func (m machine) String() string {
	text := fmt.Sprintf("%s, %d CPUs, GOMAXPROCS %d, %s %s", m.CPU, m.CPUs, m.GOMAXPROCS, m.Go, m.Platform)
	if m.Load != "" {
		text += ", load before the run " + m.Load
	}
	return text
}

func thisMachine() machine {
	m := machine{
		CPU: "unknown CPU", Platform: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU(),
		GOMAXPROCS: runtime.GOMAXPROCS(0), Go: runtime.Version(),
	}
	info, _ := os.ReadFile("/proc/cpuinfo") // Linux has it
	for line := range strings.Lines(string(info)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			m.CPU = strings.TrimSpace(strings.TrimLeft(name, "\t :"))
			break
		}
	}
	load, _ := os.ReadFile("/proc/loadavg")
	if fields := strings.Fields(string(load)); len(fields) >= 3 {
		m.Load = strings.Join(fields[:3], " ")
	}
	return m
}

func peerVersions() map[string]string {
	versions := make(map[string]string)
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return versions
	}
	for _, dep := range info.Deps {
		switch dep.Path {
		case "golang.org/x/oauth2", "github.com/int128/oauth2cli", "cloud.google.com/go/auth", "github.com/aws/aws-sdk-go-v2":
			versions[dep.Path] = dep.Version
		}
	}
	return versions
}
