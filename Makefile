# `make demo` shows the whole job on the sample library; `make test` runs the fast tests. `make help` lists the rest.
# Everything is installed into .venv by scripts/install.py, which remembers what it has done.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(PYTHON) scripts/install.py --venv $(VENV)
# Commands, workers and tests start hundreds of processes, each of which would compile every module again.
unexport PYTHONDONTWRITEBYTECODE
# Several processes (tests/conftest.py says how many); a file's tests stay together, so that they share what they set up.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help demo chat install test test-slow check format clean

help:
	@echo "make demo       install, then show the whole job on the sample library"
	@echo "make chat       open the chat; with MODEL=FILE.gguf also compile what runs a language model (slow)"
	@echo "make test       fast tests"
	@echo "make test-slow  all tests"
	@echo "make check      formatting, lint, types, import contracts, fast tests"
	@echo "make clean      remove the environment and caches (no user data)"

demo:
	@$(INSTALL) base
	@$(BIN)/familiar demo

install:
	@$(INSTALL) base

# The chat needs no language model; what runs one compiles for about ten minutes.
chat:
	@$(INSTALL) base $(if $(MODEL),chat)
	@$(BIN)/familiar chat $(if $(MODEL),--model "$(MODEL)")

test:
	@$(INSTALL) base dev chat
	@$(PYTEST) -m "not slow"

test-slow:
	@$(INSTALL) base dev chat
	@$(PYTEST)

check:
	@$(INSTALL) base dev chat
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST) -m "not slow"

format:
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
