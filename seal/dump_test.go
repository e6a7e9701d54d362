package seal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/seal"
)

// useSealed lets a session log in and renew with a sealed store, and returns all
// secrets that it used.
func useSealed(t *testing.T, inner spotipie.Store) (secrets []string) {
	t.Helper()
	text := seal.GenerateKey()
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	server := newServer(t)
	session := newSession(t, server, over(t, inner, newKeys(t, text), nil), nil)
	server.Login(t, session)
	for range 3 {
		token := session.CurrentToken()
		secrets = append(secrets, token.AccessToken(), token.RefreshToken())
		if _, err := session.RefreshToken(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	token := session.CurrentToken()
	return append(secrets, token.AccessToken(), token.RefreshToken(), text, string(key))
}

// saveInTheClear saves an unencrypted token in the plain store, so that the test can see
// that the search finds it.
func saveInTheClear(t *testing.T, inner spotipie.Store) (secret string) {
	t.Helper()
	key := spotipie.Key{ClientID: "client", Profile: "clear"}
	put(t, inner, key, full(t, "A-token-in-the-clear-is-found"))
	return "A-token-in-the-clear-is-found"
}

// expectNoSecret fails the test if a dump contains a secret in any encoding, or if it
// does not contain the unencrypted text.
func expectNoSecret(t *testing.T, dump []byte, inTheClear string, secrets []string) {
	t.Helper()
	if !bytes.Contains(dump, []byte(inTheClear)) {
		t.Fatalf("the dump of %d bytes does not even have the unencrypted text", len(dump))
	}
	for i, secret := range secrets {
		for name, form := range map[string]string{
			"as it is": secret, "in base64": base64.RawStdEncoding.EncodeToString([]byte(secret))[:20], "in hex": hex.EncodeToString([]byte(secret)),
		} {
			if bytes.Contains(dump, []byte(form)) {
				t.Errorf("secret %d is in the dump, %s", i, name)
			}
		}
	}
}

// filesUnder returns the contents of all files in a folder.
func filesUnder(t *testing.T, folder string) []byte {
	t.Helper()
	var all bytes.Buffer
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		all.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.Bytes()
}

func TestNoSecretInADumpOfPostgres(t *testing.T) {
	server := testservices.StartPostgres(t)
	dsn := testservices.PostgresDSN(server.Address)
	inner := openPostgres(t, dsn, "authorizations", 0)
	secrets, inTheClear := useSealed(t, inner), saveInTheClear(t, inner)
	dump, err := exec.CommandContext(t.Context(), testservices.Program(t, "pg_dump", "postgresql-client"), dsn).Output()
	if err != nil {
		t.Fatal(err)
	}
	expectNoSecret(t, dump, inTheClear, secrets)

	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	var folder string
	if err := conn.QueryRow(t.Context(), "SHOW data_directory").Scan(&folder); err != nil {
		t.Fatal(err)
	}
	server.Stop() // writes everything to the disk
	expectNoSecret(t, filesUnder(t, folder), inTheClear, secrets)
}

func TestNoSecretInADumpOfRedis(t *testing.T) {
	server := testservices.StartRedis(t, "--rdbcompression", "no")
	inner := openRedis(t, &redis.Options{Addr: server.Address}, "spotipie:", 0)
	secrets, inTheClear := useSealed(t, inner), saveInTheClear(t, inner)
	client := redis.NewClient(&redis.Options{Addr: server.Address})
	t.Cleanup(func() { _ = client.Close() })
	if err := client.Save(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	folder, err := client.ConfigGet(t.Context(), "dir").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"dump.rdb", "appendonlydir"} {
		expectNoSecret(t, filesUnder(t, filepath.Join(folder["dir"], part)), inTheClear, secrets)
	}
}

func TestNoSecretInTheFilesOfSQLite(t *testing.T) {
	path := newDatabase(t)
	inner := openSQLite(t, path, 0)
	secrets, inTheClear := useSealed(t, inner), saveInTheClear(t, inner)
	expectNoSecret(t, filesUnder(t, filepath.Dir(path)), inTheClear, secrets) // the log too
}

func TestNoSecretInWhatAStoreGets(t *testing.T) {
	inner := spotipie.NewMemoryStore()
	secrets, inTheClear := useSealed(t, inner), saveInTheClear(t, inner)
	keys, err := inner.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var dump []byte
	for _, key := range keys {
		data, err := json.Marshal(stored(t, inner, key))
		if err != nil {
			t.Fatal(err)
		}
		dump = append(dump, data...)
	}
	expectNoSecret(t, dump, inTheClear, secrets)
}
