// Package e2e tries the pages of a login, those of the accounts service, and
// pages of other origins that use it, in a real browser: Debian's Chromium,
// driven by chromedp.
//
//	apt-get install chromium
//	npm ci                                 # axe-core, the accessibility checker
//	go test ./...
//	SPOTIPIE_SCREENSHOTS=1 go test ./...   # also renews docs/images
//
// Without Chromium or axe-core the tests are skipped and say so, unless
// SPOTIPIE_TEST_SERVICES is 1: then they fail.
//
// It is a module of its own, so that the library does not depend on a browser's
// driver.
package e2e
