# Every target makes the virtual environment it needs, anew when pyproject.toml changes.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help demo test check format bench schema dialects columns captures clean
.DEFAULT_GOAL := help

help: ## what there is to make
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group test --group check --group bench
	@touch $@

demo: $(INSTALLED) ## run the example agent and print what landed in the file
	$(BIN)/python examples/quickstart.py
	$(BIN)/python -m otel_sqlite_exporter info otel-quickstart.db

test: $(INSTALLED) ## all tests, with coverage
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal --cov --cov-report=term

check: $(INSTALLED) ## ruff, mypy and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(INSTALLED) ## let ruff put the code into its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(INSTALLED) ## the benchmark; BENCH_SPANS=100000 for a shorter one
	$(BIN)/python -m benchmarks

schema: $(INSTALLED) ## write sql/schema.sql anew from the migrations
	$(BIN)/python tools/generate_schema.py

dialects: $(INSTALLED) ## write the tables of docs/dialects.md anew from the data
	$(BIN)/python tools/generate_dialects.py

columns: $(INSTALLED) ## write the types of the ORM's columns from query/summaries.py
	$(BIN)/python tools/generate_columns.py

captures: $(INSTALLED) ## record anew what instrumentation packages emit, each installed into an environment of its own
	$(BIN)/python tools/refresh_captures.py

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
