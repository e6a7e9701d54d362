package web_test

import "crypto/tls"

// insecure is for the certificates of httptest.
func insecure() *tls.Config { return &tls.Config{InsecureSkipVerify: true} } //nolint:gosec // of the test's own server
