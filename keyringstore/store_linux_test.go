package keyringstore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/zalando/go-keyring"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/internal/testservices/fleet"
	"github.com/spotipie/spotipie/keyringstore"
	"github.com/spotipie/spotipie/seal"
	"github.com/spotipie/spotipie/storetest"
)

const service = "spotipie"

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) spotipie.Store { return open(t, newDir(t)) })
}

func TestTheNextProcessReadsWhatThisOneSealed(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir)
	save(t, s, "ada")
	expectNoSecret(t, s.Path(key("ada")))
	expect(t, open(t, dir), "ada")
	if _, err := keyring.Get(service, s.Dir()); err != nil {
		t.Errorf("the keyring has no entry for the folder: %v", err)
	}
}

func TestFoldersHaveKeysOfTheirOwn(t *testing.T) {
	first, second := open(t, newDir(t)), open(t, newDir(t))
	save(t, first, "ada")
	data, err := os.ReadFile(first.Path(key("ada")))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(second.Path(key("ada")), data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := second.Load(t.Context(), key("ada")); !errors.Is(err, filestore.ErrSeal) {
		t.Errorf("got error %v, want ErrSeal", err)
	}
}

func TestSymbolicLinkLeadsToTheSameKey(t *testing.T) {
	dir := newDir(t)
	save(t, open(t, dir), "ada")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	expect(t, open(t, link), "ada")
}

func TestManyOpenANewFolderAtOnce(t *testing.T) {
	needKeyring(t)
	dir := newDir(t)
	profiles := []string{"a", "b", "c", "d", "e", "f"}
	var wg sync.WaitGroup
	for _, profile := range profiles {
		wg.Go(func() {
			s, err := keyringstore.Open(t.Context(), dir, nil)
			if err != nil {
				t.Errorf("Open: %v", err)
				return
			}
			save(t, s, profile)
		})
	}
	wg.Wait()
	s := open(t, dir)
	for _, profile := range profiles {
		expect(t, s, profile)
	}
}

func TestLostKeyIsNotReplaced(t *testing.T) {
	for _, test := range []struct {
		name string
		lose func(account string) error
	}{
		{"removed", func(account string) error { return keyring.Delete(service, account) }},
		{"exchanged for another", func(account string) error { return keyring.Set(service, account, filestore.GenerateKey()) }},
		{"overwritten", func(account string) error { return keyring.Set(service, account, "hunter2") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := newDir(t)
			s := open(t, dir)
			save(t, s, "ada")
			if err := test.lose(s.Dir()); err != nil {
				t.Fatal(err)
			}
			before, _ := keyring.Get(service, s.Dir())
			_, err := keyringstore.Open(t.Context(), dir, nil)
			if !errors.Is(err, keyringstore.ErrKeyLost) || !strings.Contains(err.Error(), dir) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got error %v, want ErrKeyLost about %s", err, dir)
			}
			if after, _ := keyring.Get(service, s.Dir()); after != before {
				t.Error("the keyring's entry was changed")
			}
			expect(t, s, "ada") // a store that already has the key still works
		})
	}
}

// TestAnotherKeyIsNoticedByTheFirstLoad replaces the key with another valid one while
// the folder is empty, so that Open cannot notice it. The first Load must notice it, and
// the record must stay.
func TestAnotherKeyIsNoticedByTheFirstLoad(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir)
	if err := keyring.Set(service, s.Dir(), filestore.GenerateKey()); err != nil {
		t.Fatal(err)
	}
	other := open(t, dir)
	save(t, s, "ada")
	before, err := os.ReadFile(s.Path(key("ada")))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = other.Load(t.Context(), key("ada"))
	_, swapErr := other.Swap(t.Context(), key("ada"), 0, storecheck.Record(t, "others"))
	for method, err := range map[string]error{"Load": err, "Swap": swapErr} {
		if !errors.Is(err, filestore.ErrSeal) || !strings.Contains(err.Error(), s.Path(key("ada"))) {
			t.Errorf("%s: %v, want ErrSeal about the file", method, err)
		}
	}
	if after, err := os.ReadFile(s.Path(key("ada"))); err != nil || string(after) != string(before) {
		t.Errorf("the record was changed, %v", err)
	}
	expect(t, s, "ada")
	if _, err := keyringstore.Open(t.Context(), dir, nil); !errors.Is(err, keyringstore.ErrKeyLost) {
		t.Errorf("the next Open: %v, want ErrKeyLost", err)
	}
}

