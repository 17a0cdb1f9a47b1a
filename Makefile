# Targets of the project. "make" alone prints them.
GO       ?= go
FUZZTIME ?= 5s
DEMO_FLAGS ?= -duration 3s
# Foreign peers for interop tests; tests that need them say SKIP where the folder is absent.
KIT := $(abspath ../shared/interop)
ifneq ($(wildcard $(KIT)/umlpeer.sh),)
export STILLWATER_INTEROP ?= $(KIT)
endif
CORPUS := $(abspath ../shared/corpus)
ifneq ($(wildcard $(CORPUS)/manifest.json),)
export STILLWATER_CORPUS ?= $(CORPUS)
endif
STATICCHECK = $(GO) tool -modfile=.ci/tools.mod staticcheck

.PHONY: help build demo test race race-short fuzz bench lint conformance clean

help: ## print the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/stillwater and bin/swbench
	$(GO) build -o bin/ ./appliance/cmd/stillwater ./bench/cmd/swbench

demo: build ## two appliances in one process, three modes, 1, 2 and 4 lcores (DEMO_FLAGS='-duration 10s')
	@for lcores in 1 2 4; do for mode in constant aggregate tunnel; do \
	  bin/stillwater demo -mode $$mode -lcores $$lcores $(DEMO_FLAGS) || exit 1; done; done

test: ## every test, foreign peers included where they are installed
	$(GO) test ./...

race: ## every test under the race detector
	$(GO) test -race ./...

race-short: ## the packages whose goroutines share memory, under the race detector
	$(GO) test -race -short ./pmd/... ./appliance/... ./ike/... ./crypto/esp ./crypto/aead

fuzz: ## every fuzz target for FUZZTIME each
	@GO='$(GO)' .ci/fuzz $(FUZZTIME)

bench: build ## ns per packet of every stage, side by side
	bin/swbench core

lint: ## gofmt, go vet, staticcheck, go fix
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(STATICCHECK) ./...
	@test -z "$$($(GO) fix -diff ./... 2>/dev/null)" || { $(GO) fix -diff ./...; exit 1; }

conformance: ## the state of every row of the conformance matrices
	@for f in $$(git ls-files '*CONFORMANCE.md'); do echo "== $$f"; grep '^|' "$$f"; done

clean: ## remove what was built
	rm -rf bin
