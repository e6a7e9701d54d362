// Package cli holds what the spotipie tool's commands, and a login at a
// terminal, share: texts, questions and colours for people at terminals, and an
// HTTP server on the loopback interface that ends cleanly.
package cli
