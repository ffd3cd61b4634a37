# Commands for users who try zmhook out, and for development. They use .venv and change nothing outside this folder.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
TIER ?= all
TIERS := unit integration zoneminder attack container
BENCHES := $(filter-out bench/measure.py bench/peer_%.py,$(wildcard bench/*.py))
SPELLED := README.md CONTRIBUTING.md CHANGELOG.md SECURITY.md objectconfig.ini docs hook bin tools
SHELL_SCRIPTS := install.sh zm_event_start.sh zm_event_end.sh .ci/run $(wildcard tests/zoneminder/*.sh)

.PHONY: help demo check test test-debian13 assets attack container lint docs pictures links bench lock clean shellcheck

help:
	@echo 'To try zmhook:'
	@echo '  make demo      run two demonstration events; needs a network the first time'
	@echo '  make docs      build the guide as web pages in docs/_build/html'
	@echo
	@echo 'To develop it:'
	@echo '  make check     lint and test what changed since main, usually within a minute'
	@echo '                   ARGS=HEAD: what is not committed; ARGS=--list: only list the tests'
	@echo '  make test      run every test that can run here, and say which cannot'
	@echo '                   TIER=unit, integration, zoneminder, attack or container: only'
	@echo '                   these; several: TIER="unit attack"'
	@echo '                   ARGS=OPTIONS: for pytest, such as ARGS="-k gate -x" or ARGS=-rs'
	@echo '  make assets    download the photographs and networks that many tests need (13 MB)'
	@echo '  make test-debian13  run every test with Python 3.13, in an environment of its own (.venv-3.13)'
	@echo '  make attack    run all attacks and faults, without their usual time limits'
	@echo '                   ARGS=OPTIONS: for pytest'
	@echo '  make container run the steps of the Dockerfile, without Docker, and try the result'
	@echo '                   needs root, debootstrap and a network'
	@echo '  make lint      run ruff, mypy --strict, import-linter and shellcheck on everything'
	@echo '  make bench     run the measurements'
	@echo '                   ARGS=--quick: within a minute each; ARGS=--json: as JSON'
	@echo '  make pictures  make the pictures of the guide again'
	@echo '  make links     try the addresses of other web pages that the guide names'
	@echo '  make lock      write requirements.lock from pyproject.toml'
	@echo '                   ARGS=--upgrade: with the newest versions'
	@echo '  make clean     remove everything that these commands made'
	@echo
	@echo 'PYTHON=python3.12 with any of them: the Python for the environment in .venv.'

demo: $(VENV)/.demo
	@$(RUN)/python tools/demo.py

check: $(VENV)/.lint $(VENV)/.test
	@$(RUN)/python tools/check.py $(ARGS)

test: $(VENV)/.test
	@[ -z '$(filter-out all $(TIERS),$(TIER))' ] || { echo 'make test: TIER is all, or some of $(TIERS)' >&2; exit 2; }
	@$(RUN)/python -m pytest $(if $(filter all,$(TIER)),,$(TIER:%=tests/%)) $(ARGS)

# Another Python, as on the next Debian: an environment of its own, so that the usual one stays.
test-debian13:
	@$(MAKE) --no-print-directory test PYTHON=python3.13 VENV=.venv-3.13

attack: $(VENV)/.test
	@ZMHOOK_ATTACK=long $(RUN)/python -m pytest tests/attack $(ARGS)

container: $(VENV)/.test
	@ZMHOOK_CONTAINER=1 $(RUN)/python -m pytest tests/container $(ARGS)

assets: $(VENV)/.demo
	@$(RUN)/python tools/assets.py

# The first thing that make lint needs: it fails at once, not after installing.
shellcheck:
	@command -v shellcheck >/dev/null || { echo 'make lint: install shellcheck (apt-get install shellcheck)' >&2; exit 1; }

lint: shellcheck $(VENV)/.lint
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports --no-cache
	shellcheck $(SHELL_SCRIPTS)

docs: $(VENV)/.docs
	$(RUN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html
	$(RUN)/codespell $(SPELLED)
	@echo 'The guide: docs/_build/html/index.html'

# Not part of "make docs" and of CI: it needs the internet.
links: $(VENV)/.docs
	$(RUN)/sphinx-build -q -b linkcheck docs docs/_build/links

pictures: $(VENV)/.pictures
	@$(RUN)/python tools/diagram.py
	@$(RUN)/python tools/pictures.py

bench: $(VENV)/.test
	@for bench in $(BENCHES); do echo "== $$bench"; $(RUN)/python $$bench $(ARGS) || exit 1; done

lock: $(VENV)/.lock
	$(RUN)/python tools/lock.py $(ARGS)

clean:
	rm -rf $(VENV) .venv-3.13 assets demo build dist docs/_build hook/*.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage

$(RUN)/python:
	@command -v $(PYTHON) >/dev/null || { echo 'make: $(PYTHON) is not installed: install it (apt-get install python3 python3-venv)' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo 'make: Python 3.10 or newer is needed: name one, make PYTHON=...' >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo 'make: $(PYTHON) cannot make environments: install its venv module (apt-get install python3-venv)' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# One marker an extra of pyproject.toml: installed once, and again when that file changes.
$(VENV)/.%: pyproject.toml | $(RUN)/python
	@echo 'Installing what "$*" needs into $(VENV) (once) ...'
	@$(RUN)/python tools/install.py --editable '.[$*]' || { echo 'make: the Python packages could not be installed (see above; is there a network?)' >&2; exit 1; }
	@touch $@
