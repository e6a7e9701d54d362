// Package keyringstore keeps authorizations in files that are sealed with a
// key from the operating system's keyring: the Keychain of macOS, the
// Credential Manager of Windows, or on Linux and the BSDs whatever offers the
// Secret Service on the session's D-Bus (GNOME Keyring, KWallet, KeePassXC).
//
//	store, err := keyringstore.Open(ctx, "", nil)
//	...
//	session, err := spotipie.NewAuthorizationCodeSession(creds, &spotipie.Options{
//		Store: store, Profile: "default",
//	})
//
// # What is where
//
// The keyring holds one random key of 256 bits per folder: its entry has the
// service "spotipie" and the folder's path as the account. The records are in
// the folder, in files of package filestore, which also tells of their locks,
// their modes and what survives a crash. So no record is too long for the
// keyring (Windows takes 2,560 bytes), a renewal asks the keyring for nothing,
// and the keys of all records can be listed, which keyrings cannot.
//
// Whoever has the files without the keyring has nothing but the names: client
// ids and profiles are not secret, and stand in the files in the clear.
//
// # Without a keyring
//
// A server, a container or an ssh login often has no keyring, a locked one or
// a D-Bus that does not answer. Open then fails with [ErrUnavailable], after
// [Options].Timeout at the latest. It never falls back to files that are not
// sealed. Where there is no keyring, use package filestore, with a key from the
// environment or a file if there is one.
//
// # Keys for other stores
//
// [SealingKeys] has the keyring keep the keys of package seal, for records that
// are in another store than files.
//
// # Keys that are lost
//
// If the keyring has lost the key of a folder with records, Open fails with
// [ErrKeyLost] rather than making another one.
package keyringstore
