package seal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/seal"
)

// full returns a record in which only Sealed and Version are empty.
func full(t testing.TB, access string) spotipie.Record {
	t.Helper()
	rec := storecheck.Record(t, access)
	fields := rec.Token.Fields()
	fields.ExpiresAt = time.Date(2026, 11, 24, 12, 0, 0, 123_456_000, time.UTC)
	var err error
	if rec.Token, err = spotipie.NewToken(fields); err != nil {
		t.Fatal(err)
	}
	rec.AuthorizedAt = time.Date(2026, 7, 1, 8, 30, 0, 987_654_321, time.FixedZone("", 2*60*60))
	rec.Flow = spotipie.FlowAuthorizationCode
	rec.Consent, rec.Renewals = 7, 8
	rec.RequestedScope = spotipie.Scopes{spotipie.ScopeUserReadEmail}
	rec.Rejected, rec.RejectedAt = "Refresh token revoked", time.Date(2026, 8, 1, 0, 0, 0, 1, time.UTC)
	return rec
}

func equal(t testing.TB, a, b spotipie.Record) bool {
	t.Helper()
	a.Version, b.Version = 0, 0
	first, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	second, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Equal(first, second)
}

func TestOpenReturnsAllThatWasSealed(t *testing.T) {
	odd := full(t, "odd")
	odd.RemindedAt = odd.AuthorizedAt.Add(time.Hour)
	odd.Rejected = "\u2028 <&> \x00 ädä"
	for name, rec := range map[string]spotipie.Record{"full": full(t, "one"), "odd": odd, "empty": {}} {
		for place, inner := range map[string]spotipie.Store{"memory": spotipie.NewMemoryStore(), "JSON": openFiles(t)} {
			t.Run(name+" in "+place, func(t *testing.T) {
				s := over(t, inner, newKeys(t), nil)
				if version := put(t, s, ada, rec); stored(t, s, ada).Version != version {
					t.Error("it has another version")
				}
				if got := stored(t, s, ada); !equal(t, got, rec) {
					t.Errorf("got %v, want %v", got, rec)
				}
			})
		}
	}
}

// A text that is not UTF-8 comes back as from a store that keeps JSON.
func TestWordsThatAreNotUTF8(t *testing.T) {
	for place, inner := range map[string]spotipie.Store{"memory": spotipie.NewMemoryStore(), "JSON": openFiles(t)} {
		t.Run(place, func(t *testing.T) {
			s := over(t, inner, newKeys(t), nil)
			rec := full(t, "one")
			rec.Rejected, rec.ClientID, rec.Flow = "\xff\xfe", "\x80", "\x80"
			put(t, s, ada, rec)
			if got := stored(t, s, ada); got.Rejected != "\uFFFD\uFFFD" || got.ClientID != "\uFFFD" || got.Flow != "\uFFFD" {
				t.Errorf("got %v", got)
			}
		})
	}
}

// TestFieldsAreBoundOrSealed checks every field of a record, also fields that are added
// later: a changed field must not open, and a secret must not be readable.
func TestFieldsAreBoundOrSealed(t *testing.T) {
	inner := spotipie.NewMemoryStore()
	keys := newKeys(t)
	s := over(t, inner, keys, nil)
	put(t, s, ada, full(t, "one"))
	sealed := stored(t, inner, ada)
	other := full(t, "another")
	other.AuthorizedAt, other.RejectedAt = other.AuthorizedAt.Add(1), other.RejectedAt.Add(1)
	other.ClientID, other.Flow, other.Rejected = "another", spotipie.FlowImplicitGrant, "another"
	other.Consent, other.Renewals = 9, 9
	other.RemindedAt = other.AuthorizedAt
	put(t, over(t, inner, keys, nil), spotipie.Key{ClientID: "client", Profile: "grace"}, other)
	other.Sealed = stored(t, inner, spotipie.Key{ClientID: "client", Profile: "grace"}).Sealed
	fields := reflect.TypeFor[spotipie.Record]()
	for i := range fields.NumField() {
		name := fields.Field(i).Name
		t.Run(name, func(t *testing.T) {
			tried := 0
			for what, value := range map[string]reflect.Value{
				"changed": reflect.ValueOf(other).Field(i), "emptied": reflect.Zero(fields.Field(i).Type),
			} {
				changed := sealed
				field := reflect.ValueOf(&changed).Elem().Field(i)
				if reflect.DeepEqual(field.Interface(), value.Interface()) {
					continue // the field is empty, like Token
				}
				field.Set(value)
				tried++
				put(t, inner, ada, changed)
				_, _, err := s.Load(t.Context(), ada)
				if opens := name == "Version"; opens != (err == nil) {
					t.Errorf("%s: error %v", what, err)
				}
			}
			if tried == 0 {
				t.Error("the test changes nothing: let full and other fill in this field")
			}
		})
	}
}

