//go:build unix

package stores_test

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/stores"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

// uses opens the store at an address, and saves, locks, lists and deletes a record
// in it.
func uses(t *testing.T, address string) error {
	t.Helper()
	s, _ := tooltest.Settings(t, "--client-id", "client", "--store", address)
	return stores.Use(t.Context(), s, func(store spotipie.Store) error {
		ctx, key := t.Context(), storecheck.Key()
		if _, err := store.Swap(ctx, key, 0, storecheck.Record(t, "one")); err != nil {
			return stores.Failed(s, "saving", err)
		}
		unlock, err := store.Lock(ctx, key)
		if err != nil {
			return err
		}
		keys, err := store.List(ctx)
		if err != nil || len(keys) != 1 || keys[0] != key {
			t.Errorf("List: %v, %v", keys, err)
		}
		return errors.Join(err, store.Delete(ctx, key), unlock(ctx))
	})
}

// passwordFile returns a file with a password.
func passwordFile(t *testing.T, password string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// administer runs a command on a server.
func administer(t *testing.T, address string, command ...any) {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: address})
	defer client.Close()
	if err := client.Do(t.Context(), command...).Err(); err != nil {
		t.Fatal(err)
	}
}

// aclUser makes a user with the rights that the documentation of redisstore lists.
func aclUser(t *testing.T, address string, more ...any) {
	t.Helper()
	rules := []any{
		"ACL", "SETUSER", "app", "on", ">hush", "~spotipie:*", "&spotipie:*",
		"+evalsha", "+eval", "+get", "+set", "+pexpire", "+del", "+type", "+hget", "+hmget", "+hset", "+time", "+scan",
		"+publish", "+subscribe", "+unsubscribe", "+ping", "+select", "+asking",
	}
	administer(t, address, append(rules, more...)...)
}

func TestRedisACLUser(t *testing.T) {
	tooltest.Home(t, "")
	server := testservices.StartRedis(t)
	aclUser(t, server.Address)
	for name, address := range map[string]string{
		"password in the address": "redis://app:hush@" + server.Address + "/1",
		"password in a file":      "redis://app@" + server.Address + "/1?password_file=" + url.QueryEscape(passwordFile(t, "hush")),
		"an old protocol":         "redis://app:hush@" + server.Address + "/1?protocol=2",
	} {
		t.Run(name, func(t *testing.T) {
			if err := uses(t, address); err != nil {
				t.Error(err)
			}
		})
	}
	wrong := "redis://app@" + server.Address + "/1?password_file=" + url.QueryEscape(passwordFile(t, "wrong-hush"))
	if err := uses(t, wrong); !redis.HasErrorPrefix(err, "WRONGPASS") && (err == nil || !strings.Contains(err.Error(), "WRONGPASS")) || strings.Contains(err.Error(), "hush") {
		t.Errorf("with a wrong password: %v", err)
	}
}

func TestRedisCluster(t *testing.T) {
	tooltest.Home(t, "")
	nodes := testservices.StartRedisCluster(t)
	for _, node := range nodes {
		aclUser(t, node, "+cluster|slots")
	}
	if err := uses(t, "redis://app:hush@"+nodes[0]+"?cluster=true&addr="+nodes[1]+"&addr="+nodes[2]); err != nil {
		t.Error(err)
	}
	// A single node would work for its own records, but List would return only those.
	err := uses(t, "redis://app:hush@"+nodes[0])
	if err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("without cluster=true: %v", err)
	}
}

func TestRedisSentinel(t *testing.T) {
	tooltest.Home(t, "")
	master, replica, sentinels := testservices.StartRedisSentinel(t)
	aclUser(t, master.Address)
	aclUser(t, replica.Address)
	for _, sentinel := range sentinels {
		administer(t, sentinel, "ACL", "SETUSER", "watcher", "on", ">sentinel-hush", "+@all", "&*")
	}
	address := "redis://app@" + sentinels[0] + "/0?master_name=" + testservices.SentinelMaster +
		"&addr=" + sentinels[1] + "&addr=" + sentinels[2] +
		"&password_file=" + url.QueryEscape(passwordFile(t, "hush")) +
		"&sentinel_username=watcher&sentinel_password_file=" + url.QueryEscape(passwordFile(t, "sentinel-hush"))
	if err := uses(t, address); err != nil {
		t.Fatal(err)
	}
	master.Kill()
	start := time.Now()
	var err error
	for deadline := time.Now().Add(storecheck.Patience); time.Now().Before(deadline); {
		if err = uses(t, address); err == nil {
			break
		}
		if strings.Contains(err.Error(), "hush") {
			t.Fatalf("the error has a password: %v", err)
		}
	}
	if err != nil {
		t.Errorf("after the fail-over: %v", err)
	}
	t.Logf("saved again after %s", time.Since(start).Round(time.Millisecond))
}

