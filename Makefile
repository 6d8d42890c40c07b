# `make help` lists what there is. Each target first makes the environment that it needs.
PYTHON ?= python3
VENV ?= .venv
DEMO_VENV ?= .venv-demo
BIN := $(VENV)/bin
DEVELOPMENT := --group test --group check --group bench --group native --group release
NATIVE := src/otel_sqlite_exporter/native
SANITIZED := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
# What `make reference` and `make asan` run: of the files that hold such tests, as all others take long to import.
CORE = $(shell grep -rlE '\bmark\.core\b' --include='test_*.py' tests)
REFERENCE ?= -m core $(CORE)
ASAN ?= -m "core and not slow" $(CORE)

# Tests make their files in memory where 4 GB are free there: thousands of files wait for the disk again and again.
MEMORY := $(shell test "$$(df --output=avail /dev/shm 2>/dev/null | tail -n 1)" -gt 4000000 2>/dev/null && echo /dev/shm)
PYTEST := $(if $(MEMORY),TMPDIR=$(MEMORY) )$(BIN)/python -m pytest --numprocesses auto --dist worksteal

# Where a change is judged, a compiled core that is missing is an error.
ifeq ($(CI),true)
export OTEL_SQLITE_EXPORTER_BUILD_NATIVE ?= 1
endif

.PHONY: help demo browser java test reference asan native quick check format bench dialects settings api columns engines dataset scores captures vendor pictures live trials lock clean
.DEFAULT_GOAL := help

##@ First steps

help: ## list the targets
	@awk -F ':.*## ' '/^##@/ { print "\n" substr($$0, 5) } /^[a-z]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' \
		$(MAKEFILE_LIST)

demo: $(DEMO_VENV)/.installed ## run the example agent, show its calls, and say how to open the page
	@echo "Running examples/quickstart.py: the spans of an agent go to otel-quickstart.db."
	@$(DEMO_VENV)/bin/python examples/quickstart.py otel-quickstart.db

##@ While you work

quick: native ## the tests that are not marked slow
	$(PYTEST) -m "not slow"

native: $(VENV)/.installed ## compile the core, where a compiler is; a test run does it too
	@$(BIN)/python hatch_build.py

browser: ## Chromium for the tests of the page: from Debian's packages, if it is missing
	@$(PYTHON) -m tests.browser.chromium

java: ## Java for the tests of Spark: from Debian's packages, if it is missing
	@$(PYTHON) -m tests.engines.java

format: $(VENV)/.installed ## let ruff format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

##@ Before a change lands

check: $(VENV)/.installed ## ruff, mypy and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: native browser java ## all tests, with coverage
	$(PYTEST) --cov --cov-report=term --durations=40

reference: $(VENV)/.installed ## the tests of encoding with the Python code alone; REFERENCE= for all tests
	OTEL_EXPORTER_SQLITE_NATIVE=false $(PYTEST) $(REFERENCE)

asan: $(VENV)/.installed ## the tests of encoding, with the core under AddressSanitizer (gcc)
	rm -rf build/asan && mkdir -p build/asan && cp -R src build/asan
	CFLAGS="$(SANITIZED)" LDFLAGS="$(SANITIZED)" OTEL_SQLITE_EXPORTER_BUILD_NATIVE=1 $(BIN)/python hatch_build.py build/asan/src
	PYTHONPATH=build/asan/src LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libstdc++.so)" \
		PYTHONMALLOC=malloc ASAN_OPTIONS=detect_leaks=0 \
		$(BIN)/python -m pytest -p no:xdist $(ASAN)

##@ From time to time

bench: native ## the benchmark; BENCH_SPANS=100000 for a shorter one
	$(BIN)/python -m benchmarks

dialects: $(VENV)/.installed ## write the tables of docs/dialects.md from the dialects
	$(BIN)/python tools/generate_dialects.py

settings: $(VENV)/.installed ## write the tables of docs/settings.md from the declared settings
	$(BIN)/python tools/generate_settings.py

api: $(VENV)/.installed ## write the tables of docs/api.md and docs/page.md
	$(BIN)/python tools/generate_api.py

columns: $(VENV)/.installed ## write the types of the ORM's columns from query/summaries.py
	$(BIN)/python tools/generate_columns.py

engines: $(VENV)/.installed ## write the SQL for DuckDB, ClickHouse and Spark from the tables of a dataset and DuckDB's views
	$(BIN)/python -m tools.generate_engine_views

trials: native ## kill, cut, damage and interrupt, and count what is lost; TRIALS="--number 500 kills"
	$(BIN)/python -m tests.trials $(TRIALS)

dataset: $(VENV)/.installed ## write the tables of docs/dataset.md from the tables of a dataset
	$(BIN)/python tools/generate_dataset.py

scores: $(VENV)/.installed ## write the table of docs/captures.md from the captures of OTLP
	$(BIN)/python tools/generate_scores.py

captures: $(VENV)/.installed ## record what instrumentation packages emit, each in its own environment
	$(BIN)/python tools/refresh_captures.py

vendor: ## take the scripts of others from their npm packages, as vendored.json declares them
	$(PYTHON) tools/vendor_scripts.py

pictures: native browser ## write the pictures of docs/page.md, from the pages of an example
	$(BIN)/python -W ignore -m tests.browser.pictures

live: $(VENV)/.installed ## run coding agents and frameworks, each in its own environment (3 minutes and 3 GB, once)
	$(BIN)/python -m tests.live.environments
	$(BIN)/python -m pytest tests/integration/test_live_programs.py tests/integration/test_live_receiver.py

lock: ## write the newest versions of all tools and packages to constraints.txt
	$(PYTHON) tools/refresh_constraints.py

clean: ## remove the environments and caches
	rm -rf $(VENV) $(DEMO_VENV) build $(NATIVE)/*.so .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage*

# An environment is made again when the packages that it needs change.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(call install,$(VENV),.,$(DEVELOPMENT),about 2 GB and 4 minutes)

$(DEMO_VENV)/.installed: pyproject.toml constraints.txt
	$(call install,$(DEMO_VENV),'.[serve,cost]',--no-compile --group demo,about 90 MB and half a minute)

define install
	@echo "Installing the packages that this needs into $(1) ($(4), once)."
	@$(PYTHON) -m venv $(1)
	@$(1)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt 'pip>=25.3'
	@$(1)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--build-constraint constraints.txt --editable $(2) $(3)
	@touch $@
endef
