# Commands for development. They use .venv and change nothing outside this folder.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
PIP := $(RUN)/python -m pip install --quiet --disable-pip-version-check --use-pep517 --retries 2
TIER ?= all
BENCHES := $(filter-out bench/measure.py bench/peer_%.py,$(wildcard bench/*.py))
SHELL_SCRIPTS := install.sh zm_event_start.sh zm_event_end.sh .ci/run $(wildcard tests/zoneminder/*.sh)

.PHONY: help demo check test attack lint docs bench lock clean

help:
	@echo 'make demo    run a demonstration event: the line, and the annotated picture'
	@echo 'make check   lint and test what changed since main (ARGS=HEAD: what is not committed)'
	@echo 'make test    run every test (TIER=unit, integration, zoneminder or attack: only those)'
	@echo 'make attack  run all attacks and faults, without their usual time limits'
	@echo 'make lint    run ruff, mypy --strict, import-linter and shellcheck on everything'
	@echo 'make docs    build the guide as web pages in docs/_build/html'
	@echo 'make bench   run the measurements (ARGS=--quick: within a minute each)'
	@echo 'make lock    write requirements.lock from pyproject.toml (ARGS=--upgrade: newest versions)'
	@echo 'make clean   remove everything that these commands made'

demo: $(VENV)/.demo
	@$(RUN)/python tools/demo.py

check: $(VENV)/.lint $(VENV)/.test
	@$(RUN)/python tools/check.py $(ARGS)

test: $(VENV)/.test
	@case '$(TIER)' in \
	    all) $(RUN)/python -m pytest $(ARGS);; \
	    unit|integration|zoneminder|attack) $(RUN)/python -m pytest tests/$(TIER) $(ARGS);; \
	    *) echo 'make test: TIER is all, unit, integration, zoneminder or attack' >&2; exit 2;; \
	esac

attack: $(VENV)/.test
	@ZMHOOK_ATTACK=long $(RUN)/python -m pytest tests/attack $(ARGS)

lint: $(VENV)/.lint
	@command -v shellcheck >/dev/null || { echo 'make lint: install shellcheck (apt-get install shellcheck)' >&2; exit 1; }
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports --no-cache
	shellcheck $(SHELL_SCRIPTS)

docs: $(VENV)/.docs
	$(RUN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html
	@echo 'The guide: docs/_build/html/index.html'

bench: $(VENV)/.test
	@for bench in $(BENCHES); do echo "== $$bench"; $(RUN)/python $$bench $(ARGS) || exit 1; done

lock: $(VENV)/.lock
	$(RUN)/python tools/lock.py $(ARGS)

clean:
	rm -rf $(VENV) demo build dist docs/_build hook/*.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage

$(RUN)/python:
	@command -v $(PYTHON) >/dev/null || { echo 'make: $(PYTHON) is not installed: install it (apt-get install python3 python3-venv)' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo 'make: Python 3.10 or newer is needed: name one, make PYTHON=...' >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo 'make: $(PYTHON) cannot make environments: install its venv module (apt-get install python3-venv)' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# One marker an extra of pyproject.toml: installed once, and again when that file changes.
$(VENV)/.%: pyproject.toml | $(RUN)/python
	@echo 'Installing what "$*" needs into $(VENV) (once) ...'
	@$(PIP) --editable '.[$*]' || { echo 'make: the Python packages could not be installed (see above; is there a network?)' >&2; exit 1; }
	@touch $@
