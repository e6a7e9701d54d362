package pausefile_test

import (
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/adapter"
	"github.com/spotipie/spotipie/internal/pausefile"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const api = "api.spotify.com"

var now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func pause(host string, long time.Duration) adapter.PauseState {
	return adapter.PauseState{Host: host, Since: now, Until: now.Add(long), Reason: spotipie.ReasonQuotaExceeded}
}

func add(t *testing.T, path, clientID string, p adapter.PauseState, at time.Time) {
	t.Helper()
	if err := pausefile.Add(t.Context(), path, clientID, p, at); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, path, clientID string, at time.Time, want ...adapter.PauseState) {
	t.Helper()
	got, err := pausefile.Read(path, clientID, at)
	if err != nil || len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %v, %v, want %v", clientID, got, err, want)
	}
}

func TestPausesArePerAppAndHost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", pausefile.Name)
	expect(t, path, "a", now)
	add(t, path, "a", pause(api, time.Hour), now)
	add(t, path, "a", pause("127.0.0.1:8888", time.Hour), now)
	add(t, path, "b", pause(api, time.Minute), now)
	add(t, path, "a", pause(api, 2*time.Hour), now) // replaces the first
	expect(t, path, "a", now, pause("127.0.0.1:8888", time.Hour), pause(api, 2*time.Hour))
	expect(t, path, "b", now, pause(api, time.Minute))
	expect(t, path, "c", now)
	expect(t, path, "a", now.Add(time.Hour), pause(api, 2*time.Hour))
	expect(t, path, "b", now.Add(time.Minute))

	add(t, path, "c", pause(api, 3*time.Hour), now.Add(90*time.Minute))
	if data, err := os.ReadFile(path); err != nil || strings.Contains(string(data), `"b"`) || strings.Contains(string(data), "127.0.0.1") {
		t.Errorf("what is over stays: %s, %v", data, err)
	}
	if err := pausefile.Remove(t.Context(), path, "a", api, now); err != nil {
		t.Fatal(err)
	}
	expect(t, path, "a", now)
	expect(t, path, "c", now, pause(api, 3*time.Hour))
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// TestABrokenFileIsReplaced checks also that Read reports once that the file is broken.
func TestABrokenFileIsReplaced(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "not JSON": "x", "cut off": `{"a": [{"host":`, "an array": "[]", "other types": `{"a": 1}`,
		"a time that is none": `{"a": [{"host": "x", "until": "soon"}]}`, "huge": `{"a": "` + strings.Repeat("x", 1<<20) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), pausefile.Name)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if got, err := pausefile.Read(path, "a", now); len(got) > 0 || err == nil || !strings.Contains(err.Error(), path+" is broken") {
				t.Errorf("got %v, %v", got, err)
			}
			add(t, path, "a", pause(api, time.Hour), now)
			expect(t, path, "a", now, pause(api, time.Hour))
		})
	}
}

func TestManyProcessesAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), pausefile.Name)
	var wg sync.WaitGroup
	for _, id := range strings.Split("abcdefghijklmnop", "") {
		wg.Go(func() { add(t, path, id, pause(api, time.Hour), now) })
	}
	wg.Wait()
	for _, id := range strings.Split("abcdefghijklmnop", "") {
		expect(t, path, id, now, pause(api, time.Hour))
	}
}

func TestWithoutAFolderNothingIsKept(t *testing.T) {
	expect(t, "", "a", now)
	if err := pausefile.Add(t.Context(), "", "a", pause(api, time.Hour), now); err == nil {
		t.Error("no error")
	}
}
