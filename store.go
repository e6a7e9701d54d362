package spotipie

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"time"
)

// Key names one authorization in a [Store]: which app, and for whom.
type Key struct {
	ClientID string `json:"client_id"`
	// Profile is the user, account or purpose the authorization is for, as the
	// program names it, such as a user id or "default".
	Profile string `json:"profile"`
}

// String returns profile@client_id, for messages.
func (k Key) String() string { return fmt.Sprintf("%q@%q", k.Profile, k.ClientID) }

// Record is what a store keeps for one authorization.
type Record struct {
	Token *Token `json:"token"`
	// AuthorizedAt is when the user last consented; refreshing does not change
	// it. Zero if it is not known.
	AuthorizedAt time.Time `json:"authorized_at,omitzero"`
	// ClientID is the app the token was issued to.
	ClientID string `json:"client_id"`
	// Flow is how the token was obtained. A session uses only tokens of its own
	// flow. Empty in records of old versions of this package.
	Flow Flow `json:"flow,omitempty"`
	// Consent is the number of the consent. It is higher than that of any
	// consent it replaced, and renewals keep it. It says which of two records
	// is from the newer login, even if clocks are wrong or a store has fallen
	// back to an older state. Sessions set it. Zero if it is not known.
	Consent uint64 `json:"consent,omitempty"`
	// Renewals counts the renewals since the consent. Of two records of one
	// consent, the one with more renewals is newer. Sessions set it.
	Renewals uint64 `json:"renewals,omitempty"`
	// RequestedScope is what the user was asked for. What they granted is the
	// token's own scope.
	RequestedScope Scopes `json:"requested_scope,omitempty"`
	// Rejected holds what the accounts service said if it has refused the
	// refresh token for good; see [ErrReauthorizationRequired]. The token stays
	// in the record, because Spotify has refused tokens by mistake before.
	Rejected string `json:"rejected,omitempty"`
	// RejectedAt is when the refresh token was refused. Zero if it is not
	// known.
	RejectedAt time.Time `json:"rejected_at,omitzero"`
	// RemindedAt is when the user was reminded that this consent ends soon; see
	// [Pool.RemindUsers]. Zero if they were not reminded.
	RemindedAt time.Time `json:"reminded_at,omitzero"`
	// Sealed is the whole record, encrypted, if it was saved through package
	// seal. Token is nil then, and the other fields repeat what may be read
	// without a key. A store keeps it like any other field.
	Sealed *SealedRecord `json:"sealed,omitempty"`
	// Version changes whenever the record is saved. The store sets it.
	Version uint64 `json:"version"`
}

// String describes the record without secrets.
func (r Record) String() string {
	return fmt.Sprintf("Record(client_id %s, version %d, authorized_at %s, rejected %q, %v)",
		r.ClientID, r.Version, r.AuthorizedAt.Format(time.RFC3339), r.Rejected, r.Token)
}

// Format implements [fmt.Formatter]: every verb prints what String returns.
func (r Record) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// LogValue implements [slog.LogValuer] without secrets.
func (r Record) LogValue() slog.Value { return slog.StringValue(r.String()) }

// SealedRecord is an encrypted record; see package seal.
type SealedRecord struct {
	// Key is the name of the key that DataKey is encrypted with.
	Key string `json:"key"`
	// DataKey is the key that Data is encrypted with, itself encrypted.
	DataKey []byte `json:"data_key"`
	// Data is the encrypted record.
	Data []byte `json:"data"`
}

// Store keeps records when the process ends, and lets one process at a time
// renew a token. [NewMemoryStore] returns one that keeps them in memory.
// Package storetest checks that a store gives the guarantees below.
//
// Every method may be called from many goroutines and, unless the store is
// private to a process, from many processes at once. Each returns soon after
// its context ends, and then holds no lock.
//
//   - Load returns what the last successful Swap saved, whole, or found ==
//     false if there is no record. Not finding a record is not an error. If the
//     store knows that the record was deleted, rec.Version is the version of
//     the deletion; if it knows nothing of the key, rec.Version is 0. Sessions
//     take a deletion for a logout. If a record is missing without a deletion,
//     they take it as lost (by a restart without persistence, an eviction, a
//     restored backup, an unmounted volume), keep their token and save it
//     again. A store remembers a deletion for at least a week, unless it loses
//     everything. If there is a record that the store cannot make sense of,
//     Load returns an error; if it also returns found == true and the version,
//     a user's login is saved over that record, and nothing else is.
//   - Swap saves rec if the version of the stored record is still version,
//     where 0 means that there is no record. It returns the new version.
//     Otherwise it saves nothing and returns an error that wraps
//     [ErrVersionConflict]. The new version is greater than version, than
//     rec.Version and than that of a deletion the store remembers: rec.Version
//     is the highest version that the caller has seen, or more. It may be
//     higher than version, for example if the store has fallen back to an older
//     state. A version is never used again, not even after Delete
//     ([NextVersion] makes such versions). When Swap has returned, the record
//     survives a crash, as far as the store promises that. When Swap fails in
//     any other way, the store has the old record or the new one, never a
//     mixture and never nothing.
//   - Delete removes the record and remembers the deletion, also if there was
//     no record. The deletion has a version: that of the record, or a later
//     one.
//   - List returns the keys of all records, in no order.
//   - Lock waits until nobody holds the lock of the key, then holds it until
//     unlock is called, or until its holder is gone: each store documents how
//     it notices that (the kernel, a lease). Through one store value a key has
//     one holder at a time, even if the lock was lost meanwhile. The lock of
//     one key never waits for that of another, and delays no Load or Swap: the
//     lock saves work, and the version protects the record. Many goroutines
//     that wait for one key through one store value cost the store no more than
//     one. unlock may be called more than once. It works even if the context
//     given to Lock has ended, and may be called again after an error.
//
// A session renews in this order: save what is not saved yet, Lock, Load, see
// whether a renewal is still needed, Check if the store is a [Checker], ask the
// accounts service, Swap, unlock, call the listeners.
type Store interface {
	Load(ctx context.Context, key Key) (rec Record, found bool, err error)
	Swap(ctx context.Context, key Key, version uint64, rec Record) (newVersion uint64, err error)
	Delete(ctx context.Context, key Key) error
	List(ctx context.Context) ([]Key, error)
	Lock(ctx context.Context, key Key) (unlock func(context.Context) error, err error)
}

