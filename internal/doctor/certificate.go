package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// certificate is what is wrong with the certificate of a service.
type certificate struct {
	err  error
	leaf *x509.Certificate // may be nil
	time bool              // it is not yet or no longer valid
}

// certificateProblem returns the problem with a certificate, or nil for other
// errors of the network.
func certificateProblem(err error) *certificate {
	var (
		failed    *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		name      x509.HostnameError
		noRoots   x509.SystemRootsError
	)
	found := &certificate{err: err}
	if errors.As(err, &failed) && len(failed.UnverifiedCertificates) > 0 {
		found.leaf = failed.UnverifiedCertificates[0]
	}
	switch {
	case errors.As(err, &invalid):
		found.time = invalid.Reason == x509.Expired // this includes not yet valid
		if found.leaf == nil {
			found.leaf = invalid.Cert
		}
		return found
	case errors.As(err, &authority), errors.As(err, &name), errors.As(err, &noRoots), failed != nil:
		return found
	}
	return nil
}

// result says what to do about it.
func (c *certificate) result(ctx context.Context, service, system string, now func() time.Time) Result {
	const name = "clock"
	var (
		authority x509.UnknownAuthorityError
		wrongName x509.HostnameError
		noRoots   x509.SystemRootsError
	)
	switch {
	case c.time:
		return c.timeResult(ctx, service, system, now)
	case errors.As(c.err, &authority), errors.As(c.err, &noRoots):
		return bad(name, fmt.Sprintf("cannot be checked: this machine does not know the authority of the certificate of %s%s", service, c.issuer()),
			authorityFix(system))
	case errors.As(c.err, &wrongName):
		return bad(name, fmt.Sprintf("cannot be checked: what answers at %s has the certificate of another host (%s)", service, networkReason(c.err)),
			"check the URL, the name server, and whether the network has its own sign-in page")
	}
	return bad(name, fmt.Sprintf("cannot be checked: the certificate of %s is not valid (%s)", service, networkReason(c.err)),
		"check whether a proxy or firewall answers in its place")
}

// issuer returns who has signed the certificate.
func (c *certificate) issuer() string {
	if c.leaf == nil || c.leaf.Issuer.String() == "" {
		return ""
	}
	return fmt.Sprintf(" (%s)", c.leaf.Issuer)
}

func authorityFix(system string) string {
	const why = "a proxy or a virus scanner that decrypts connections may have signed it"
	switch system {
	case "windows", "darwin":
		return why + ": add its certificate to those that the system trusts"
	}
	return why + ": set SSL_CERT_FILE to a file with its certificate; in a container without certificates install ca-certificates, " +
		"or mount the host's and set SSL_CERT_FILE"
}

// timeResult decides whether the clock is wrong or the certificate.
func (c *certificate) timeResult(ctx context.Context, service, system string, now func() time.Time) Result {
	const name = "clock"
	what := "is not valid now"
	if c.leaf != nil && now().Before(c.leaf.NotBefore) {
		what = "is valid only from " + c.leaf.NotBefore.UTC().Format(time.DateTime) + " UTC on"
	} else if c.leaf != nil {
		what = "was valid until " + c.leaf.NotAfter.UTC().Format(time.DateTime) + " UTC"
	}
	clock := now().UTC().Format(time.DateTime) + " UTC"
	off, ok := unverifiedClock(ctx, service, now)
	switch {
	case ok && off.Abs() > clockTolerance:
		return bad(name, fmt.Sprintf("%s, so that its certificate is refused (it %s; the clock says %s)", wrongClock(off, service), what, clock),
			clockFix(system))
	case ok:
		return bad(name, fmt.Sprintf("the clock is right, but the certificate of %s %s", service, what),
			"a proxy or firewall may answer in its place: ask the administrator of the network; if it is your own service, renew its certificate")
	}
	return bad(name, fmt.Sprintf("cannot be checked: the certificate of %s %s, and the clock says %s", service, what, clock),
		"if the clock is wrong, "+clockFix(system)+"; if it is right, a proxy or firewall answers in place of the service")
}

// unverifiedClock gets the time from a service without checking its
// certificate. It uses only the Date of the answer, to explain the problem, and
// sends nothing secret.
func unverifiedClock(ctx context.Context, service string, now func() time.Time) (off time.Duration, ok bool) {
	transport := &http.Transport{
		Proxy:             http.ProxyFromEnvironment,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see above
		DisableKeepAlives: true,
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, service, nil)
	if err != nil {
		return 0, false
	}
	before := now()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, false
	}
	_ = resp.Body.Close()
	return clockOff(resp, before, now())
}
