// Package e2e tests pages in a real browser: those of a login, those of the
// accounts service, and pages of other origins that use the service. The browser
// is Debian's Chromium, driven by chromedp.
//
//	apt-get install chromium
//	npm ci                                 # axe-core, the accessibility checker
//	go test ./...
//	SPOTIPIE_SCREENSHOTS=1 go test ./...   # also updates docs/images
//
// Without Chromium or axe-core the tests are skipped and say so. If
// SPOTIPIE_TEST_SERVICES is 1, they fail instead.
//
// The package is a separate module, so that the library does not depend on a
// browser driver.
package e2e
