package filestore_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/storecheck"
)

func TestDamagedFilesAreNamedAndLeftAlone(t *testing.T) {
	key, otherKey := newKey(t), newKey(t)
	sealed, otherwise := &filestore.Options{Key: key}, &filestore.Options{Key: otherKey}
	grace := spotipie.Key{ClientID: "client", Profile: "grace"}
	replaced := func(old, new string) func(t *testing.T, s *filestore.Store, contents string) string {
		return func(t *testing.T, _ *filestore.Store, contents string) string {
			if !strings.Contains(contents, old) {
				t.Fatalf("the file has no %s", old)
			}
			return strings.Replace(contents, old, new, 1)
		}
	}
	constant := func(contents string) func(*testing.T, *filestore.Store, string) string {
		return func(*testing.T, *filestore.Store, string) string { return contents }
	}
	truncated := func(at float64) func(*testing.T, *filestore.Store, string) string {
		return func(_ *testing.T, _ *filestore.Store, contents string) string {
			return contents[:int(float64(len(contents))*at)]
		}
	}
	ofGrace := func(t *testing.T, s *filestore.Store, _ string) string {
		if _, err := s.Swap(t.Context(), grace, 0, storecheck.Record(t, "graces")); err != nil {
			t.Fatal(err)
		}
		return read(t, s.Path(grace))
	}
	bodyOfGrace := func(t *testing.T, s *filestore.Store, contents string) string {
		foreign := ofGrace(t, s, "")
		at := func(c string) int { return strings.Index(c, `"sealed":`) }
		return contents[:at(contents)] + foreign[at(foreign):]
	}
	deletionOfGrace := func(t *testing.T, s *filestore.Store, _ string) string {
		if err := s.Delete(t.Context(), grace); err != nil {
			t.Fatal(err)
		}
		return read(t, s.Path(grace))
	}
	editedDeletion := func(t *testing.T, s *filestore.Store, _ string) string {
		if err := s.Delete(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		return strings.Replace(read(t, s.Path(ada)), `"version":1`, `"version":2`, 1)
	}
	for _, test := range []struct {
		name         string
		write, check *filestore.Options // the options that write and then read the file
		change       func(t *testing.T, s *filestore.Store, contents string) string
		want         error
		says         string
	}{
		{"empty", nil, nil, constant(""), filestore.ErrDamaged, "is empty"},
		{"torn early", nil, nil, truncated(0.05), filestore.ErrDamaged, "incomplete"},
		{"torn late", nil, nil, truncated(0.95), filestore.ErrDamaged, "incomplete"},
		{"zeros, as after a power cut", nil, nil, constant(strings.Repeat("\x00", 700)), filestore.ErrDamaged, "incomplete"},
		{"not JSON", nil, nil, constant("access_token=secret"), filestore.ErrDamaged, "not JSON"},
		{"written twice", nil, nil, func(_ *testing.T, _ *filestore.Store, c string) string { return c + c }, filestore.ErrDamaged, "changed"},
		{"data after the end", nil, nil, func(_ *testing.T, _ *filestore.Store, c string) string { return c + "x" }, filestore.ErrDamaged, "incomplete"},
		{"a record in the header", nil, nil, replaced(`"format":1`, `"record":{},"format":1`), filestore.ErrDamaged, "changed"},
		{"foreign JSON", nil, nil, constant(`{"access_token":"x","expires_in":3600}`), filestore.ErrDamaged, "not a record of this package"},
		{"null", nil, nil, constant(`null`), filestore.ErrDamaged, "not a record of this package"},
		{"a list", nil, nil, constant(`[1]`), filestore.ErrDamaged, "not a record of this package"},
		{"laid out anew", nil, nil, replaced(`,"record":`, `, "record": `), filestore.ErrDamaged, "changed"},
		{"format without the rest", nil, nil, constant(`{"format":1}`), filestore.ErrDamaged, "not a record of this package"},
		{"a negative format", nil, nil, replaced(`"format":1`, `"format":-1`), filestore.ErrDamaged, "not a record of this package"},
		{"a newer format", nil, nil, replaced(`"format":1`, `"format":3`), filestore.ErrNewerFormat, "update"},
		{"a newer format with new fields", nil, nil, constant(`{"format":7,"cells":[]}`), filestore.ErrNewerFormat, "format 7"},
		{"a record that says it is a deletion", nil, nil, replaced(`"format":1`, `"format":2`), filestore.ErrDamaged, "changed"},
		{"a record that is deleted", nil, nil, replaced(`"format":1`, `"format":1,"deleted":"x"`), filestore.ErrDamaged, "changed"},
		{"another key's deletion", nil, nil, deletionOfGrace, filestore.ErrDamaged, "renamed or copied"},
		{"an edited deletion", nil, nil, editedDeletion, filestore.ErrDamaged, "changed"},
		{"a torn deletion", nil, nil, constant(`{"format":2,"version":7,"dele`), filestore.ErrDamaged, "incomplete"},
		{"an edited token", nil, nil, replaced("refresh-one", "refresh-two"), filestore.ErrDamaged, "changed"},
		{"an edited version", nil, nil, replaced(`"version":1`, `"version":2`), filestore.ErrDamaged, "changed"},
		{"an added field", nil, nil, replaced(`"format":1`, `"format":1,"note":"mine"`), filestore.ErrDamaged, "changed"},
		{"another key's file", nil, nil, ofGrace, filestore.ErrDamaged, "renamed or copied"},
		{"another key's sealed file", sealed, sealed, ofGrace, filestore.ErrDamaged, "renamed or copied"},
		{"another key's seal", sealed, sealed, bodyOfGrace, filestore.ErrDamaged, "changed since it was sealed"},
		{"an edited seal", sealed, sealed, replaced(`"sealed":"`, `"sealed":"AAAA`), filestore.ErrDamaged, "changed since it was sealed"},
		{"an empty seal", sealed, sealed, constant(`{"format":1,"key":{"client_id":"client","profile":"ada"},"version":5,"sealed":""}`), filestore.ErrSeal, "another key"},
		{"a seal that is not base64", sealed, sealed, replaced(`"sealed":"`, `"sealed":"*`), filestore.ErrDamaged, "changed"},
		{"an older seal under a newer version", sealed, sealed, replaced(`"version":1`, `"version":2`), filestore.ErrDamaged, "changed since it was sealed"},
		{"sealed with another key", sealed, otherwise, nil, filestore.ErrSeal, "another key"},
		{"sealed, opened without a key", sealed, nil, nil, filestore.ErrSeal, "no key"},
		{"not sealed, opened with a key", nil, sealed, nil, filestore.ErrSeal, "not sealed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := newDir(t)
			writer := open(t, dir, test.write)
			version := storecheck.Swap(t, writer, 0, "one")
			path := writer.Path(ada)
			contents := read(t, path)
			if test.change != nil {
				contents = test.change(t, writer, contents)
				write(t, path, contents)
			}
			s := open(t, dir, test.check)
			_, found, loadErr := s.Load(t.Context(), ada)
			_, swapErr := s.Swap(t.Context(), ada, version, storecheck.Record(t, "two"))
			_, newErr := s.Swap(t.Context(), ada, 0, storecheck.Record(t, "three"))
			if found {
				t.Error("Load found a record")
			}
			for method, err := range map[string]error{"Load": loadErr, "Swap": swapErr, "Swap of a new record": newErr} {
				var fileErr *filestore.FileError
				if !errors.Is(err, test.want) || !errors.As(err, &fileErr) || fileErr.Path != path || fileErr.Advice == "" {
					t.Errorf("%s: got error %v, want %v about %s", method, err, test.want, path)
				} else if text := err.Error(); !strings.Contains(text, test.says) || strings.Contains(text, "secret") || strings.Contains(text, "refresh-") {
					t.Errorf("%s: the error says %q, want %q and no secret", method, text, test.says)
				}
			}
			if got := read(t, path); got != contents {
				t.Error("the file was overwritten")
			}
		})
	}
}