func TestRedisTLS(t *testing.T) {
	tooltest.Home(t, "")
	server := testservices.StartRedisTLS(t)
	address := func(files url.Values) string { return "rediss://" + server.Address + "/0?" + files.Encode() }
	all := url.Values{"tls_ca_file": {server.AuthorityFile}, "tls_cert_file": {server.CertificateFile}, "tls_key_file": {server.KeyFile}}
	if err := uses(t, address(all)); err != nil {
		t.Error(err)
	}
	for name, files := range map[string]url.Values{
		"without the authority":   {"tls_cert_file": {server.CertificateFile}, "tls_key_file": {server.KeyFile}},
		"without its certificate": {"tls_ca_file": {server.AuthorityFile}},
		"with another authority":  {"tls_ca_file": {server.CertificateFile}, "tls_cert_file": {server.CertificateFile}, "tls_key_file": {server.KeyFile}},
	} {
		if err := uses(t, address(files)); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%s: %v, want that the certificate is wrong", name, err)
		}
	}
}

// An error says what is wrong with an address before anything is sent. It does not
// contain the password.
func TestRedisAddressesThatAreRefused(t *testing.T) {
	tooltest.Home(t, "")
	text := passwordFile(t, "not PEM")
	for name, test := range map[string]struct{ address, says string }{
		"a password in a parameter":         {"redis://h:1/0?password=hush", "such as redis://127.0.0.1:6379/0"},
		"a sentinel's password":             {"redis://h:1/0?master_name=m&sentinel_password=hush", "such as"},
		"a password of the server":          {"redis://h:1/0?master_name=m&password=hush", "such as"},
		"two passwords":                     {"redis://u:hush@h:1/0?password_file=" + text, "a password and a password_file"},
		"no such password file":             {"redis://u@h:1/0?password_file=/nowhere", "reading the password: open /nowhere"},
		"an empty password file":            {"redis://u@h:1/0?password_file=" + passwordFile(t, ""), "the password in one line"},
		"cluster and sentinels":             {"redis://h:1?cluster=true&master_name=m", "cannot be used together"},
		"a cluster's database":              {"redis://h:1/2?cluster=true", "has only database 0"},
		"a cluster, perhaps":                {"redis://h:1?cluster=perhaps", "cluster must be true or false"},
		"a cluster's replicas":              {"redis://h:1?cluster=true&route_randomly=true", "lag behind"},
		"a sentinel's user without a name":  {"redis://h:1?sentinel_username=u", "master_name is missing"},
		"only replicas":                     {"redis://h:1/0?master_name=m&replica_only=true", "such as"},
		"an unknown parameter":              {"redis://h:1/0?colour=red", "such as"},
		"files of TLS without TLS":          {"redis://h:1/0?tls_ca_file=" + text, "need a rediss:// address"},
		"a certificate without a key":       {"rediss://h:1/0?tls_cert_file=" + text, "must be used together"},
		"an authority that is no such file": {"rediss://h:1/0?tls_ca_file=/nowhere", "the certificate of the authority: open /nowhere"},
		"an authority that is none":         {"rediss://h:1/0?tls_ca_file=" + text, "no certificate in PEM"},
		"a certificate that is none":        {"rediss://h:1/0?tls_cert_file=" + text + "&tls_key_file=" + text, "the certificate of this client"},
	} {
		t.Run(name, func(t *testing.T) {
			err := reads(t, "--store", test.address)
			if err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "hush") {
				t.Fatalf("got %v, want that it says %q", err, test.says)
			}
			var wrong *failure.UsageError
			if strings.Contains(test.says, "such as") && !errors.As(err, &wrong) {
				t.Errorf("%v is no *failure.UsageError", err)
			}
		})
	}
}
