# Two commands for a newcomer: `make run` and `make test`. Everything they need is installed into .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ALL := $(sort $(wildcard plugins/*/pyproject.toml))
# What only runs in a Pipecat pipeline; the rest is light.
STAGES := plugins/rtvi-plugin-espeak/pyproject.toml plugins/rtvi-plugin-pocketsphinx/pyproject.toml
PLUGINS := $(filter-out $(STAGES),$(ALL))
EDITABLES := $(foreach plugin,$(PLUGINS),--editable $(dir $(plugin)))
VOICE := --editable plugins/rtvi-plugin-pocketsphinx --editable 'plugins/rtvi-plugin-espeak[espeak]'
LOWEST := 1.12.0
PIP := -m pip install --quiet --disable-pip-version-check

.PHONY: run voice test test-lowest lint bench bench-smoke docs console clean

run: $(VENV)/.installed  ## launch the concierge bot on http://127.0.0.1:7860
	$(BIN)/rtvi run manifests/concierge.yaml

voice: $(VENV)/.installed-voice  ## launch the voice bot on http://127.0.0.1:7860: speak to it from a browser
	$(BIN)/rtvi run manifests/voice-concierge.yaml

# Two at once, what drives browsers and the rest: tests wait more than they work. The first tells of itself at the end.
# Alone after them what hears and plays sound: a busy machine drops some of it.
test: $(VENV)/.installed-test  ## run the whole test suite
	$(BIN)/python -m pytest -m 'browser and not sound' -p no:cacheprovider >$(VENV)/browsers.log 2>&1 & browsers=$$!; \
	$(BIN)/python -m pytest -m 'not browser'; rest=$$?; \
	wait $$browsers; browsers=$$?; cat $(VENV)/browsers.log; \
	$(BIN)/python -m pytest -m sound; sound=$$?; \
	exit $$((rest || browsers || sound))

test-lowest:  ## what touches Pipecat, with the lowest release supported
	$(PYTHON) -m venv $(VENV)/lowest
	$(VENV)/lowest/bin/python $(PIP) --editable '.[test]' $(EDITABLES) $(VOICE) 'pipecat-ai==$(LOWEST)'
	$(VENV)/lowest/bin/python -m pytest tests/pipecat $(dir $(STAGES))

lint: $(VENV)/.installed-lint  ## formatting, lint rules, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/.installed-test  ## measure ours, the floor and the peers; write docs/performance.md
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks report

bench-smoke: $(VENV)/.installed-test  ## the same, only long enough to see that it runs
	$(BIN)/python -m benchmarks --smoke

docs: $(VENV)/.installed  ## write the generated parts of the documentation anew
	$(BIN)/rtvi schema --output docs/manifest.schema.json
	$(BIN)/python docs/reference.py

console:  ## build the console's page anew (needs Node and npm); what it builds is committed
	cd console && npm ci && npm run build

clean:
	rm -rf $(VENV) .bench console/node_modules tests/clients/node_modules tests/clients/dist

$(VENV)/.installed: pyproject.toml $(PLUGINS)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it with PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP) --editable . $(EDITABLES)
	touch $@

$(VENV)/.installed-voice: $(VENV)/.installed $(STAGES)
	$(BIN)/python $(PIP) --editable '.[pipecat]' $(VOICE)
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed-voice
	$(BIN)/python $(PIP) --editable '.[test]'
	touch $@

$(VENV)/.installed-lint: $(VENV)/.installed-test
	$(BIN)/python $(PIP) --editable '.[lint]'
	touch $@
