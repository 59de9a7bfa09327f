# `make` alone lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME_LOCK := requirements/runtime.txt
DEV_LOCK := requirements/dev.txt

.PHONY: help
help: ## List the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---- the Python environment: installed when a lock file changed, skipped otherwise ----

$(BIN)/python:
	native/create-venv $(PYTHON) $(VENV)

$(VENV)/.runtime: $(RUNTIME_LOCK) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(RUNTIME_LOCK)
	@touch $@

$(VENV)/.dev: $(DEV_LOCK) $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(DEV_LOCK)
	@touch $@

.PHONY: lock
lock: $(VENV)/.dev ## Resolve pyproject.toml into the lock files anew
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    --all-extras -o $(RUNTIME_LOCK) pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    --all-extras --group dev -c $(RUNTIME_LOCK) -o $(DEV_LOCK) pyproject.toml

# ---- working on it ----

.PHONY: lint format
lint: $(VENV)/.dev ## Check style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.dev ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: dashboards
dashboards: $(VENV)/.runtime ## Write the dashboards' JSON anew from their code
	$(BIN)/python -m grafana

.PHONY: test-compose
test-compose: $(VENV)/.dev ## Test the stack in containers; needs a Docker engine
	$(BIN)/python -m pytest -m compose tests/compose
