package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spotipie/spotipie"
)

// formatNumber is the first byte of the data of a sealed record. It changes
// whenever an older version of this package could not open, or not fully check,
// what a newer one seals.
const formatNumber = 1

// readable returns the fields of a record that stay readable without a key, in
// the form in which a store that saves JSON returns them.
func readable(rec spotipie.Record) spotipie.Record {
	return spotipie.Record{
		AuthorizedAt: utc(rec.AuthorizedAt),
		ClientID:     validUTF8(rec.ClientID),
		Flow:         spotipie.Flow(validUTF8(string(rec.Flow))),
		Consent:      rec.Consent,
		Renewals:     rec.Renewals,
		Rejected:     validUTF8(rec.Rejected),
		RejectedAt:   utc(rec.RejectedAt),
		Version:      rec.Version,
	}
}

func validUTF8(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Round(0)
}

// binding returns the associated data of a record: its key, its readable
// fields, and the name of the key that encrypts its data key. Each field is
// preceded by its length, so that different fields never give the same binding.
func binding(key spotipie.Key, name string, rec spotipie.Record) []byte {
	b := append([]byte("spotipie sealed record\x00"), formatNumber)
	for _, field := range []string{
		key.ClientID, key.Profile, name, rec.ClientID, string(rec.Flow), rec.Rejected,
		moment(rec.AuthorizedAt), moment(rec.RejectedAt),
	} {
		b = binary.AppendUvarint(b, uint64(len(field)))
		b = append(b, field...)
	}
	b = binary.BigEndian.AppendUint64(b, rec.Consent)
	return binary.BigEndian.AppendUint64(b, rec.Renewals)
}

// moment encodes a time for the binding.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// sealRecord returns rec with all but its readable fields encrypted.
func sealRecord(key spotipie.Key, with *dataKey, rec spotipie.Record) (spotipie.Record, error) {
	sealed := readable(rec)
	rec.Version = 0
	plain, err := json.Marshal(rec)
	if err != nil {
		return spotipie.Record{}, fmt.Errorf("seal: encoding the record of %s: %w", key, err)
	}
	aead := with.aead
	data := make([]byte, 1+aead.NonceSize(), 1+aead.NonceSize()+len(plain)+aead.Overhead())
	data[0] = formatNumber
	nonce := data[1:]
	_, _ = rand.Read(nonce) // never fails
	data = aead.Seal(data, nonce, plain, binding(key, with.name, sealed))
	sealed.Sealed = &spotipie.SealedRecord{Key: with.name, DataKey: with.wrapped, Data: data}
	return sealed, nil
}

// checkSealed checks a sealed record before it calls the keys.
func checkSealed(key spotipie.Key, rec spotipie.Record) error {
	sealed := rec.Sealed
	switch {
	case len(sealed.Data) == 0 || sealed.Data[0] == 0:
		return damaged(key, sealed.Key, "is sealed in no format")
	case sealed.Data[0] > formatNumber:
		return newerFormat(key, sealed.Key, sealed.Data[0])
	case sealed.Key == "" || len(sealed.Key) > maxName || len(sealed.DataKey) == 0 || len(sealed.DataKey) > maxWrapped:
		return damaged(key, sealed.Key, "has no name of a key, or no data key")
	case rec.Token != nil || rec.RequestedScope != nil || !rec.RemindedAt.IsZero():
		return damaged(key, sealed.Key, "has an unencrypted token or other field")
	}
	return nil
}

// openRecord returns what was passed to sealRecord, if nobody has changed it.
func openRecord(key spotipie.Key, with cipher.AEAD, rec spotipie.Record) (spotipie.Record, error) {
	sealed := rec.Sealed
	var plain []byte
	err := errShort
	if size := 1 + with.NonceSize(); len(sealed.Data) >= size {
		plain, err = with.Open(nil, sealed.Data[1:size], sealed.Data[size:], binding(key, sealed.Key, rec))
	}
	if err != nil {
		return spotipie.Record{}, damaged(key, sealed.Key, "was cut short, changed or moved since it was sealed")
	}
	var opened spotipie.Record
	if json.Unmarshal(plain, &opened) != nil { // the error itself may quote the record
		return spotipie.Record{}, damaged(key, sealed.Key, "holds something that is not a record")
	}
	opened.Version = rec.Version
	return opened, nil
}

var errShort = fmt.Errorf("shorter than a nonce")

// newAEAD returns AES-256-GCM with a data key, and erases the data key.
func newAEAD(key []byte) (cipher.AEAD, error) {
	defer clear(key)
	if len(key) != dataKeySize {
		return nil, fmt.Errorf("a data key of %d bytes, not %d", len(key), dataKeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
