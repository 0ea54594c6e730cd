# Everything a developer does. `make` alone tells what there is.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

export CGO_ENABLED := 0

GO       ?= go
PACKAGES  = $(shell $(GO) list ./... | grep -v '^filo/test/')
RESULTS  := test-results

WEB         := desk/web
WEB_SOURCES  = $(shell find $(WEB) -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -name '*.go')

.PHONY: help build demo test deps lint fix unit race e2e web web-test bench bench-sip bench-smoke prompts clean

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

build: web ## the web page, then bin/filo and bin/filo-bench
	$(GO) build -buildvcs=auto -trimpath -ldflags '-s -w' -o bin/ ./cmd/...

demo: build ## build everything and run the demo on this machine
	./bin/filo demo

test: ## install what is missing, then lint, unit, race, web and end-to-end tests
	scripts/test.sh

deps: ## what the tests need beside Go and Node (apt-get, npm ci)
	scripts/test-deps.sh

lint: ## golangci-lint, as in .golangci.yml
	$(GO) tool -modfile=tools.mod golangci-lint run ./...

fix: ## format, and mend what golangci-lint can mend
	$(GO) tool -modfile=tools.mod golangci-lint run --fix ./...

unit: ## tests of every package
	$(GO) run ./scripts/gotest -o $(RESULTS)/unit.txt -- -timeout 5m $(PACKAGES)

race: ## the same under the race detector (cgo, gcc)
	CGO_ENABLED=1 $(GO) run ./scripts/gotest -o $(RESULTS)/race.txt -- -race -short -timeout 10m $(PACKAGES)

e2e: build ## the films: real SIP, browser, mail and SMS against bin/filo
	$(GO) run ./scripts/gotest -o $(RESULTS)/e2e.txt -- -count=1 -timeout 15m -p 1 ./test/e2e/...

web: $(WEB)/node_modules/.built ## the desk's and the shop's web pages

$(WEB)/node_modules/.built: $(WEB)/node_modules/.package-lock.json $(WEB_SOURCES)
	cd $(WEB) && npm run --silent build
	@touch $@

$(WEB)/node_modules/.package-lock.json: $(WEB)/package-lock.json
	cd $(WEB) && npm ci --no-audit --no-fund
	@touch $@

web-test: web ## lint, types, unit and browser tests of the web pages
	cd $(WEB) && npm run --silent lint && npm run --silent check && npm test

bench: build ## the load test of the README: 50 calls/s, 300 phones, against a node of its own
	scripts/bench.sh

bench-sip: build ## signalling beside SIPp and Kamailio, overload, loss, hang-ups, a rolling restart (half an hour, a quiet machine)
	./bin/filo-bench sip run

bench-smoke: ## every Go benchmark once
	$(GO) test -run '^$$' -bench . -benchtime 1x $(PACKAGES)

prompts: ## speak the prompts again (espeak-ng, sox)
	$(GO) run ./scripts/prompts

clean: ## remove what was built
	rm -rf bin $(RESULTS) $(WEB)/node_modules
	find $(WEB)/dist -mindepth 1 ! -name placeholder.html -delete
