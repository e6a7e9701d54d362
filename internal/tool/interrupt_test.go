//go:build unix

package tool

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

// If a token request is interrupted, the refresh token in the answer must be saved:
// the old one is no longer valid.
func TestInterruptedRenewalIsSaved(t *testing.T) {
	for name, test := range map[string]struct {
		left   time.Duration
		signal os.Signal
		code   int
	}{
		"token expired":        {-time.Minute, os.Interrupt, failure.ExitInterrupted},
		"token nearly expired": {time.Minute, os.Interrupt, failure.ExitOK},
		"terminal gone":        {-time.Minute, syscall.SIGHUP, failure.ExitInterrupted},
	} {
		t.Run(name, func(t *testing.T) {
			if signal.Ignored(test.signal) {
				test.code = failure.ExitOK // as with nohup or in a shell's background
			}
			asked, answer := heldUpRenewal(t)
			key := spotipie.Key{ClientID: "id", Profile: "default"}
			store := ageToken(t, key, test.left)
			cmd := exec.Command("spotipie", "token")
			var stderr strings.Builder
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			<-asked
			if err := cmd.Process.Signal(test.signal); err != nil {
				t.Fatal(err)
			}
			close(answer)
			_ = cmd.Wait() // the exit code is checked below
			if got := cmd.ProcessState.ExitCode(); got != test.code {
				t.Errorf("exit code: got %d, want %d; stderr: %s", got, test.code, stderr.String())
			}
			expectRotated(t, store, key)
		})
	}
}

// The reader of the shown requests may stop reading. That must not lose a token either.
func TestRenewalIsSavedThoughNobodyReads(t *testing.T) {
	asked, answer := heldUpRenewal(t)
	key := spotipie.Key{ClientID: "id", Profile: "default"}
	store := ageToken(t, key, -time.Minute)
	cmd := exec.Command("spotipie", "token", "--debug")
	shown, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-asked
	_ = shown.Close()
	close(answer)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	expectRotated(t, store, key)
}

// heldUpRenewal signs the tool in at an accounts service that reports when it is
// asked for a new token, and delays the answer.
func heldUpRenewal(t *testing.T) (asked <-chan struct{}, answer chan<- struct{}) {
	t.Helper()
	arrived, released := make(chan struct{}), make(chan struct{})
	tooltest.SignedIn(t, func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-released
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token":"access-new","token_type":"Bearer","expires_in":3600,"refresh_token":"refresh-new"}`)
	})
	return arrived, released
}

func expectRotated(t *testing.T, store spotipie.Store, key spotipie.Key) {
	t.Helper()
	rec, _, err := store.Load(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if rec.Token.RefreshToken() != "refresh-new" {
		t.Error("the rotated refresh token is lost")
	}
}

// ageToken changes the access token that tooltest.SignedIn has stored, so that only
// left is left of its life.
func ageToken(t *testing.T, key spotipie.Key, left time.Duration) spotipie.Store {
	t.Helper()
	store, err := filestore.Open(strings.TrimPrefix(os.Getenv("SPOTIPIE_STORE"), "file:"), nil)
	if err != nil {
		t.Fatal(err)
	}
	rec, _, err := store.Load(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	fields := rec.Token.Fields()
	fields.ExpiresIn, fields.ExpiresAt = time.Hour, time.Now().Add(left)
	if rec.Token, err = spotipie.NewToken(fields); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Swap(t.Context(), key, rec.Version, rec); err != nil {
		t.Fatal(err)
	}
	return store
}
