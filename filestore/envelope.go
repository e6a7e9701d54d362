package filestore

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/spotipie/spotipie"
)

// The formats of files. The number changes whenever an older version of this
// package could not read what a newer one writes.
const (
	formatNumber   = 1 // of records
	deletionFormat = 2
	newestFormat   = deletionFormat
)

// envelope is the content of a file: a record, either unencrypted with a
// checksum or sealed, or a deletion with a checksum.
type envelope struct {
	Format     int             `json:"format"`
	Key        envelopeKey     `json:"key,omitzero"`
	Version    uint64          `json:"version"`
	Deleted    string          `json:"deleted,omitempty"` // the base name of the deleted record
	Record     json.RawMessage `json:"record,omitempty"`
	SHA256     string          `json:"sha256,omitempty"`
	SealedWith string          `json:"sealed_with,omitempty"` // the id of the key
	Sealed     []byte          `json:"sealed,omitempty"`
}

// body returns the length of everything after the header.
func (e *envelope) body() int {
	return len(e.Record) + len(e.SHA256) + len(e.SealedWith) + len(e.Sealed)
}

type envelopeKey struct {
	ClientID text `json:"client_id"`
	Profile  text `json:"profile"`
}

func (k envelopeKey) key() spotipie.Key {
	return spotipie.Key{ClientID: string(k.ClientID), Profile: string(k.Profile)}
}

// text is a string that survives JSON even if it is not UTF-8.
type text string

type bytesText struct {
	Base64 []byte `json:"base64"`
}

func (t text) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return json.Marshal(string(t))
	}
	return json.Marshal(bytesText{[]byte(t)})
}

func (t *text) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '{' {
		var b bytesText
		err := json.Unmarshal(data, &b)
		*t = text(b.Base64)
		return err
	}
	return json.Unmarshal(data, (*string)(t))
}

// binding is what a checksum or seal covers besides the record, so that one
// record cannot take the place of another.
func binding(key spotipie.Key, version uint64) []byte {
	b := appendKey([]byte("spotipie record\x00"), key)
	b = binary.AppendUvarint(b, formatNumber)
	return binary.BigEndian.AppendUint64(b, version)
}

func checksum(key spotipie.Key, version uint64, record []byte) string {
	h := sha256.New()
	h.Write(binding(key, version))
	h.Write(record)
	return hex.EncodeToString(h.Sum(nil))
}

// encode returns the contents of a record's file.
func (s *Store) encode(key spotipie.Key, version uint64, rec spotipie.Record) ([]byte, error) {
	rec.Version = version
	record, err := json.Marshal(rec)
	if err != nil {
		return nil, err
	}
	e := envelope{
		Format:  formatNumber,
		Key:     envelopeKey{ClientID: text(key.ClientID), Profile: text(key.Profile)},
		Version: version,
	}
	if s.key.isZero() {
		e.Record, e.SHA256 = record, checksum(key, version, record)
	} else {
		e.SealedWith = s.key.id()
		e.Sealed = s.key.seal(record, binding(key, version))
	}
	data, err := json.Marshal(e)
	return append(data, '\n'), err
}

// encodeDeletion returns the contents of a file whose record was deleted. They
// do not name the user.
func encodeDeletion(base string, version uint64) ([]byte, error) {
	data, err := json.Marshal(envelope{
		Format: deletionFormat, Version: version, Deleted: base, SHA256: deletionChecksum(base, version),
	})
	return append(data, '\n'), err
}

func deletionChecksum(base string, version uint64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "spotipie deletion\x00%s\x00%d", base, version))
	return hex.EncodeToString(sum[:])
}

// splitPlain splits a file with an unencrypted record that has the layout of
// encode, so that the record need not be scanned twice.
func splitPlain(data []byte) (header, record []byte, sum string, ok bool) {
	const start, middle, end = `,"record":`, `,"sha256":"`, "\"}\n"
	tail := len(middle) + hex.EncodedLen(sha256.Size) + len(end)
	at := bytes.Index(data, []byte(start)) // in a JSON string the quotes would be escaped
	if at < 0 || at+len(start)+tail > len(data) {
		return nil, nil, "", false
	}
	header = append(bytes.Clone(data[:at]), '}')
	record, data = data[at+len(start):len(data)-tail], data[len(data)-tail:]
	if !bytes.HasPrefix(data, []byte(middle)) || !bytes.HasSuffix(data, []byte(end)) {
		return nil, nil, "", false
	}
	return header, record, string(data[len(middle) : len(data)-len(end)]), true
}

func decodeStrictly(data []byte, e *envelope) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(e); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("data after the end")
	}
	return nil
}

