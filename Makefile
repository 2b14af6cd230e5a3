# Needs Python 3.11 or later and nothing else.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
export PYTHONPATH := .:docker/inference

.PHONY: help check test clean
help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/.app: requirements/app.txt requirements/embedded.txt requirements/inference.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check \
		-r requirements/app.txt -r requirements/embedded.txt -r requirements/inference.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.app requirements/dev.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements/dev.txt
	@touch $@

check: $(VENV)/.dev ## Lint, format, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports

test: $(VENV)/.dev ## All tests that need no Docker and no browser
	$(BIN)/python -m pytest

clean: ## Remove what the build made; never data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
