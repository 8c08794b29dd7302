# Every target does its own set-up: a Python 3.11 or newer and a package index are enough.
BIN := .venv/bin
.DEFAULT_GOAL := help

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.venv/.ready: requirements-dev.lock pyproject.toml .ci/setup
	@bash .ci/setup

setup: .venv/.ready ## the environment alone

demo: .venv/.ready ## a hub on an embedded PostgreSQL with simulated partners, until Ctrl-C
	@$(BIN)/ocpi-hub demo $(ARGS)

test: .venv/.ready ## the whole test suite
	@$(BIN)/python -m pytest $(ARGS)

lint: .venv/.ready ## formatting, lint rules, types, who may import whom
	@$(BIN)/ruff format --check ocpi_hub tests
	@$(BIN)/ruff check ocpi_hub tests
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: .venv/.ready ## the benchmarks of README's table, as ratios in one run
	@$(BIN)/python -m tests.bench.run $(ARGS)

fuzz: .venv/.ready ## look for bytes that break a reader: make fuzz ARGS="json --seconds 600"
	@$(BIN)/python -m tests.fuzz.run $(ARGS)

obligations: .venv/.ready ## which duties of OCPI 2.2.1 are proven, and by which test
	@$(BIN)/python -m tests.obligations.table $(ARGS)

lock: .venv/.ready ## renew the lock files (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements.lock
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements-dev.lock
	uv pip compile tests/bench/peer.in --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o tests/bench/peer.lock

clean: ## the environment and caches away; data directories stay
	rm -rf .venv .venv-peer .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info

.PHONY: help setup demo test lint bench fuzz obligations lock clean
