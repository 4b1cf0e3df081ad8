# The two commands of the README: `make quickstart` and `make test`. Both make .venv first if it is not there.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --quiet --disable-pip-version-check
# xdist workers: torch tests are heavy, two fit a small machine.
JOBS   ?= 2
SPECS  := specs/*.nash specs/backbones/*.nash templates/starters/*.nash

.PHONY: quickstart test lint fmt bench clean help

help:
	@echo "make quickstart  the whole path, from specs/quickstart.nash to FINN's estimates"
	@echo "make test        linters, types, import contracts, tests"
	@echo "make lint        the same without tests"
	@echo "make fmt         lay out Python and .nash files"
	@echo "make bench       time of check and compile, and from weights to FINN's estimates"
	@echo "make clean       remove build outputs and caches (keeps $(VENV))"

# The stamp is newer than pyproject.toml when what is installed is what is asked for.
$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "nashc needs Python 3.11 or later; try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "Installing into $(VENV): torch, Brevitas and FINN+ are about 6 GB, this takes some minutes"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --editable '.[all,dev]'
	@touch $@

quickstart: $(VENV)/.installed
	$(BIN)/nashc run specs/quickstart.nash

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint
	$(BIN)/pytest -n $(JOBS)

fmt: $(VENV)/.installed
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .
	$(BIN)/nashc fmt $(SPECS)

bench: $(VENV)/.installed
	$(BIN)/python benchmarks/bench_check.py
	$(BIN)/python benchmarks/bench_space.py
	$(BIN)/python benchmarks/bench_train.py
	$(BIN)/python benchmarks/bench_finn.py

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find nashc templates tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
