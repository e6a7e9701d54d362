// Package cli holds what several commands of the spotipie tool share: colours
// for terminals, and an HTTP server on the loopback interface that ends
// cleanly.
package cli
