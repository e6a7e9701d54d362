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
// Then the database, its backups, its log and its replicas contain no readable
// token. "openssl rand -base64 32" makes a key.
//
// # What is sealed
//
// Each save makes a new data key, encrypts the record with it (AES-256-GCM),
// and encrypts the data key with one of the [Keys]. The encrypted data key and
// the name of the key that decrypts it are saved with the record, in
// [spotipie.Record].Sealed. So the keys themselves can stay in a key management
// service, which never sees a record.
//
// These fields stay readable without a key: the client id, the profile, the
// flow, when the user consented, how often the token was renewed since, and
// whether and when the accounts service has refused it. [spotipie.Summaries]
// needs only these. The encryption covers them too (as associated data), with
// the format and the key's name: a record does not open if it was moved to
// another user, or if one of these fields was changed. Only the version is not
// covered, because the store makes it.
//
// Sealing does not show whether a record is the latest one. Anybody who can
// write to the store can delete a record, put back an old one of the same user,
// and change what a summary says, since summaries use no key.
//
// # Keys
//
// One key encrypts, and any number of keys can decrypt. [ParseKeys],
// [KeysFromEnv], [KeysFromFiles] and [KeysFromPassphrase] return keys in the
// process's memory; package keyringstore keeps one in the operating system's
// keyring. For a key management service, write a type with the two methods of
// [Keys]. [Ring] combines keys of any kind.
//
// A key of this package may encrypt 2^32 data keys: rotate it long before that,
// for example once a year. To rotate, add the new key after the old one in all
// processes; then put it first in all processes; then call [Store.Reseal], and
// when its report is Done, remove the old key.
//
// # Records that cannot be opened
//
// Without the right key Load fails with an [*Error] that names the record, the
// key and what to do. A renewal does not replace the record. But a logout
// deletes it, and a new login replaces it and calls [spotipie.Options].OnError.
// So if you have lost a key for good, make a new one and let the users log in
// again.
package seal
