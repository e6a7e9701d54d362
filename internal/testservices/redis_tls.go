package testservices

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

// StartRedisTLS starts a redis-server of the test's own and returns its
// address for TLS and the configuration of a client that trusts it.
func StartRedisTLS(t testing.TB) (address string, client *tls.Config) {
	t.Helper()
	web := httptest.NewTLSServer(nil) // for its certificate
	web.Close()
	key, err := x509.MarshalPKCS8PrivateKey(web.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "spotipie-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := giveAway(folder); err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(folder, name)
		if err := writeFor(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})); err != nil {
			t.Fatal(err)
		}
		return path
	}
	certificateFile := write("certificate", "CERTIFICATE", web.Certificate().Raw)
	keyFile := write("key", "PRIVATE KEY", key)
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	StartRedis(t, "--tls-port", port, "--tls-cert-file", certificateFile, "--tls-key-file", keyFile,
		"--tls-ca-cert-file", certificateFile, "--tls-auth-clients", "no")
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	return net.JoinHostPort("127.0.0.1", port), &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}