func TestWhatDoesNotOpen(t *testing.T) {
	oldText, newText := seal.GenerateKey(), seal.GenerateKey()
	ours, others := newKeys(t, newText), newKeys(t)
	grace := spotipie.Key{ClientID: "client", Profile: "grace"}
	sealing := func(keys seal.Keys, key spotipie.Key, rec spotipie.Record) *spotipie.SealedRecord {
		inner := spotipie.NewMemoryStore()
		put(t, over(t, inner, keys, nil), key, rec)
		return stored(t, inner, key).Sealed
	}
	for _, test := range []struct {
		name   string
		change func(rec *spotipie.Record)
		want   error
		words  string
	}{
		{"another key", func(r *spotipie.Record) { r.Sealed = sealing(others, ada, full(t, "one")) }, seal.ErrUnknownKey, nameOf(t, others)},
		{"a retired key", func(r *spotipie.Record) { r.Sealed = sealing(newKeys(t, oldText), ada, full(t, "one")) }, seal.ErrUnknownKey, nameOf(t, newKeys(t, oldText))},
		{"another user's record", func(r *spotipie.Record) { r.Sealed = sealing(ours, grace, full(t, "one")) }, seal.ErrDamaged, "moved"},
		{"another app's record", func(r *spotipie.Record) {
			r.Sealed = sealing(ours, spotipie.Key{ClientID: "other", Profile: "ada"}, full(t, "one"))
		}, seal.ErrDamaged, "moved"},
		{"another record's data", func(r *spotipie.Record) { r.Sealed.Data = sealing(ours, ada, full(t, "one")).Data }, seal.ErrDamaged, "changed"},
		{"another record's data key", func(r *spotipie.Record) { r.Sealed.DataKey = sealing(ours, ada, full(t, "one")).DataKey }, seal.ErrDamaged, "changed"},
		{"data and data key swapped", func(r *spotipie.Record) { r.Sealed.Data, r.Sealed.DataKey = r.Sealed.DataKey, r.Sealed.Data }, nil, ""},
		{"another name of the key", func(r *spotipie.Record) { r.Sealed.Key = "evil\nname" }, seal.ErrUnknownKey, `evil\nname`},
		{"no name of a key", func(r *spotipie.Record) { r.Sealed.Key = "" }, seal.ErrDamaged, "no name"},
		{"a name that is too long", func(r *spotipie.Record) { r.Sealed.Key = strings.Repeat("x", 2000) }, seal.ErrDamaged, "no name"},
		{"no data key", func(r *spotipie.Record) { r.Sealed.DataKey = nil }, seal.ErrDamaged, "no data key"},
		{"no data", func(r *spotipie.Record) { r.Sealed.Data = nil }, seal.ErrDamaged, "no format"},
		{"format 0", func(r *spotipie.Record) { r.Sealed.Data[0] = 0 }, seal.ErrDamaged, "no format"},
		{"format 2", func(r *spotipie.Record) { r.Sealed.Data[0] = 2 }, seal.ErrNewerFormat, "format 2"},
		{"a token beside", func(r *spotipie.Record) { r.Token = full(t, "one").Token }, seal.ErrDamaged, "unencrypted"},
		{"in the clear", func(r *spotipie.Record) { *r = full(t, "one") }, seal.ErrNotSealed, "AllowPlain"},
		{"nothing at all", func(r *spotipie.Record) { *r = spotipie.Record{} }, seal.ErrNotSealed, "not sealed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inner := spotipie.NewMemoryStore()
			s := over(t, inner, ours, nil)
			put(t, s, ada, full(t, "topsecret"))
			rec := stored(t, inner, ada)
			rec.Sealed = &spotipie.SealedRecord{Key: rec.Sealed.Key, DataKey: slices.Clone(rec.Sealed.DataKey), Data: slices.Clone(rec.Sealed.Data)}
			test.change(&rec)
			version := put(t, inner, ada, rec)
			got, found, err := s.Load(t.Context(), ada)
			if test.want == nil { // any of these errors
				test.want = seal.ErrDamaged
				if errors.Is(err, seal.ErrNewerFormat) {
					test.want = seal.ErrNewerFormat
				}
			}
			expectError(t, err, test.want, test.words)
			if got.Token != nil || strings.Contains(err.Error(), "topsecret") {
				t.Error("the token is readable")
			}
			if replaceable := test.want != seal.ErrNewerFormat; found != replaceable || got.Version != version {
				t.Errorf("found %t, version %d, want %t, %d", found, got.Version, replaceable, version)
			}
			if after := stored(t, inner, ada); after.Version != version {
				t.Error("the record was changed")
			}
		})
	}
}

