# make train [ARGS="optimizer=adam"]   make test [ARGS="tests/loss"]   make lint   make bench   make install
PYTHON ?= python3
BIN := .venv/bin
DONE := .venv/.installed

.PHONY: install train test lint bench

install: $(DONE)

$(DONE): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "temper needs Python 3.11 or newer: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $(DONE)

train: install
	@$(BIN)/python train.py $(ARGS)

test: install
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 $(ARGS)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: install
	$(BIN)/python scripts/benchmark.py step $(ARGS)
