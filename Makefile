# What one does with a clone of Fieldstone. `make run` and `make test` need Python 3.11 or newer, git, make and a C compiler.

PORT ?= 8000
DATA ?= data
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name) 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin
# Three for two processors: tests wait for browsers, servers and disks a third of the time.
PYTEST_FLAGS ?= -n 3 --dist worksteal
# Set on some build machines; then each of a hundred interpreters would compile every module again.
unexport PYTHONDONTWRITEBYTECODE
PIP_COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --build-deps-for=editable

.DEFAULT_GOAL := help
.PHONY: help run test lint format bench soak-rules lock clean

help: ## say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /	/' | expand -t 12

run: $(VENV)/installed ## install and start a working CRM on http://127.0.0.1:$(PORT), its data in the folder $(DATA)
	@$(BIN)/fieldstone run --port $(PORT) --data $(DATA)

test: $(VENV)/installed-dev ## install what tests need, then run linters and every test
	@$(BIN)/python tools/prepare_tests.py
	@$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

lint: $(VENV)/installed-dev ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	@mkdir -p .mypy_path && ln -sfn ../platform .mypy_path/fieldstone
	MYPYPATH=.mypy_path $(BIN)/mypy -p fieldstone

format: $(VENV)/installed-dev ## put the code into its usual form
	$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

bench: $(VENV)/installed-dev ## measure Fieldstone against the yardstick and print the ratios
	$(BIN)/python -m bench

soak-rules: $(VENV)/installed-dev ## compare random expressions on three engines for SECONDS, drawn from SEED (BATCH: one batch of it)
	$(BIN)/python -m tests.properties.soak $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED)) $(if $(BATCH),--batch $(BATCH))

lock: $(VENV)/installed-dev ## pin the newest dependencies that pyproject.toml admits
	$(PIP_COMPILE) --upgrade --extra postgres --extra redis -o requirements.lock pyproject.toml
	$(PIP_COMPILE) --upgrade --all-extras -c requirements.lock -o requirements-dev.lock pyproject.toml

clean: ## remove what was installed and built here, never the data
	rm -rf $(VENV) build dist .mypy_path .mypy_cache .ruff_cache .pytest_cache *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" && "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Fieldstone needs Python 3.11 or newer. Install it, or name it: make run PYTHON=/path/to/python3.11"; exit 1; }
	@"$(PYTHON)" -m venv $(VENV) || { echo "Python lacks venv. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }

$(VENV)/installed: requirements.lock pyproject.toml setup.py | $(BIN)/python
	@echo "Installing Fieldstone ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/installed-dev: requirements-dev.lock $(VENV)/installed
	@echo "Installing what tests need ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