// decodeEnvelope reads everything in a file except the record.
func decodeEnvelope(path string, data []byte) (*envelope, error) {
	var e envelope
	header, record, sum, plain := splitPlain(data)
	if plain && decodeStrictly(header, &e) == nil && e.Format == formatNumber && e.Version != 0 && e.Deleted == "" && e.body() == 0 {
		e.Record, e.SHA256 = record, sum
		return &e, nil
	}
	e = envelope{}
	err := decodeStrictly(data, &e)
	if err != nil {
		// A later format may have other fields.
		e = envelope{}
		_ = json.Unmarshal(data, &struct {
			Format *int `json:"format"`
		}{&e.Format})
	}
	switch {
	case e.Format > newestFormat:
		return nil, &FileError{
			Path: path, Err: ErrNewerFormat,
			Problem: fmt.Sprintf("has format %d, and this program knows formats up to %d", e.Format, newestFormat),
			Advice:  "a newer program wrote it; update this one",
		}
	case e.Format == deletionFormat:
		return &e, checkDeletion(path, &e, err)
	case len(data) == 0:
		return nil, damaged(path, "is empty")
	case e.Format == formatNumber && (err != nil || e.Record != nil || e.Deleted != ""): // encode uses another layout
		return nil, damaged(path, "has been changed by something other than this package")
	case err != nil && !json.Valid(data):
		return nil, damaged(path, "is incomplete, or is not JSON")
	case err != nil || e.Format != formatNumber || e.Version == 0 || e.Sealed == nil:
		return nil, damaged(path, "is not a record of this package")
	}
	return &e, nil
}

// checkDeletion fails unless an envelope is what encodeDeletion makes for the
// file. err is the error of decoding it.
func checkDeletion(path string, e *envelope, err error) error {
	empty := envelope{Format: e.Format, Version: e.Version, Deleted: e.Deleted, SHA256: e.SHA256}
	switch {
	case err != nil || e.body() != len(e.SHA256) || e.Key != empty.Key || e.SHA256 != deletionChecksum(e.Deleted, e.Version):
		return damaged(path, "has been changed by something other than this package")
	case e.Deleted != strings.TrimSuffix(filepath.Base(path), recordSuffix):
		return damaged(path, "is the deletion of another record: it was renamed or copied here")
	}
	return nil
}

// decode reads a record's file. For a deletion it returns only the version.
func (s *Store) decode(path string, key spotipie.Key, data []byte) (rec spotipie.Record, found bool, err error) {
	e, err := decodeEnvelope(path, data)
	if err != nil {
		return rec, false, err
	}
	return s.decodeRecord(path, key, e)
}

// decodeRecord is decode, of an envelope.
func (s *Store) decodeRecord(path string, key spotipie.Key, e *envelope) (rec spotipie.Record, found bool, err error) {
	switch {
	case e.Deleted != "":
		return spotipie.Record{Version: e.Version}, false, nil
	case e.Key.key() != key:
		return rec, false, damaged(path, "holds the record of another key: it was renamed or copied here")
	}
	record, err := s.open(path, key, e)
	if err != nil {
		return rec, false, err
	}
	if err := json.Unmarshal(record, &rec); err != nil || rec.Version != e.Version {
		// The error itself may quote the record.
		return spotipie.Record{}, false, damaged(path, "holds something that is not a record")
	}
	return rec, true, nil
}

// open returns the record's JSON in an envelope, if nobody has changed it.
func (s *Store) open(path string, key spotipie.Key, e *envelope) ([]byte, error) {
	seal := func(problem, advice string) error {
		return &FileError{Path: path, Problem: problem, Advice: advice, Err: ErrSeal}
	}
	sealed, hasKey := e.Sealed != nil, !s.key.isZero()
	switch {
	case !sealed && hasKey:
		return nil, seal("is not sealed, but this store seals its records",
			"open the store without a key, or remove the file and authorize again")
	case sealed && !hasKey:
		return nil, seal("is sealed, and this store has no key",
			"open the store with the key whose id is "+printable(e.SealedWith))
	case !sealed && e.SHA256 != checksum(key, e.Version, e.Record):
		return nil, damaged(path, "has been changed by something other than this package")
	case !sealed:
		return e.Record, nil
	case e.SealedWith != s.key.id():
		return nil, seal(fmt.Sprintf("is sealed with another key (its id is %s, this store's is %s)", printable(e.SealedWith), s.key.id()),
			"open the store with that key, or remove the file and authorize again")
	}
	record, err := s.key.open(e.Sealed, binding(key, e.Version))
	if err != nil {
		return nil, damaged(path, "has been changed since it was sealed")
	}
	return record, nil
}

// printable makes text from a file safe to print in an error.
func printable(id string) string { return fmt.Sprintf("%.16q", id) }
