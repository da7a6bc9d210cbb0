# Everything here works from a fresh clone with make and Python 3.11 or newer. `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# The first interpreter that is new enough and can make virtual environments; override with PYTHON=/path/to/python.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)
VENV ?= .venv
JOBS ?= 2
# Live tests mostly wait for servers, so more of them fit on the same cores.
LIVE_JOBS ?= 4
PYTEST_ARGS ?=

PY := $(VENV)/bin/python
ASM := $(VENV)/bin/kubectl-asm
PIP := $(PY) -m pip --disable-pip-version-check install --quiet --no-compile
COMPILE := $(PY) -m compileall -q -j 0
CASES := tests/conformance/cases
CLUSTER := .build/cluster
GENERATORS := $(sort $(wildcard docs/generate_*.py))

.PHONY: help
help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

## Environments: the locks decide every version; nothing is installed that no lock names.

$(PY):
	@test -n "$(PYTHON)" || { echo "kubectl-asm needs Python 3.11 or newer with the venv module; set PYTHON=/path/to/python" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: $(PY) requirements/build.txt requirements/runtime.txt pyproject.toml
	$(PIP) --require-hashes -r requirements/build.txt -r requirements/runtime.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	$(COMPILE) $(VENV)/lib kubectl_asm
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	$(PIP) --require-hashes -r requirements/dev.txt
	$(COMPILE) $(VENV)/lib
	@touch $@

.PHONY: install
install: $(VENV)/.runtime ## Install the program and what it needs at run time into .venv

.PHONY: develop
develop: $(VENV)/.dev ## Install the tools of development as well

.PHONY: run
run: $(VENV)/.runtime ## Render examples/ and sync them into a copy that acts as the cluster
	@rm -rf $(CLUSTER) && mkdir -p $(CLUSTER) && cp -R examples/. $(CLUSTER)/ && rm $(CLUSTER)/fixtures.yaml
	@PATH="$(abspath $(VENV))/bin:$$PATH" sh examples/run.sh $(CLUSTER)

.PHONY: smoke
smoke: $(VENV)/.runtime ## Ask every command for its help, with the run-time dependencies alone
	@for command in $$($(PY) -c 'from kubectl_asm.cli.main import COMMANDS; print(*COMMANDS)'); do \
		$(ASM) $$command --help >/dev/null; done

## Checks

.PHONY: test
test: lint types layers docs-check conformance pytest ## Run every check and every test

.PHONY: lint
lint: $(VENV)/.dev ## Check format and style
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .

.PHONY: format
format: $(VENV)/.dev ## Format the code and fix what can be fixed without thought
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

.PHONY: types
types: $(VENV)/.dev ## Check types, strictly
	$(PY) -m mypy

.PHONY: layers
layers: $(VENV)/.dev ## Check that lower layers know nothing of upper ones
	$(VENV)/bin/lint-imports

.PHONY: conformance
conformance: $(VENV)/.dev ## Run the conformance cases under both profiles
	$(PY) -m tests.harness conformance $(CASES)

.PHONY: pytest
pytest: unit live

.PHONY: unit
unit: $(VENV)/.dev ## Run the tests that need no control plane
	$(PY) -m pytest -n $(JOBS) -m "not live" $(PYTEST_ARGS)

.PHONY: live
live: $(VENV)/.dev ## Run the tests against a real kube-apiserver and etcd (built on first use)
	$(PY) -m pytest -n $(LIVE_JOBS) -m live $(PYTEST_ARGS)

.PHONY: bench
bench: $(VENV)/.dev ## Measure start-up, rendering and syncing
	@for name in startup render sync gotemplate validate; do echo "== $$name"; $(PY) benchmarks/$$name.py; done

## Generated files

.PHONY: docs
docs: $(VENV)/.dev ## Write the generated pages
	@for generator in $(GENERATORS); do $(PY) $$generator; done

.PHONY: docs-check
docs-check: $(VENV)/.dev ## Fail when a generated page is stale
	@for generator in $(GENERATORS); do $(PY) $$generator --check; done

LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	--annotation-style line $(LOCK_ARGS)

.PHONY: lock
lock: ## Refresh requirements/ (LOCK_ARGS=--upgrade takes newer versions)
	@test -x .build/lock/bin/uv || { $(PYTHON) -m venv .build/lock && .build/lock/bin/pip install --quiet uv; }
	@$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
		| PATH="$(CURDIR)/.build/lock/bin:$$PATH" $(LOCK) - -o requirements/build.txt
	PATH="$(CURDIR)/.build/lock/bin:$$PATH" $(LOCK) pyproject.toml -o requirements/runtime.txt
	PATH="$(CURDIR)/.build/lock/bin:$$PATH" $(LOCK) --extra dev -c requirements/runtime.txt pyproject.toml -o requirements/dev.txt

.PHONY: clean
clean: ## Remove the environments and everything that was built here
	rm -rf $(VENV) .build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
