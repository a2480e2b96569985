# Everything lives in .venv of this checkout; servers are cached under the user's cache folder.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
WORKERS ?= 3
SERVERS ?= $(CDC_SERVER_VERSIONS)

.PHONY: help check test demo bench compare-dual-write mutants format clean

help:
	@echo "make demo [ARGS=--once]  a real MySQL and MongoDB, kept equal before your eyes"
	@echo "make test [ARGS=...]     the whole suite, on real servers; WORKERS=0 runs it in one process"
	@echo "make test SERVERS=\"mysql=8.0.31 mariadb=10.5 mongo=5.0.4\"   the same on other versions, or some of them"
	@echo "make check               format, lint, types, import rules, unit tests"
	@echo "make bench               speed, as ratios within one run"
	@echo "make compare-dual-write  what writing twice loses when processes die, and cdc in the same test"
	@echo "make mutants             make mistakes in a copy, see the suite notice each (3 minutes)"

$(VENV)/.ready: requirements-dev.txt pyproject.toml
	@docker/make-venv $(PYTHON) $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

check: $(VENV)/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q -n $(WORKERS) tests/unit

format: $(VENV)/.ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: $(VENV)/.ready
	@$(BIN)/python -m tests.portal.browser.chromium
	CDC_SERVER_VERSIONS="$(SERVERS)" $(BIN)/pytest -n $(WORKERS) --dist worksteal --durations 25 $(ARGS)

demo: $(VENV)/.ready
	@$(BIN)/cdc demo $(ARGS)

bench: $(VENV)/.ready
	$(BIN)/python -m bench $(ARGS)

compare-dual-write: $(VENV)/.ready
	@$(BIN)/python -m bench.dual_write $(ARGS)

mutants: $(VENV)/.ready
	@$(BIN)/python -m tests.mutants $(ARGS)

clean:
	rm -rf $(VENV) build dist *.egg-info
