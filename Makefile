# The two commands: make conformance, make test. Everything else is for developers.
GO      ?= go
LINT    := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.9.0
STAT    := $(GO) run golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da
RACE    ?=
FUZZ    ?= 30s
COUNT   ?= 6
ARGS    ?=
IMAGE   ?= sequitur:dev

.PHONY: conformance test lint fuzz bench build image kind-conformance

conformance: ## judge the embedded reference against the catalogue; pass options by ARGS
	$(GO) run ./cmd/sequitur conform $(ARGS)

test: ## all tests; RACE=-race for the race detector
	$(GO) test $(RACE) ./...

lint: ## go vet and golangci-lint at a pinned version
	$(GO) vet ./...
	$(LINT) run ./...

fuzz: ## every fuzz test for FUZZ (30s) each
	@set -e; for f in $$(grep -rl --include='*_test.go' '^func Fuzz' .); do \
	  for t in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' $$f); do \
	    echo "== $$(dirname $$f) $$t"; \
	    $(GO) test -run '^$$' -fuzz "^$$t\$$" -fuzztime $(FUZZ) ./$$(dirname $$f); \
	  done; done

bench: ## the reference beside bare net/http, by turns in one run, processes apart
	$(GO) test -run '^$$' -bench . -benchtime 10000x -timeout 2h -count $(COUNT) ./fixtures/reference | tee bench.out
	$(GO) test -run '^$$' -bench 'Sustained|Achieved|KnownDelay' -benchtime 3x -timeout 1h -count $(COUNT) ./loadgen | tee -a bench.out
	$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 1h ./loadgen/account | tee -a bench.out
	$(STAT) bench.out

build: ## the binary, in bin/
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/sequitur ./cmd/sequitur

image: ## the harness as an image from scratch, IMAGE (sequitur:dev), for --in-cluster; needs Docker
	@set -e; arch=$$(docker version --format '{{.Server.Arch}}'); set -x; \
	CGO_ENABLED=0 GOOS=linux GOARCH=$$arch $(GO) build -trimpath -ldflags '-s -w' -o bin/image/sequitur ./cmd/sequitur; \
	tar -C bin/image -cf - sequitur | docker import --platform linux/$$arch \
	  --change 'ENTRYPOINT ["/sequitur"]' --change 'USER 65532:65532' - $(IMAGE)

kind-conformance: build ## judge real Knative in a fresh kind cluster: up, conform (ARGS), reports in out/kind, down; OFFLINE=1 downloads nothing
	kind/conformance.sh bin/sequitur $(ARGS)