func TestTruncatedAndFlippedCiphertextDoesNotOpen(t *testing.T) {
	inner := spotipie.NewMemoryStore()
	s := over(t, inner, newKeys(t), nil)
	put(t, s, ada, full(t, "one"))
	rec := stored(t, inner, ada)
	for _, part := range []struct {
		name  string
		bytes []byte
		with  func(changed []byte) spotipie.SealedRecord
	}{
		{"data", rec.Sealed.Data, func(b []byte) spotipie.SealedRecord {
			return spotipie.SealedRecord{Key: rec.Sealed.Key, DataKey: rec.Sealed.DataKey, Data: b}
		}},
		{"data key", rec.Sealed.DataKey, func(b []byte) spotipie.SealedRecord {
			return spotipie.SealedRecord{Key: rec.Sealed.Key, DataKey: b, Data: rec.Sealed.Data}
		}},
	} {
		t.Run(part.name, func(t *testing.T) {
			try := func(changed []byte) {
				t.Helper()
				sealed := part.with(changed)
				broken := rec
				broken.Sealed = &sealed
				put(t, inner, ada, broken)
				if _, _, err := s.Load(t.Context(), ada); !errors.Is(err, seal.ErrDamaged) && !errors.Is(err, seal.ErrNewerFormat) {
					t.Fatalf("with %d bytes it opens, or fails with %v", len(changed), err)
				}
			}
			for n := range part.bytes {
				try(part.bytes[:n])
				flipped := slices.Clone(part.bytes)
				flipped[n] ^= 1
				try(flipped)
			}
			try(append(slices.Clone(part.bytes), 0))
		})
	}
}

func TestEachSaveIsSealedAnew(t *testing.T) {
	inner := spotipie.NewMemoryStore()
	s := over(t, inner, newKeys(t), nil)
	rec := full(t, "one")
	put(t, s, ada, rec)
	first := stored(t, inner, ada).Sealed
	put(t, s, ada, rec)
	second := stored(t, inner, ada).Sealed
	if bytes.Equal(first.Data, second.Data) || bytes.Equal(first.DataKey, second.DataKey) {
		t.Error("the same record is sealed the same way twice")
	}
	if first.Key != second.Key {
		t.Error("the same key has two names")
	}
}

func TestPlainRecordsAreSealedWhenTheyAreSavedNext(t *testing.T) {
	inner := spotipie.NewMemoryStore()
	version := put(t, inner, ada, full(t, "one"))
	keys := newKeys(t)
	s := over(t, inner, keys, &seal.Options{AllowPlain: true})
	rec := stored(t, s, ada)
	if !equal(t, rec, full(t, "one")) || rec.Version != version || stored(t, inner, ada).Sealed != nil {
		t.Errorf("got %v", rec)
	}
	put(t, s, ada, rec)
	if got := stored(t, inner, ada); got.Sealed == nil || got.Token != nil {
		t.Errorf("after a save there is %v", got)
	}
	if got := stored(t, over(t, inner, keys, nil), ada); !equal(t, got, rec) {
		t.Errorf("got %v", got)
	}
}

// FuzzLoad checks that for any stored record Load returns the sealed record or an error,
// and never a record that nobody has sealed.
func FuzzLoad(f *testing.F) {
	keys := newKeys(f, theKey)
	inner := spotipie.NewMemoryStore()
	s := over(f, inner, keys, nil)
	put(f, s, ada, full(f, "one"))
	good := stored(f, inner, ada)
	add := func(rec spotipie.Record) {
		data, err := json.Marshal(rec)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	add(good)
	add(full(f, "plain"))
	short := *good.Sealed
	short.Data = short.Data[:20]
	bad := good
	bad.Sealed = &short
	add(bad)
	f.Fuzz(func(t *testing.T, data []byte) {
		var rec spotipie.Record
		if json.Unmarshal(data, &rec) != nil {
			return
		}
		put(t, inner, ada, rec)
		got, found, err := s.Load(t.Context(), ada)
		var failed *seal.Error
		switch {
		case err == nil && (!found || !equal(t, got, full(t, got.Token.AccessToken())) || rec.Sealed == nil):
			t.Errorf("it opened something else: %v", got)
		case err != nil && (!errors.As(err, &failed) || got.Token != nil):
			t.Errorf("got %v, %v", got, err)
		}
	})
}
