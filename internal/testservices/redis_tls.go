package testservices

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// RedisTLS is a redis-server that accepts only clients with a certificate.
type RedisTLS struct {
	// Address is where it listens, as host:port.
	Address string
	// AuthorityFile has the certificate of the authority that has signed the
	// certificates of the server and the client.
	AuthorityFile string
	// CertificateFile and KeyFile are the client's.
	CertificateFile, KeyFile string
}

// StartRedisTLS starts a redis-server for one test that asks clients for
// certificates. It makes the certificate authority too.
func StartRedisTLS(t testing.TB) RedisTLS {
	t.Helper()
	folder, err := os.MkdirTemp("", "spotipie-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := giveAway(folder); err != nil {
		t.Fatal(err)
	}
	authority := newCertificate(t, folder, "authority", nil)
	server := newCertificate(t, folder, "server", authority)
	client := newCertificate(t, folder, "client", authority)
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	StartRedis(t, "--tls-port", port, "--tls-cert-file", server.file, "--tls-key-file", server.keyFile,
		"--tls-ca-cert-file", authority.file, "--tls-auth-clients", "yes")
	return RedisTLS{
		Address: net.JoinHostPort("127.0.0.1", port), AuthorityFile: authority.file,
		CertificateFile: client.file, KeyFile: client.keyFile,
	}
}

// Config returns the configuration of a client that trusts the server and shows
// the client's certificate.
func (r RedisTLS) Config(t testing.TB) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(r.CertificateFile, r.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(r.AuthorityFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	return &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
}

// certificate is a certificate for 127.0.0.1 and its key, in files.
type certificate struct {
	*x509.Certificate
	key           *ecdsa.PrivateKey
	file, keyFile string
}

// newCertificate makes a certificate that the authority signs. If authority is nil,
// it makes a certificate authority.
func newCertificate(t testing.TB, folder, name string, authority *certificate) *certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true,
	}
	parent, signs := template, key
	if authority == nil {
		template.IsCA, template.KeyUsage = true, x509.KeyUsageCertSign
	} else {
		parent, signs = authority.Certificate, authority.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signs)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c := &certificate{Certificate: made, key: key, file: filepath.Join(folder, name), keyFile: filepath.Join(folder, name+"-key")}
	for path, block := range map[string]*pem.Block{
		c.file: {Type: "CERTIFICATE", Bytes: der}, c.keyFile: {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		if err := writeFor(path, pem.EncodeToMemory(block)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}
