//go:build unix

package tool

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/tool/failure"
)

// tokenFile returns a file of spotipy with another login.
func tokenFile(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "token.cache")
	text := fmt.Sprintf(`{"access_token":"imported","token_type":"Bearer","expires_in":3600,"refresh_token":"r","expires_at":%d}`,
		time.Now().Add(time.Hour).Unix())
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// record returns the record of the default profile in the person's store.
func (p *person) record() (store spotipie.Store, key spotipie.Key, rec spotipie.Record) {
	p.t.Helper()
	var home string
	for _, variable := range p.env {
		if value, ok := strings.CutPrefix(variable, "XDG_CONFIG_HOME="); ok {
			home = value
		}
	}
	store, err := filestore.Open(filepath.Join(home, "spotipie"), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	key = spotipie.Key{ClientID: "app", Profile: "default"}
	rec, _, err = store.Load(p.t.Context(), key)
	if err != nil {
		p.t.Fatal(err)
	}
	return store, key, rec
}

const importQuestion = `Profile "default" is signed in already\. Replace that login\? \[y/N\] `

// While import waits for an answer, another process can renew the login that it
// asks about. Then the question was about an older record.
func TestImportHoldsNoLockWhileItAsks(t *testing.T) {
	p := newPerson(t)
	p.signsIn()
	store, key, rec := p.record()
	fields := rec.Token.Fields()
	fields.ExpiresAt = time.Now().Add(-time.Minute)
	var err error
	if rec.Token, err = spotipie.NewToken(fields); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Swap(t.Context(), key, rec.Version, rec); err != nil {
		t.Fatal(err)
	}
	r := p.starts("import", tokenFile(t))
	r.sees(importQuestion)
	renewed := strings.TrimSpace(p.starts("token").ends(failure.ExitOK))
	r.types("y\n")
	contains(t, r.ends(failure.ExitFailure), `profile "default" has changed meanwhile, so nothing was imported: run it again`)
	if _, _, rec := p.record(); rec.Token.AccessToken() != renewed {
		t.Error("the renewed login is lost")
	}
}

func TestImportReplacesAfterTheQuestion(t *testing.T) {
	p := newPerson(t)
	p.signsIn()
	r := p.starts("import", tokenFile(t))
	r.sees(importQuestion)
	r.types("y\n")
	contains(t, r.ends(failure.ExitOK), "Imported spotipy's .cache")
	if _, _, rec := p.record(); rec.Token.AccessToken() != "imported" {
		t.Error("the login was not replaced")
	}
}
