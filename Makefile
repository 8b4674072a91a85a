# Everything here runs on a fresh Debian machine with Go: what a target needs it
# fetches from Debian's packages or as a Go module.
GO      ?= go
TAGS    := nomsgpack
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
TOOLS   := $(CURDIR)/.tools
LINT    := $(TOOLS)/golangci-lint-v2.15.0
FUZZTIME ?= 10s
# SQLite is C, translated: the race detector looks at all that calls it, and not
# at itself, which would take four times as long. UNWATCHED= watches that too.
UNWATCHED ?= modernc.org/sqlite/lib modernc.org/libc modernc.org/memory

.PHONY: all build test lint golden fuzz bench load run release deb screens hooks deps help
all: build test lint ## build, test and lint: what CI runs

build: ## the binary, in bin/
	CGO_ENABLED=0 $(GO) build -tags $(TAGS) -trimpath -ldflags "-s -w -X subfive.Version=$(VERSION)" -o bin/subfive ./cmd/subfive

deps: ## what the tests need beside Go: PostgreSQL, Chromium, and a C compiler for -race
	@scripts/deps.sh

test: deps ## all tests, with the race detector, on SQLite and PostgreSQL
	$(GO) test -race $(UNWATCHED:%=-gcflags=%=-race=false) -tags $(TAGS) -shuffle=on -timeout 20m ./...

lint: $(LINT) ## golangci-lint, pinned
	$(LINT) run --build-tags $(TAGS) ./...

$(LINT):
	GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	mv $(TOOLS)/golangci-lint $(LINT)

golden: ## write the golden files of the platforms anew; then read the diff
	$(GO) test ./forwarders/... -update

fuzz: ## each fuzz target, ten seconds (FUZZTIME=…)
	@GO="$(GO)" FUZZTIME=$(FUZZTIME) scripts/fuzz.sh

bench: ## the journal and the receiver against a reference in the same run
	$(GO) test -tags $(TAGS) -run '^$$' -bench . ./journal ./receiver ./forwarders/meta

load: deps ## 100,000 postbacks, ten kills, a minute without PostgreSQL
	SUBFIVE_LOAD=full $(GO) test -tags $(TAGS) -count=1 -timeout 75m -v -run 'TestLoad|TestKill|TestDatabaseDown|TestFailures' ./cmd/subfive

run: ## serve with a temporary database; every new destination is in dry run
	$(GO) run -tags $(TAGS) ./cmd/subfive serve --data-dir "$$(mktemp -d)"

release: ## static binaries for each system as archives, and SHA256SUMS, in dist/
	GO="$(GO)" VERSION="$(VERSION)" scripts/release.sh

deb: ## the Debian package, checked, in dist/ (ARCH=arm64)
	GO="$(GO)" VERSION="$(VERSION)" scripts/deb.sh $(ARCH)

screens: deps ## pictures of the main pages in docs/screens, of a demo with a day of traffic
	mkdir -p docs/screens
	$(GO) test -tags $(TAGS) -count=1 -run TestMainPagesInABrowser ./internal/e2e -shots $(CURDIR)/docs/screens

hooks: ## format, vet and short tests before each commit
	git config core.hooksPath .githooks

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10
