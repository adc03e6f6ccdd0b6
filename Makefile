# Two commands for a newcomer: `make run` and `make test`. Everything they need is installed into .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PLUGINS := $(sort $(wildcard plugins/*/pyproject.toml))
EDITABLES := $(foreach plugin,$(PLUGINS),--editable $(dir $(plugin)))

.PHONY: run test lint bench bench-smoke docs clean

run: $(VENV)/.installed  ## launch the concierge bot on http://127.0.0.1:7860
	$(BIN)/rtvi run manifests/concierge.yaml

test: $(VENV)/.installed-test  ## run the whole test suite
	$(BIN)/python -m pytest

lint: $(VENV)/.installed-lint  ## formatting, lint rules, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/.installed-test  ## measure, with ratios against the floor
	$(BIN)/python -m benchmarks

bench-smoke: $(VENV)/.installed-test  ## the same, only long enough to see that it runs
	$(BIN)/python -m benchmarks --smoke

docs: $(VENV)/.installed  ## write the generated parts of the documentation anew
	$(BIN)/rtvi schema --output docs/manifest.schema.json
	$(BIN)/python docs/reference.py

clean:
	rm -rf $(VENV) tests/clients/node_modules tests/clients/dist

$(VENV)/.installed: pyproject.toml $(PLUGINS)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it with PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . $(EDITABLES)
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

$(VENV)/.installed-lint: $(VENV)/.installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[lint]'
	touch $@