// Checker is a [Store] that can tell whether a lock is still held and a record
// can be saved.
//
// The holder of a key's lock calls Check just before it asks the accounts
// service, because an answer that cannot be saved may cost the login. Check
// returns nil if the lock is still held and a record can be saved now. It fails
// if the lease has ended (because the process was suspended, for example), or
// if the store is read-only, full or out of reach. Then no token is requested.
// In a store with leases, Check extends the lease. A wrapper of a store that is not a
// Checker returns an error that wraps [errors.ErrUnsupported], which counts as nil.
type Checker interface {
	Store
	Check(ctx context.Context, key Key) error
}

// VersionDeleter is a [Store] that can delete a record only if nobody has saved it
// since. Sessions use it to log out, so that a logout that is tried again does
// not delete a later login.
//
// DeleteVersion does what Delete does if the record's version still is version,
// where 0 means that there is no record. Otherwise it deletes nothing and returns
// an error that wraps [ErrVersionConflict]. A wrapper of a store that cannot do
// this returns an error that wraps [errors.ErrUnsupported].
type VersionDeleter interface {
	Store
	DeleteVersion(ctx context.Context, key Key, version uint64) error
}

// Watcher is a [Store] that can report changes of a record. A process then
// learns of a newer token at once, and not only when its own is about to
// expire.
//
// Watch returns a channel that gets a value soon after a Swap or Delete of the
// key in any process. One value may stand for several changes. A value is a
// hint to call Load: some may be lost, or come without a change. The channel is
// closed when ctx ends, or when the store can no longer watch. A wrapper of a store
// that is not a Watcher returns an error that wraps [errors.ErrUnsupported].
type Watcher interface {
	Store
	Watch(ctx context.Context, key Key) (changes <-chan struct{}, err error)
}

// Change says that a record was saved or deleted. The zero Change says that any
// record may have changed: some changes may have been missed, or the store does
// not know which record it was.
type Change struct {
	Key Key
	// Version is the new version of the record or the deletion, or 0 if it is
	// not known. A receiver that has seen this version or a higher one need not
	// call Load.
	Version uint64
}

// ChangeWatcher is a [Store] that can report the changes of all its records
// through one channel, for programs that hold many of them.
//
// WatchChanges returns a channel that gets a value soon after each Swap or
// Delete in any process. One value may stand for several changes of one key. As
// with Watch, a value is a hint to call Load: some may be lost, or come without
// a change. The zero Change comes when the store may have missed changes, and
// when the receiver is so slow that there was no room for more. The channel is
// closed when ctx ends, or when the store can no longer watch. A wrapper of a store
// that is not a ChangeWatcher returns an error that wraps [errors.ErrUnsupported].
type ChangeWatcher interface {
	Store
	WatchChanges(ctx context.Context) (changes <-chan Change, err error)
}

// NextVersion returns a version for a record whose version was previous (0 for
// a new one) that is greater than previous and than any version made earlier:
// microseconds of the clock, or previous + 1 if that is more. For Swap,
// previous is the highest of the versions that the new one has to exceed.
func NextVersion(previous uint64, now time.Time) uint64 {
	return max(previous+1, uint64(max(now.UnixMicro(), 0)))
}

// NextConsent returns the number of a consent that replaces one with the number
// previous (0 if there is none, or it is not known): milliseconds of the clock,
// or one more than those of previous if that is higher, and some random bits
// that distinguish consents of the same moment. Sessions use it for their
// consents. Programs need it only if they write the record of a new login into
// a store themselves.
func NextConsent(previous uint64, now time.Time) uint64 {
	return nextConsent(previous, uint64(max(now.UnixMilli(), 1)), rand.Uint64())
}
