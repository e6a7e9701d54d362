package doctor_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/spotipie/spotipie/internal/doctor"
)

// secured starts a service with a self-made certificate, for 127.0.0.1 or a name.
// The times are relative to now.
func secured(t *testing.T, from, to time.Duration, name string) (url string, authority *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Company Proxy"},
		NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(to),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if name == "" {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // drops errors of handshakes that clients break off
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server.StartTLS()
	t.Cleanup(server.Close)
	authority = x509.NewCertPool()
	authority.AddCert(leaf)
	return server.URL, authority
}

func TestClockAndCertificates(t *testing.T) {
	const day = 24 * time.Hour
	for name, test := range map[string]struct {
		from, to    time.Duration // when the certificate is valid
		name        string        // of the certificate; empty: the server's
		unknown     bool          // its authority is not trusted
		off         time.Duration // how wrong the clock is
		system      string
		detail, fix string
	}{
		"all is well":                   {from: -day, to: day, detail: "within 30s"},
		"a clock that is behind":        {from: -day, to: day, off: -700 * day, system: "linux", detail: "h0m0s behind that of https://127.0.0.1", fix: "timedatectl"},
		"says why":                      {from: -day, to: day, off: -700 * day, system: "linux", detail: "is refused (it is valid only from ", fix: "timedatectl"},
		"a clock that is ahead":         {from: -day, to: day, off: 700 * day, system: "windows", detail: "so that its certificate is refused (it was valid until ", fix: "w32tm"},
		"a certificate of tomorrow":     {from: day, to: 2 * day, system: "linux", detail: "the clock is right, but the certificate of https://127.0.0.1", fix: "in its place"},
		"a certificate of yesterday":    {from: -2 * day, to: -day, system: "linux", detail: "the clock is right, but the certificate of https://127.0.0.1", fix: "renew its certificate"},
		"an unknown authority":          {from: -day, to: day, unknown: true, system: "linux", detail: "this machine does not know the authority of the certificate of https://127.0.0.1", fix: "set SSL_CERT_FILE"},
		"an unknown authority, Windows": {from: -day, to: day, unknown: true, system: "windows", detail: "does not know", fix: "that the system trusts"},
		"another host's": {from: -day, to: day, name: "portal.example", system: "linux", detail: "has the certificate of another host",
			fix: "its own sign-in page"},
	} {
		t.Run(name, func(t *testing.T) {
			url, authority := secured(t, test.from, test.to, test.name)
			now := func() time.Time { return time.Now().Add(test.off) }
			if test.unknown {
				authority = x509.NewCertPool()
			}
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authority, Time: now}, DisableKeepAlives: true}
			check(t, doctor.Clock(t.Context(), transport, url, test.system, now), test.detail, test.fix)
		})
	}
}

// TestANetworkFaultIsNoCertificate uses an address where nothing listens.
func TestANetworkFaultIsNoCertificate(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	check(t, doctor.Clock(t.Context(), http.DefaultTransport, "https://"+address, "linux", time.Now), "no answer from https://"+address, "start the service on this machine again")
}
