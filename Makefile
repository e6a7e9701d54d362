# The two commands of the README are `make test` and `go run ./cmd/spotipie demo`;
# the rest serves those who work on the project.

.PHONY: test check unit modules demo setup bench fuzz

# All tests, with everything they need: installs, starts and stops it itself.
test: setup check unit modules demo

# Debian packages that the tests drive; see scripts/setup.
setup:
	@scripts/setup

check:
	@scripts/check

unit:
	go test -race ./...

# bench/ and interop/ are modules of their own, so that peers and outside
# clients are no dependency of the library.
modules:
	cd interop && go test -race ./...
	cd bench && go vet ./... && go test ./...

demo:
	go run ./cmd/spotipie demo

# Benchmarks beside peers, as ratios of one run.
bench:
	cd bench && go run .

# Each fuzz target for a minute.
fuzz:
	@scripts/fuzz
