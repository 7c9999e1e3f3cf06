# AniHub. `make` tells what there is; the README has the two commands to start with.
SHELL := /bin/bash
GO    ?= go
BIN   := bin/anihub
LINT  := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
VULN  := golang.org/x/vuln/cmd/govulncheck@v1.1.4

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  ?= $(shell git rev-parse --short HEAD 2>/dev/null || echo none)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)

# What the page is built from; a build that is newer is not made again.
PAGE := web/app/dist/index.html
PAGE_SOURCES := $(shell find web/app web/sdk -path web/app/node_modules -prune -o -path web/app/dist -prune -o -type f -print)

.DEFAULT_GOAL := help
.PHONY: help run demo build test test-go test-page test-sim mutants lint setup web generate fuzz bench bench-realtime vuln docker clean

help: ## show this
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## build the page and the binary, then serve on :8080 with embedded stores
	$(BIN) serve

demo: build ## the same with a built-in upstream and a throw-away store: no network needed
	$(BIN) demo

build: $(PAGE) ## build bin/anihub with the page inside
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) .

$(PAGE): $(PAGE_SOURCES)
	cd web/app && npm ci --no-audit --no-fund && npm run build

test: setup lint test-page test-go test-sim ## everything: lint, page, every ring of tests with -race, the simulator

setup: ## install what the tests need, where this machine lets us
	@test/setup.sh

lint: ## the pinned linter over everything
	$(GO) run $(LINT) run --allow-parallel-runners

test-page: $(PAGE) ## lint and unit tests of the page
	cd web/app && npm run lint && npm test

test-go: $(PAGE) ## every ring of Go tests
	CGO_ENABLED=1 $(GO) test -race -timeout 20m $(filter-out anihub/test,$(shell $(GO) list ./...))
	CGO_ENABLED=1 $(GO) test -race -timeout 20m -parallel 6 -count=1 ./test # the binary is no part of what the cache of results knows
	$(GO) test -run Alloc . ./web/api ./platform/cache # what the race detector would change
	$(GO) test -run AgainstAYear ./modules/sync/syncersvc # what would take it minutes

test-sim: ## the cache under 10,000 seeds of faults; a failing one prints itself (-sim.seed=N replays it)
	GOGC=400 $(GO) test ./platform/cache -run '^TestSimulation$$' -sim.seeds=$(or $(SEEDS),10000)

mutants: ## put deliberate defects into the product, one by one; the tests must catch each (ONLY=regex)
	$(GO) run ./test/mutants $(if $(ONLY),-only '$(ONLY)')

web: ## the page with hot reload, /api and the socket proxied to :8080
	cd web/app && npm ci --no-audit --no-fund && npm run dev

generate: ## make the page's types from the OpenAPI document
	cd web/app && npm ci --no-audit --no-fund && npm run generate

fuzz: ## run each fuzz target for FUZZTIME (1m)
	@test/fuzz.sh $(or $(FUZZTIME),1m)

bench: build ## measure and compare with bare net/http and nginx in the same run
	@test/bench.sh

bench-realtime: ## measure sockets, in turns with Centrifugo where it can be built (SOCKETS=10000)
	@test/bench_realtime.sh

vuln: ## known holes in what we depend on (needs the network)
	$(GO) run $(VULN) ./...

docker: ## build the container image
	docker build --build-arg VERSION=$(VERSION) --build-arg COMMIT=$(COMMIT) -t anihub:$(VERSION) .

clean: ## remove what was built
	rm -rf bin .cache web/app/node_modules
	find web/app/dist -mindepth 1 ! -name favicon.svg -delete
