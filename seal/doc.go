// Package seal encrypts records before a store sees them, whatever store it is:
//
//	keys, err := seal.KeysFromEnv("SPOTIFY_SEALING_KEYS")
//	...
//	store, err := seal.New(pgStore, keys, nil)
//	...
//	session, err := spotipie.NewAuthorizationCodeSession(creds, &spotipie.Options{
//		Store: store, Profile: userID,
//	})
//
// Whoever reads the database, its backups, its log or its replicas then has no
// token. "openssl rand -base64 32" makes a key.
//
// # What is sealed
//
// Each save encrypts the record with AES-256-GCM under a data key that is made
// for this save, and encrypts the data key in turn with one of the [Keys]. The
// encrypted data key and the name of the key that opens it are saved beside it,
// in [spotipie.Record].Sealed. So the keys themselves can stay in a key
// management service, and never see a record.
//
// What can be told without a key stays readable: the client id, the profile,
// the flow, when the user consented, how often the token was renewed since, and
// whether and when the accounts service has refused it. [spotipie.Summaries]
// needs no more. The encryption covers these fields too (as associated data),
// with the format and the key's name: a record that was moved to another user,
// or in which one of them was changed, does not open. Only the version is not
// covered, which is the store's own.
//
// A seal does not tell that a record is the last one. Whoever can write to the
// store can delete a record, put an old one of the same user back, and change
// what a summary says without a key being asked.
//
// # Keys
//
// Keys are one that seals and any number that open. [ParseKeys], [KeysFromEnv],
// [KeysFromFiles] and [KeysFromPassphrase] return keys that are in the process's
// memory; package keyringstore has one that the operating system's keyring
// keeps. A key management service is a type with the two methods of [Keys], and
// [Ring] puts keys of any kind together.
//
// A key of this package may seal 2^32 data keys: rotate it long before, once a
// year, say. To rotate, add a new key as one that opens, everywhere; then let it
// seal, everywhere; then call [Store.Reseal], and when its report is Done,
// remove the old key.
//
// # What cannot be opened
//
// Without the right key Load fails with an [*Error] that names the record, the
// key and what to do, and the record is left alone: a renewal does not replace
// it. Two things do: a logout deletes it, and a login, which is the user's newer
// word, is saved over it; [spotipie.Options].OnError hears of that. So whoever
// has lost a key for good makes a new one, and the users log in again.
package seal
