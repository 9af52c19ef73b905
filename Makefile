# make app: install and open the dashboard.  make test: install and run everything.
PYTHON ?= python3
BIN := .venv/bin
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help app test lint check screenshots pretrained demo chromium clean

help: ## what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | sort

app: .venv/app.stamp ## install what is missing and open the dashboard on 127.0.0.1:8501
	$(BIN)/streamlit run app.py

test: .venv/dev.stamp chromium lint ## install what the tests need and run them all
	@# One thread for each of the two: Numba, which UMAP needs, would raise the number for Torch too, and four threads
	@# that wait for each other on two cores take ten times as long.
	OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup tests

lint: .venv/dev.stamp ## format, lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

screenshots: .venv/dev.stamp chromium ## a picture of each page, light and dark, in screenshots/
	$(BIN)/python -m tests.browser.screenshots screenshots

pretrained: .venv/app.stamp ## train again what is shipped, from fixed seeds
	$(BIN)/python -m core pretrained

demo: .venv/app.stamp ## simulate the demo cohort again, bit for bit
	$(BIN)/python -m core.data.simulators.demo

clean: ## remove the environment and caches (never your data in .popscape)
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis screenshots

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Popscape needs Python 3.11 or newer; found $$($(PYTHON) --version). Try: make app PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -q && apt-get install -y -q python3-venv && $(PYTHON) -m venv .venv; } || \
	  { rm -rf .venv; echo "Python cannot make a virtual environment here; install python3-venv and try again."; exit 2; }

.venv/app.stamp: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements.txt
	@# List the models once here, so that the first visitor of the Train page does not wait for it.
	@$(BIN)/python -m core catalogue >/dev/null
	@touch $@

.venv/dev.stamp: requirements-dev.txt .venv/app.stamp
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# A browser for the tests: the system's, else from apt when root, else Playwright's own.
chromium: .venv/dev.stamp
	@$(BIN)/python -m tests.browser.chromium >/dev/null 2>&1 || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -q && apt-get install -y -q chromium fonts-dejavu-core || true; fi; }
	@$(BIN)/python -m tests.browser.chromium >/dev/null 2>&1 || $(BIN)/playwright install chromium
	@$(BIN)/python -m tests.browser.chromium