func TestListTellsOfDamagedFilesBesideTheOthers(t *testing.T) {
	s := open(t, newDir(t), nil)
	storecheck.Swap(t, s, 0, "one")
	grace := spotipie.Key{ClientID: "client", Profile: "grace"}
	if _, err := s.Swap(t.Context(), grace, 0, storecheck.Record(t, "two")); err != nil {
		t.Fatal(err)
	}
	write(t, s.Path(grace), "torn")
	keys, err := s.List(t.Context())
	if len(keys) != 1 || keys[0] != ada {
		t.Errorf("List: got %v, want ada", keys)
	}
	if !errors.Is(err, filestore.ErrDamaged) || !strings.Contains(err.Error(), s.Path(grace)) {
		t.Errorf("List: got error %v, want one about %s", err, s.Path(grace))
	}
}

func TestDeleteNeedsNoSealingKey(t *testing.T) {
	dir := newDir(t)
	storecheck.Swap(t, open(t, dir, &filestore.Options{Key: newKey(t)}), 0, "one")
	s := open(t, dir, nil)
	if keys, err := s.List(t.Context()); err != nil || len(keys) != 1 {
		t.Errorf("List without the key: %v, %v", keys, err)
	}
	if err := s.Delete(t.Context(), ada); err != nil {
		t.Errorf("Delete without the key: %v", err)
	}
	if left := read(t, s.Path(ada)); strings.Contains(left, "sealed") || strings.Contains(left, "client") {
		t.Errorf("more than the deletion is left: %s", left)
	}
}

func TestDeleteLeavesAloneWhatItCannotRead(t *testing.T) {
	s := open(t, newDir(t), nil)
	write(t, s.Path(ada), `{"format":9}`)
	if err := s.Delete(t.Context(), ada); !errors.Is(err, filestore.ErrNewerFormat) {
		t.Errorf("got error %v, want ErrNewerFormat", err)
	}
	if read(t, s.Path(ada)) != `{"format":9}` {
		t.Error("the file was changed")
	}
}
