# Everything a developer types. `make` alone lists it.
#
# The environment is .venv, made once and again when the pinned dependencies change: demo and serve need only what
# Sartor runs on, test and check need the development tools too.

VENV     := .venv
BIN      := $(VENV)/bin
PIP      := $(BIN)/python -m pip --disable-pip-version-check -qq
PINS     := pyproject.toml constraints.txt hashed.txt
WORKERS  ?= 2

# The first interpreter that Sartor supports; `make PYTHON=/path/to/python3.12 setup` chooses another.
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON    ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c '$(SUPPORTED)' 2>/dev/null && { echo "$$python"; break; }; done)

.PHONY: help setup demo serve test lint types contracts check format clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/development  ## make .venv with everything: runtime, development tools, training of the embedded model

demo: $(VENV)/runtime  ## draw one picture with a bundled brand, over HTTP, and say where it is
	@$(BIN)/sartor demo

serve: $(VENV)/runtime  ## run the service
	@$(BIN)/sartor serve

# Two files at a time, one thread each, in the order that tests/conftest.py gives them: the longest first.
test: $(VENV)/development  ## run the whole test suite
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

lint: $(VENV)/development  ## ruff: rules and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/development  ## mypy, strict
	$(BIN)/mypy

contracts: $(VENV)/development  ## which room may import which
	$(BIN)/lint-imports --no-logo

check: lint types contracts test  ## everything that has to hold before a change lands

format: $(VENV)/development  ## mend what ruff can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:  ## remove the environment and the caches; data of the service stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache build dist

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Sartor needs Python 3.11, 3.12 or 3.13; found: $$(python3 --version 2>&1)." >&2; \
		echo "Install one and try again, or name it: make PYTHON=/path/to/python3.12 setup" >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV)

# torch goes first and alone, so that plain pip takes exactly the pinned build before anything else can ask for another.
$(VENV)/runtime: $(PINS) | $(BIN)/python
	@echo "Installing Sartor and what it runs on into $(VENV); the first time takes some minutes."
	$(PIP) install -c constraints.txt torch
	$(PIP) install --no-deps --require-hashes -r hashed.txt
	$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/development: $(VENV)/runtime
	$(PIP) install -c constraints.txt -e '.[dev,nano]'
	@touch $@
