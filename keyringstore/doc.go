// Package keyringstore keeps authorizations in files that are encrypted with a
// key from the operating system's keyring: the Keychain of macOS, the
// Credential Manager of Windows, or on Linux and the BSDs any program that
// offers the Secret Service on the session's D-Bus (GNOME Keyring, KWallet,
// KeePassXC).
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
// the folder, in files of package filestore, which documents their locks, their
// modes and what survives a crash. So no record is too long for the keyring
// (Windows takes 2,560 bytes), a renewal does not need the keyring, and all
// records can be listed, which keyrings cannot do.
//
// Without the keyring, only the client ids and profiles in the files can be
// read, which are not secret.
//
// # Without a keyring
//
// A server, a container or an ssh login often has no keyring, a locked one or a
// D-Bus that does not answer. Then Open fails with [ErrUnavailable], after
// [Options].Timeout at the latest. It never falls back to unencrypted files.
// Where there is no keyring, use package filestore, with a key from the
// environment or a file.
//
// # Keys for other stores
//
// [SealingKeys] keeps the keys of package seal in the keyring, for records in
// other stores.
//
// # Lost keys
//
// If the keyring has lost the key of a folder with records, Open fails with
// [ErrKeyLost] rather than making another one.
package keyringstore
