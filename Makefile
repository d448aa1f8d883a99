# Everything there is to do here, by name. `make` alone lists it.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

TARGET := $(or $(CARGO_TARGET_DIR),target)
# The packages with fuzz targets, each its own root.
FUZZ := $(patsubst %/Cargo.toml,%,$(wildcard configs/fuzz/Cargo.toml crates/*/fuzz/Cargo.toml))
# What the steps of `make test` found, for its last lines.
FOUND := $(TARGET)/test-summary

# Arguments of the server: make run FLAGS="-p 4333 -DV"
FLAGS ?=
# Arguments of the comparison: make bench BENCH_FLAGS="--only '1to1*' --rounds 5"
BENCH_FLAGS ?=
# Arguments of the attacks: make hostile HOSTILE_FLAGS="--only 'tls*' --rounds 2"
HOSTILE_FLAGS ?=
# A program to make the image of, instead of compiling one: make test-compose COMPOSE_BINARY=target/debug/vagus
COMPOSE_BINARY ?=
# The other server of mixed clusters.
MIXED_WITH ?= nats-server
# How much `make durability` does.
DURABILITY_KILLS ?= 100
DURABILITY_SEEDS ?= 10000
# How long `make fuzz` runs with each target, and which those are.
FUZZ_SECONDS ?= 60
FUZZ_TARGET ?= *

say = @printf '\n== %s\n' "$(1)"

.PHONY: help
help:
	@sed -n 's/^## //p' Makefile

## make run           build the server and start it on port 4222; FLAGS="-p 4333" are its flags
.PHONY: run
run: requirements
	cargo build --release --package vagus
	exec $(TARGET)/release/vagus $(FLAGS)

## make build         build the server: target/release/vagus
.PHONY: build
build: requirements
	cargo build --release --package vagus

## make test          everything that must hold: format, lints, tests, doc tests, official clients
.PHONY: test
test: requirements-test forget format clippy deny tests doc-tests fuzz-targets conformance page
	$(call say,Summary: all of it passed)
	@cat $(FOUND)/*
	@awk '{ for (i = 2; i <= NF; i++) if ($$i ~ /^passed/) passed += $$(i - 1) } \
		END { printf "%d passed, 0 failed\n", passed }' $(FOUND)/*

.PHONY: forget
forget:
	@rm -rf $(FOUND)
	@mkdir -p $(FOUND)

## make format        is it formatted?
.PHONY: format
format:
	$(call say,Format: cargo fmt --check)
	cargo fmt --all --check
	@for package in $(FUZZ); do (set -x; cargo fmt --manifest-path $$package/Cargo.toml --check); done

## make clippy        lints, warnings being errors
.PHONY: clippy
clippy:
	$(call say,Lints: cargo clippy)
	cargo clippy --workspace --all-targets -- -D warnings

## make deny          licenses, sources and who may use what, with cargo-deny where it is installed
.PHONY: deny
deny:
	$(call say,Dependencies: cargo deny)
	@if cargo deny --version >/dev/null 2>&1; then \
		set -x; cargo deny check bans licenses sources; \
	else \
		echo "left out: cargo-deny is not installed (cargo install cargo-deny --locked)"; \
	fi

## make tests         unit and integration tests, with cargo-nextest where it is installed
.PHONY: tests
tests:
	@mkdir -p $(FOUND)
	@if cargo nextest --version >/dev/null 2>&1; then \
		printf '\n== Tests: cargo nextest\n'; \
		cargo nextest run --workspace 2>&1 | tee $(FOUND)/.tests; \
		printf 'tests        %s\n' "$$(grep -F 'Summary [' $(FOUND)/.tests | tail -n 1 | sed 's/^ *//')" >$(FOUND)/1; \
	else \
		printf '\n== Tests: cargo test (cargo-nextest is not installed: a test that hangs is not ended)\n'; \
		cargo test --workspace --lib --bins --tests 2>&1 | tee $(FOUND)/.tests; \
		printf 'tests        %s\n' "$$($(add_up) $(FOUND)/.tests)" >$(FOUND)/1; \
	fi

## make doc-tests     the examples in the documentation
.PHONY: doc-tests
doc-tests:
	$(call say,Doc tests: cargo test --doc)
	@mkdir -p $(FOUND)
	cargo test --workspace --doc 2>&1 | tee $(FOUND)/.doc-tests
	@printf 'doc tests    %s\n' "$$($(add_up) $(FOUND)/.doc-tests)" >$(FOUND)/2

# The results of all the binaries that `cargo test` ran.
add_up = awk '/^test result:/ { passed += $$4; failed += $$6 } END { printf "%d passed, %d failed", passed, failed }'

# Whether they compile can be seen with any toolchain.
.PHONY: fuzz-targets
fuzz-targets:
	$(call say,Fuzz targets: cargo check)
	@if command -v c++ >/dev/null; then \
		for package in $(FUZZ); do \
			(set -x; cargo check --manifest-path $$package/Cargo.toml --target-dir $(TARGET)/fuzz); \
		done; \
	else \
		echo "left out: libFuzzer wants a C++ compiler (Debian: apt-get install g++)"; \
	fi

## make conformance   the official Python client puts the server to the test
.PHONY: conformance
conformance: requirements-test
	$(call say,Conformance: nats-py)
	@mkdir -p $(FOUND)
	cargo build --package vagus
	tests/conformance/run $(TARGET)/debug/vagus 2>&1 | tee $(FOUND)/.conformance
	@printf 'conformance  %s\n' "$$(grep -E "^[0-9]+ passed" $(FOUND)/.conformance | tail -n 1)" >$(FOUND)/3

## make page          the page, looked at in Chromium
.PHONY: page
page: requirements-test
	$(call say,The page: Chromium)
	@mkdir -p $(FOUND)
	cargo build --package vagus
	tests/page/run $(TARGET)/debug/vagus 2>&1 | tee $(FOUND)/.page
	@printf 'page         %s passed, %s failed\n' "$$(sed -n 's/.* pass \([0-9]*\)$$/\1/p' $(FOUND)/.page)" \
		"$$(sed -n 's/.* fail \([0-9]*\)$$/\1/p' $(FOUND)/.page)" >$(FOUND)/4

## make test-compose  builds the image as the Dockerfile says, and tries both compose files; takes root, not an engine
.PHONY: test-compose
test-compose: requirements-compose
	$(call say,Containers: the image and what the compose files say)
	tests/compose/run $(COMPOSE_BINARY)

## make test-mixed    faults of a cluster that has a server of another make; MIXED_WITH=/usr/sbin/nats-server names it
.PHONY: test-mixed
test-mixed: requirements-test
	$(call say,Mixed cluster: $(MIXED_WITH))
	$(MIXED_WITH) --version
	MIXED_WITH=$(MIXED_WITH) cargo nextest run --package vagus --test cluster_faults

## make durability    kills a server DURABILITY_KILLS (100) times, and a simulated disk's power DURABILITY_SEEDS (10000) times 5
.PHONY: durability
durability: requirements
	$(call say,Power cuts: each ends a life of a store)
	STORE_SEEDS=$(DURABILITY_SEEDS) cargo test --release --package vagus-store --lib power_cuts
	STORE_SEEDS=$(DURABILITY_KILLS) cargo test --release --package vagus-actors --lib power_cuts
	$(call say,Kills: each ends a server under load)
	STREAM_KILLS=$(DURABILITY_KILLS) cargo test --release --package vagus --test jetstream kills -- --nocapture

## make bench         vagus beside nats-server; BENCH_FLAGS="--only '1to1*' --rounds 5" are the comparison's
.PHONY: bench
bench: requirements
	$(call say,Building what is compared)
	cargo build --release --package vagus --package vagus-benches
	$(call say,Comparison)
	@if command -v nats-server >/dev/null; then \
		nats-server --version; \
		set -x; $(TARGET)/release/compare --server vagus=$(TARGET)/release/vagus \
			--server nats-server=nats-server $(BENCH_FLAGS); \
	else \
		echo "nats-server is not there, so vagus runs alone (Debian: apt-get install nats-server;"; \
		echo "newer ones: https://github.com/nats-io/nats-server/releases)"; \
		set -x; $(TARGET)/release/compare --server vagus=$(TARGET)/release/vagus $(BENCH_FLAGS); \
	fi

## make hostile       attacks on vagus, beside nats-server, and what they cost others; HOSTILE_FLAGS are its arguments
.PHONY: hostile
hostile: requirements
	$(call say,Building what is attacked)
	cargo build --release --package vagus --package vagus-benches
	$(call say,Attacks)
	@beside=; \
	if command -v nats-server >/dev/null; then \
		beside="--server nats-server=nats-server"; \
	else \
		echo "nats-server is not there, so vagus is attacked alone (Debian: apt-get install nats-server)"; \
	fi; \
	set -x; $(TARGET)/release/hostile --server vagus=$(TARGET)/release/vagus $$beside $(HOSTILE_FLAGS)

## make criterion     parser, encoder and subject index, measured alone
.PHONY: criterion
criterion: requirements
	cargo bench --package vagus-benches --bench parser_and_encoder
	cargo bench --package vagus-benches --bench index

## make fuzz          any bytes into each fuzz target, for FUZZ_SECONDS (60) each, or FUZZ_TARGET=name alone; wants cargo-fuzz
# Without a sanitizer the toolchain of the project does: what is looked for are panics, and what takes too long or too much.
.PHONY: fuzz
fuzz: requirements
	@if ! cargo fuzz --version >/dev/null 2>&1; then \
		echo "missing: cargo-fuzz (cargo install cargo-fuzz --locked)" >&2; exit 1; \
	fi
	@for source in $(wildcard $(addsuffix /fuzz_targets/$(FUZZ_TARGET).rs,$(FUZZ))); do \
		package=$${source%/fuzz_targets/*}; target=$$(basename $$source .rs); \
		printf '\n== Fuzzing: %s\n' "$$target"; \
		dictionary=$$(ls $$package/$$target.dict 2>/dev/null); \
		(set -x; cargo fuzz run --sanitizer none --fuzz-dir $$package --target-dir $(TARGET)/fuzz $$target -- \
			$${dictionary:+-dict=$$dictionary} -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024) \
			|| exit 1; \
	done

# They install what is missing where they may, else say all of it at once, and how it is got.
.PHONY: requirements
requirements:
	@.ci/requirements

.PHONY: requirements-test
requirements-test:
	@.ci/requirements test

.PHONY: requirements-compose
requirements-compose:
	@.ci/requirements compose
