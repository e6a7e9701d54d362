# The README has two commands: `make test` and `go run ./cmd/spotipie demo`. The
# other targets are for those who work on the project.

.PHONY: test check build unit modules e2e demo setup bench fleets simulate fuzz man completions

# Runs all tests. Installs, starts and stops everything that they need.
test: setup check build unit modules e2e demo

# Installs the Debian packages that the tests need; see scripts/setup.
setup:
	@scripts/setup

check:
	@scripts/check

# Builds the tool for every system that it is released for.
build:
	@scripts/build

unit:
	@scripts/test

# bench/, interop/, e2e/ and examples/webapp/ are separate modules, so that the
# library does not depend on the libraries that only they use.
modules:
	cd interop && go test -race ./...
	cd bench && SPOTIPIE_TEST_SERVICES=1 go test ./...
	cd examples/webapp && SPOTIPIE_TEST_SERVICES=1 go test -race ./...

# Tests the pages in Chromium.
e2e:
	@scripts/e2e

demo:
	go run ./cmd/spotipie demo

# Writes the tool's man pages to man/.
man:
	go test -count=1 -run '^TestManPages$$' ./internal/tool -args -man=$(CURDIR)/man

# Writes the tool's shell completions to completions/.
completions:
	mkdir -p completions
	for shell in bash zsh fish powershell; do \
		go run ./cmd/spotipie completion $$shell >completions/spotipie.$$shell || exit; \
	done

# Measures this library beside others, as ratios within one run.
bench:
	cd bench && go run .

# Measures again what docs/stores.md and docs/scale.md quote: stores with processes
# and servers that are killed, and replicas. Takes half an hour.
fleets:
	@scripts/fleets

# Runs fleets of sessions with faults in simulated time, for FOR (default 1h). Each
# plan is new. Prints each failure with the command that repeats it.
simulate:
	@scripts/simulate

# Runs each fuzz target for a minute.
fuzz:
	@scripts/fuzz
