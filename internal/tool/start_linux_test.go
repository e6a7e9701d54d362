package tool

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The tests in this file keep the start of the tool short. They check what it does;
// bench/startup.go measures how long it takes.

// TestCommandsAreMadeWhenNamed checks this because making the flags of all commands
// takes longer than printing a token.
func TestCommandsAreMadeWhenNamed(t *testing.T) {
	if made := newRoot([]string{"token"}).Commands(); len(made) != 1 || made[0].Name() != "token" {
		t.Errorf("%d commands are made for one", len(made))
	}
}

// linkedModules are the modules whose packages are initialized before main runs.
const linkedModules = `
github.com/cenkalti/backoff/v5 github.com/cespare/xxhash/v2 github.com/cli/browser
github.com/fsnotify/fsnotify github.com/godbus/dbus/v5 github.com/gofrs/flock
github.com/gohugoio/httpcache github.com/hashicorp/golang-lru/v2
github.com/itchyny/gojq github.com/itchyny/timefmt-go
github.com/jackc/pgpassfile github.com/jackc/pgservicefile github.com/jackc/pgx/v5 github.com/jackc/puddle/v2
github.com/muesli/cancelreader github.com/redis/go-redis/v9
github.com/spf13/cobra github.com/spf13/pflag
github.com/spotipie/spotipie github.com/zalando/go-keyring go.uber.org/atomic
golang.org/x/oauth2 golang.org/x/sync golang.org/x/sys golang.org/x/term golang.org/x/text`

// TestLinkedModules checks the list, because each module in the tool makes every
// start slower, even if the command does not use it. Before you add a module, see
// what it costs: GODEBUG=inittrace=1 spotipie version.
func TestLinkedModules(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{.ImportPath}} {{with .Module}}{{.Path}}{{end}}", "github.com/spotipie/spotipie/cmd/spotipie")
	cmd.Env = append(os.Environ(), "GOOS=linux", "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	modules := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		pkg, module, _ := strings.Cut(strings.TrimSpace(line), " ")
		if module != "" {
			modules[module] = true
		}
		switch pkg {
		case "testing", "expvar", "runtime/pprof": // runtime/pprof has the runtime sample what is allocated
			t.Errorf("%s is in the tool", pkg)
		}
	}
	got, want := slices.Sorted(maps.Keys(modules)), strings.Fields(linkedModules)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got the modules\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestTokenOpensFewFiles checks that for a valid token the tool only reads files:
// it writes, locks and requests nothing.
func TestTokenOpensFewFiles(t *testing.T) {
	need(t, "strace")
	p := newPerson(t)
	p.signsIn()
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := exec.CommandContext(t.Context(), "strace", "-f", "-qq", "-o", trace,
		"-e", "trace=open,openat,mkdirat,renameat,unlinkat,flock,fsync,fdatasync,socket,execve", "spotipie", "token")
	cmd.Env = p.env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	calls, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	var home string
	for _, variable := range p.env {
		if value, ok := strings.CutPrefix(variable, "XDG_CONFIG_HOME="); ok {
			home = filepath.Join(value, "spotipie")
		}
	}
	opened, others := map[string]int{}, []string{}
	call := regexp.MustCompile(`^\d+\s+(\w+)\((?:AT_FDCWD, )?(?:"([^"]*)")?`)
	for line := range strings.Lines(string(calls)) {
		found := call.FindStringSubmatch(line)
		switch {
		case found == nil: // the rest of a call that another thread's call has interrupted
		case found[1] == "execve", strings.HasPrefix(found[1], "open") && !strings.HasPrefix(found[2], home):
		case strings.HasPrefix(found[1], "open") && strings.Contains(line, "O_RDONLY"):
			name := strings.TrimPrefix(found[2], home)
			if strings.HasPrefix(name, "/default-") {
				name = "the record"
			}
			opened[name]++
		default:
			others = append(others, strings.TrimSpace(line))
		}
	}
	// The tool reads the record for its flow, and the session reads it again.
	want := map[string]int{"/config.json": 1, "": 1, "the record": 2}
	if !maps.Equal(opened, want) || len(others) > 0 {
		t.Errorf("opened %v, want %v; other calls:\n%s", opened, want, strings.Join(others, "\n"))
	}
}
