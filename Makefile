# The two commands of the README are `make test` and `go run ./cmd/spotipie demo`;
# the rest serves those who work on the project.

.PHONY: test check build unit modules e2e demo setup bench fleets simulate fuzz man completions

# All tests, with everything they need: installs, starts and stops it itself.
test: setup check build unit modules e2e demo

# Debian packages that the tests drive; see scripts/setup.
setup:
	@scripts/setup

check:
	@scripts/check

# For every system that the tool is released for.
build:
	@scripts/build

unit:
	@scripts/test

# bench/, interop/, e2e/ and examples/webapp/ are modules of their own, so that
# peers, outside clients, the browser's driver and an app's sessions are no
# dependency of the library.
modules:
	cd interop && go test -race ./...
	cd bench && SPOTIPIE_TEST_SERVICES=1 go test ./...
	cd examples/webapp && SPOTIPIE_TEST_SERVICES=1 go test -race ./...

# The pages in Chromium.
e2e:
	@scripts/e2e

demo:
	go run ./cmd/spotipie demo

# Man pages of the tool, into man/.
man:
	go test -count=1 -run '^TestManPages$$' ./internal/tool -args -man=$(CURDIR)/man

# What shells complete the tool's command lines with, into completions/.
completions:
	mkdir -p completions
	for shell in bash zsh fish powershell; do \
		go run ./cmd/spotipie completion $$shell >completions/spotipie.$$shell || exit; \
	done

# Benchmarks beside peers, as ratios of one run.
bench:
	cd bench && go run .

# The fleets and kills of docs/stores.md and the replicas of docs/scale.md, as often
# as there; takes 20 minutes.
fleets:
	@scripts/fleets

# Fleets of sessions with trouble, in simulated time: FOR=1h of plans that nobody
# has played before. What fails is printed with how to play it again.
simulate:
	@scripts/simulate

# Each fuzz target for a minute.
fuzz:
	@scripts/fuzz