func TestLostKeyOfAnEmptyFolderIsMadeAgain(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir)
	save(t, s, "ada")
	if err := s.Delete(t.Context(), key("ada")); err != nil {
		t.Fatal(err)
	}
	if err := keyring.Delete(service, s.Dir()); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	save(t, s, "ada")
	expect(t, open(t, dir), "ada")
}

func TestServiceOfTheProgramsOwn(t *testing.T) {
	needKeyring(t)
	dir := newDir(t)
	s, err := keyringstore.Open(t.Context(), dir, &keyringstore.Options{Service: "my player"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keyring.Get("my player", s.Dir()); err != nil {
		t.Errorf("no entry of that service: %v", err)
	}
}

func TestEndedContextEndsOpen(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := keyringstore.Open(ctx, newDir(t), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want context.Canceled", err)
	}
}

func TestDefaultFolderIsNotThatOfPlainFiles(t *testing.T) {
	config := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", config)
	if s := open(t, ""); s.Dir() != filepath.Join(config, "spotipie", "keyring") {
		t.Errorf("the default folder is %s", s.Dir())
	}
}

func TestSessionLearnsOfATokenThatAnotherGot(t *testing.T) {
	dir := newDir(t)
	storecheck.SessionLearnsOfANewToken(t, func() spotipie.Store { return open(t, dir) })
}

func TestSealingKeys(t *testing.T) {
	needKeyring(t)
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	texts := make([]string, 6)
	var wg sync.WaitGroup
	for i := range texts {
		wg.Go(func() {
			var err error
			if texts[i], err = keyringstore.SealingKeys(t.Context(), "my web app", nil); err != nil {
				t.Errorf("SealingKeys: %v", err)
			}
		})
	}
	wg.Wait()
	for _, text := range texts {
		if text != texts[0] {
			t.Fatal("processes that start at the same time have different keys")
		}
	}
	other, err := keyringstore.SealingKeys(t.Context(), "another app", nil)
	if err != nil || other == texts[0] {
		t.Errorf("another name: error %v, the same key: %t", err, other == texts[0])
	}
	inner := spotipie.NewMemoryStore()
	seals := func(text string) *seal.Store {
		keys, err := seal.ParseKeys(text)
		if err != nil {
			t.Fatal(err)
		}
		s, err := seal.New(inner, keys, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	save(t, seals(texts[0]), "ada")
	if err := keyring.Set(service, "my web app", other+" "+texts[0]); err != nil { // rotated
		t.Fatal(err)
	}
	rotated, err := keyringstore.SealingKeys(t.Context(), "my web app", nil)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, seals(rotated), "ada")
	for _, name := range []string{"", "/home/ada/.config/spotipie"} {
		if _, err := keyringstore.SealingKeys(t.Context(), name, nil); err == nil {
			t.Errorf("the name %q is accepted", name)
		}
	}
}

// newFleet returns an authorization for processes to share.
func newFleet(t *testing.T) *fleet.Fleet {
	t.Helper()
	s := open(t, newDir(t))
	return fleet.New(t, s, fleet.Config{Place: s.Dir()}, true)
}

func TestEightProcessesMakeOneTokenRequest(t *testing.T) {
	newFleet(t).TestEightProcesses(t)
}

func TestKilledProcessesLoseNothingThatWasSaved(t *testing.T) {
	newFleet(t).TestKills(t, testservices.Count(t, "SPOTIPIE_TEST_KILLS", 7))
}
