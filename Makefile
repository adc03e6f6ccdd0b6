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
# What is installed stands in `requirements/*.txt`, with hashes; our own packages are built by what stands there too.
PIP := -m pip install --quiet --disable-pip-version-check
LOCKED := $(PIP) --no-deps --require-hashes --no-build-isolation
OURS := $(PIP) --no-deps --no-build-isolation
UV := uv==0.13.9
PLACE = $(if $(PORT),--port $(PORT)) $(ARGS)

.PHONY: run voice test test-quick test-lowest test-newest lint packages lock bench bench-smoke docs console clean

run: $(VENV)/.installed  ## launch the concierge bot on http://127.0.0.1:7860; PORT= and ARGS= are for `rtvi run`
	$(BIN)/rtvi run manifests/concierge.yaml $(PLACE)

voice: $(VENV)/.installed-voice  ## launch the voice bot on http://127.0.0.1:7860: speak to it from a browser
	$(BIN)/rtvi run manifests/voice-concierge.yaml $(PLACE)

test: $(VENV)/.installed-test  ## run the whole test suite
	$(BIN)/python tests/run.py

test-quick: $(VENV)/.installed-test  ## the tests that tell most in little time: no browsers, sound or Pipecat pipelines
	$(BIN)/python tests/run.py quick

test-lowest: $(VENV)/lowest/.installed  ## what touches Pipecat, with the lowest release supported
	$(VENV)/lowest/bin/python -m pytest tests/pipecat $(dir $(STAGES))

test-newest:  ## the suite with the newest of everything, our own upper bounds lifted; says what moved against the lock
	$(PYTHON) -m venv --clear $(VENV)/newest
	$(PYTHON) requirements/moved.py wanted >$(VENV)/newest/wanted.txt
	$(VENV)/newest/bin/python $(PIP) --requirement $(VENV)/newest/wanted.txt
	$(VENV)/newest/bin/python $(OURS) --editable . $(EDITABLES) $(VOICE)
	$(VENV)/newest/bin/python requirements/moved.py
	$(VENV)/newest/bin/python tests/run.py; tests=$$?; $(VENV)/newest/bin/python requirements/moved.py; exit $$tests

lint: $(VENV)/.installed-test  ## formatting, lint rules, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

packages: $(VENV)/.installed-test  ## build every wheel and sdist, install them elsewhere on every Python here, run a bot
	.ci/packages $(BIN)/python

bench: $(VENV)/.installed-test  ## measure ours, the floor and the peers; write docs/performance.md
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks report

bench-smoke: $(VENV)/.installed-test  ## the same, only long enough to see that it runs
	$(BIN)/python -m benchmarks --smoke

docs: $(VENV)/.installed  ## write the generated parts of the documentation anew
	$(BIN)/rtvi schema --no-plugins --output docs/manifest.schema.json
	$(BIN)/python docs/reference.py

console:  ## build the console's page anew (needs Node and npm); what it builds is committed
	cd console && npm ci && npm run build

clean:
	rm -rf $(VENV) .bench dist console/node_modules tests/clients/node_modules tests/clients/dist

# `make lock` adds what is missing and drops what nobody needs; `make lock UPGRADE=--upgrade` takes the newest of all.
COMPILE = $(VENV)/lock/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 --fork-strategy fewest \
  --generate-hashes --custom-compile-command 'make lock' --no-emit-package rtvi-plugins \
  $(foreach plugin,$(ALL),--no-emit-package $(notdir $(patsubst %/,%,$(dir $(plugin)))))
SHARED := build run voice
lock:  ## write the lock files anew: the versions of everything that is installed here, for Python 3.11 and newer
	$(PYTHON) -m venv $(VENV)/lock
	$(VENV)/lock/bin/python $(PIP) $(UV)
	$(COMPILE) $(UPGRADE) requirements/test.in --output-file requirements/test.txt
	for part in $(SHARED); do \
	  $(COMPILE) --constraint requirements/test.txt requirements/$$part.in --output-file requirements/$$part.txt || exit; \
	done
	cp requirements/test.txt requirements/lowest.txt  # what stands there is kept where it fits
	$(COMPILE) requirements/lowest.in --output-file requirements/lowest.txt

$(VENV)/.installed: pyproject.toml requirements/build.txt requirements/run.txt $(PLUGINS)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it with PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(LOCKED) --requirement requirements/build.txt
	$(BIN)/python $(LOCKED) --requirement requirements/run.txt
	$(BIN)/python $(OURS) --editable . $(EDITABLES)
	touch $@

$(VENV)/.installed-voice: $(VENV)/.installed requirements/voice.txt $(STAGES)
	$(BIN)/python $(LOCKED) --requirement requirements/voice.txt
	$(BIN)/python $(OURS) $(VOICE)
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed-voice requirements/test.txt
	$(BIN)/python $(LOCKED) --requirement requirements/test.txt
	touch $@

$(VENV)/lowest/.installed: pyproject.toml requirements/build.txt requirements/lowest.txt $(ALL)
	$(PYTHON) -m venv $(VENV)/lowest
	$(VENV)/lowest/bin/python $(LOCKED) --requirement requirements/build.txt
	$(VENV)/lowest/bin/python $(LOCKED) --requirement requirements/lowest.txt
	$(VENV)/lowest/bin/python $(OURS) --editable . $(EDITABLES) $(VOICE)
	touch $@
