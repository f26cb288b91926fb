# `make demo` shows it; CI runs `make check`, `make test` and `make acceptance`.
PYTHON ?= $(shell command -v python3 || command -v python3.14 || command -v python3.13 || command -v python3.12 || command -v python3.11)
PORT ?= 8000
# Extra requirements that hold versions back, e.g. PINS="Django~=5.2.0 celery~=5.4.0".
PINS ?=
ARGS ?=

BIN := .venv/bin
RUN_READY := .venv/.ready-to-run
DEV_READY := .venv/.ready-to-develop
NODE_READY := node_modules/.ready
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# A file's tests share their servers. In the files' order, which begins with those that take long:
# sorted by their number of tests, as is the default, the longest would be left to the end.
DIST := --dist loadfile --no-loadscope-reorder
# Tests wait for servers and browsers half of their time; with twice as many processes as cores, what
# is timed by the clock comes too late.
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN); echo $$((n < 5 ? 3 * n / 2 : 6)))

# What takes minutes because it is about minutes: a cut, a takeover, a person who waits.
LONG := tests/acceptance tests/faults

# One program a subject; the other modules of benchmarks/ are what these share.
SUBJECTS := ingest fanout latency opening browser memory overhead history
BENCHMARKS := $(foreach subject,$(SUBJECTS),$(if $(wildcard benchmarks/$(subject).py),$(subject)))

.DEFAULT_GOAL := help
.PHONY: help setup demo test acceptance looks faults bench soak check format messages screenshots clean

help:
	@echo "make demo [PORT=8000]  watch the sample shop's tasks in a browser"
	@echo "make setup             make .venv and node_modules for development"
	@echo "make test [ARGS=..]    run the tests, on private services; ten minutes on two cores"
	@echo "make acceptance        whole clusters, installations and journeys, as people meet them"
	@echo "make looks [ARGS=..]   see every page in every width and theme; a few are part of the tests"
	@echo "make faults [ARGS=..]  break servers and processes under load; docs/reliability.md"
	@echo "make bench [ARGS=..]   measure: ARGS=--quick for less of everything"
	@echo "make soak [ARGS=..]    half an hour of traffic: does anything grow? docs/reliability.md"
	@echo "make check             format, lint, types, import contracts, JavaScript"
	@echo "make format            rewrite the sources in the common format"
	@echo "make messages          bring the translations up to the sources, and say what is missing"
	@echo "make screenshots       take the documentation's pictures from the running demo"
	@echo "make clean             remove what the other targets made"

setup: $(DEV_READY) $(NODE_READY)

demo: $(RUN_READY)
	@$(BIN)/headway demo --port $(PORT)

test: $(DEV_READY)
	@tests/services/install.sh redis-server rabbitmq-server postgresql chromium node
	$(BIN)/pytest -n $(WORKERS) $(DIST) -m "not looks" $(foreach part,$(LONG),--ignore=$(part)) $(ARGS)
	HEADWAY_TEST_DATABASE_URL=postgresql: $(BIN)/pytest -n $(WORKERS) $(DIST) -m "django_db and not any_database" $(ARGS)

acceptance: $(DEV_READY)
	@tests/services/install.sh redis-server rabbitmq-server postgresql nginx chromium
	$(BIN)/pytest -n $(WORKERS) $(DIST) -m "not faults" $(LONG) $(ARGS)

looks: $(DEV_READY) $(NODE_READY)
	@tests/services/install.sh chromium
	$(BIN)/pytest -n $(WORKERS) $(DIST) -m looks $(ARGS)

# The quick and decisive ones are part of `make acceptance`.
faults: $(DEV_READY)
	@tests/services/install.sh redis-server rabbitmq-server postgresql chromium
	$(BIN)/pytest tests/faults $(ARGS)

bench: $(DEV_READY)
	@tests/services/install.sh redis-server postgresql chromium
	@for subject in $(BENCHMARKS); do $(BIN)/python -m benchmarks.$$subject $(ARGS) || exit 1; done

soak: $(DEV_READY)
	@tests/services/install.sh redis-server postgresql
	$(BIN)/python -m benchmarks.soak $(ARGS)

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/djlint --quiet --lint templates
	$(BIN)/mypy
	$(BIN)/lint-imports
	npm run --silent types
	npm run --silent lint
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

format: $(DEV_READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

messages: $(DEV_READY)
	$(BIN)/python -m docs.messages

screenshots: $(DEV_READY)
	@tests/services/install.sh chromium
	$(BIN)/python -m docs.screenshots

clean:
	rm -rf .venv benchmarks/.cache node_modules build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed, $(PYTHON) is older: make PYTHON=/path/to/python3.11"; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || PYTHON=$(PYTHON) tests/services/install.sh --required python-venv
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

$(RUN_READY): pyproject.toml | $(BIN)/python
	@echo "installing into .venv, once: half a minute" >&2
	@$(INSTALL) --editable '.[demo]' $(PINS)
	@touch $@

$(DEV_READY): pyproject.toml | $(BIN)/python
	$(INSTALL) --editable '.[dev,postgresql]' $(PINS)
	@touch $(RUN_READY) $@

$(NODE_READY): package.json
	@tests/services/install.sh --required node
	npm install --no-progress --loglevel=error
	@touch $@
