# One entry for people and for CI: make setup | demo | test | bench | lint
PYTHON ?= python3.11
CONSTRAINTS ?= constraints.txt
BIN := .venv/bin
PACS_TABLES := structure baselines losses
PIP := $(BIN)/python -m pip install --disable-pip-version-check -q $(if $(CONSTRAINTS),-c $(CONSTRAINTS))

.PHONY: setup demo pacs test test-long bench chaos lint format type milvus-server chromium clean

setup: .venv/.ready  ## make .venv and install

.venv/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	@echo "installing (a few minutes, once)"
	$(PIP) -e ".[dev]"
	touch $@

demo: setup  ## the main job end to end on a corpus that it draws itself
	$(BIN)/samesense demo

pacs: setup  ## the results on PACS and their page (an hour): make pacs PACS=DIR BACKBONE=DIR
	@test -d "$(PACS)" -a -n "$(BACKBONE)" || { echo "make pacs PACS=DIR BACKBONE=DIR"; exit 2; }
	for name in $(PACS_TABLES); do \
	  $(BIN)/samesense ablate -c jobs/configs/ablate_$$name.yaml --set corpus.uri=$(PACS) \
	    --set recipe.blocks.backbone.model=$(BACKBONE) || exit 1; \
	done
	runs=$$(printf -- "--model %s " runs/ablate_structure/gated/*-seed*); \
	asked="--corpus $(PACS) --out runs/pacs/results.json $$runs"; \
	for protocol in dg matrix gap; do \
	  $(BIN)/samesense evaluate --protocol $$protocol $$asked || exit 1; \
	done; \
	$(BIN)/samesense evaluate --protocol udcdr $$asked --report runs/pacs/report.html --no-images \
	  $(PACS_TABLES:%=--ablation runs/ablate_%)

milvus-server: .venv-milvus/.ready  ## a real Milvus server, in an environment of its own, for tests

.venv-milvus/.ready:
	$(PYTHON) -m venv .venv-milvus
	.venv-milvus/bin/python -m pip install --disable-pip-version-check -q milvus==2.3.5 "setuptools<81"
	touch $@

chromium:  ## the browser in which the page is tested, by Debian's package
	@command -v chromium >/dev/null \
	  || { echo "installing chromium" && apt-get update -qq \
	       && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; } \
	  || echo "chromium could not be installed: tests of the page are skipped"

lint: setup  ## formatting, lint, types, import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

type: setup
	$(BIN)/mypy

test: setup milvus-server chromium lint  ## formatting, types, layers and the tests
	$(BIN)/python -m pytest

test-long: setup  ## submitted jobs, killed and resumed training, S3 faults, ablations, every role of a loss
	$(BIN)/python -m pytest -m long

bench: setup  ## every benchmark; each prints lines of JSON
	@for script in benchmarks/[a-z]*.py; do $(BIN)/python $$script || exit 1; done

chaos: setup  ## kill jobs at every moment, many times (half an hour)
	SAMESENSE_CHAOS=full $(BIN)/python -m pytest tests/integration -k chaos -m ""

clean:
	rm -rf .venv .venv-milvus runs
