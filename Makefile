# Everything lives in .venv of this checkout; servers are cached under the user's cache folder.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
WORKERS ?= 3
SERVERS ?= $(CDC_SERVER_VERSIONS)

# Each process of a run would compile all that it imports, and each worker rewrite all tests.
unexport PYTHONDONTWRITEBYTECODE

PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Every platform's hashes, and no index: pip asks the one that it is configured for.
COMPILE := $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 \
	--generate-hashes --no-annotate --custom-compile-command "make pins"
COMPILE_PROJECT := $(COMPILE) pyproject.toml
COMPILE_SANDBOX := $(COMPILE_PROJECT) sandbox/pyproject.toml --no-emit-package mysql-mongodb-cdc
COMPILE_GROUP := $(COMPILE) --constraint requirements/dev.txt --group

.PHONY: help check check-native test test-python test-quick coverage demo docs bench compare-dual-write \
	mutants faults fuzz format pins package wheels clean

help:
	@echo "make demo [ARGS=--once]  a real MySQL and MongoDB, kept equal before your eyes"
	@echo "make test [ARGS=...]     the whole suite, on real servers; WORKERS=0 runs it in one process"
	@echo "make test SERVERS=\"mysql=8.0.31 mariadb=10.5 mongo=5.0.4\"   the same on other versions, or some of them"
	@echo "make test-python         the unit tests without the native module"
	@echo "make test-quick          unit and integration, without MariaDB and what takes long (3 minutes)"
	@echo "make check               format, lint, types, import rules, links of the documentation, unit tests"
	@echo "make coverage            which lines the unit tests run; ARGS=\"tests/unit tests/integration\": others"
	@echo "make docs                the documentation as a website, on 127.0.0.1:8000; ARGS=\"--address HOST:PORT\""
	@echo "make bench               speed, as ratios within one run"
	@echo "make compare-dual-write  what writing twice loses when processes die, and cdc in the same test"
	@echo "make mutants             make mistakes in a copy, see the suite notice each (3 minutes)"
	@echo "make mutants ARGS=--campaigns   the same, and have fault campaigns notice them (90 minutes)"
	@echo "make faults [ARGS=\"--minutes 60 --seed 7\"]   fault campaigns, on one topology after the other"
	@echo "make fuzz [ARGS=\"--seconds 600 text_json\"]   look for inputs that something is wrong with"
	@echo "make pins [ARGS=--upgrade]   write requirements/ anew from pyproject.toml"
	@echo "make package             wheels and source archives into dist/"
	@echo "make wheels              the native module's wheel for this machine's architecture into dist/"

# Says something the first time alone: the next time it stands in a file.
once = grep -qsxF '$(1)' $(VENV)/.told || { echo '$(1)'; echo '$(1)' >>$(VENV)/.told; }

$(VENV)/.ready: requirements/dev.txt pyproject.toml sandbox/pyproject.toml
	@echo "installing what is needed into $(VENV): a minute or two, once"
	@docker/make-venv $(PYTHON) $(VENV)
	@$(PIP_INSTALL) --require-hashes --requirement requirements/dev.txt
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable . --editable sandbox
	@touch $@

# Where there is no cargo, or it finds no crates, everything runs without: see docs/native.md.
$(VENV)/.native: $(VENV)/.ready native/Cargo.toml native/Cargo.lock native/pyproject.toml \
		$(wildcard native/src/*.rs native/src/*/*.rs)
	@if ! command -v cargo >/dev/null; then \
		$(call once,no cargo: cdc runs without its native module (docs/native.md)); \
	elif ! cargo --version >/dev/null 2>&1; then \
		$(call once,cargo does not run: cdc runs without its native module; "cargo --version" says why); \
	elif echo "building the native module: a minute or two, once" && PATH="$(abspath $(BIN)):$$PATH" $(PIP_INSTALL) --no-deps --no-build-isolation \
			--force-reinstall ./native >$(VENV)/native.log 2>&1; then \
		touch $@; \
	else \
		echo "the native module was not built, cdc runs without: see $(VENV)/native.log"; \
	fi

$(VENV)/.release: $(VENV)/.ready requirements/release.txt
	@$(PIP_INSTALL) --require-hashes --requirement requirements/release.txt
	@touch $@

$(VENV)/.fuzz: $(VENV)/.native requirements/fuzz.txt
	@$(PIP_INSTALL) --require-hashes --requirement requirements/fuzz.txt
	@touch $@

check: $(VENV)/.native check-native
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m website build
	$(BIN)/pytest -q -n $(WORKERS) tests/unit

# Where the native module was built, its code is held against Rust's formatter and linter too.
check-native: $(VENV)/.native
	@if [ -e $< ] && cargo clippy --version >/dev/null 2>&1; then \
		cd native && cargo fmt --check && \
		PATH="$(abspath $(BIN)):$$PATH" cargo clippy --quiet --locked -- --deny warnings; \
	fi

format: $(VENV)/.ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: $(VENV)/.native
	@$(BIN)/python -m tests.portal.browser.chromium
	CDC_SERVER_VERSIONS="$(SERVERS)" $(BIN)/pytest -n $(WORKERS) --dist worksteal --durations 25 $(ARGS)

test-python: $(VENV)/.ready
	CDC_NATIVE=0 $(BIN)/pytest -q -n $(WORKERS) tests/unit

test-quick: $(VENV)/.native
	CDC_SERVER_VERSIONS="$(SERVERS)" $(BIN)/pytest -q -n $(WORKERS) --dist worksteal --quick \
		$(or $(ARGS),tests/unit tests/integration)

# Processes that tests start are measured too, but for those that are killed: these write nothing.
coverage: $(VENV)/.ready
	@rm -rf build/coverage && mkdir -p build/coverage
	CDC_SERVER_VERSIONS="$(SERVERS)" $(BIN)/coverage run -m pytest -q -n $(WORKERS) --dist worksteal \
		$(or $(ARGS),tests/unit)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

pins: $(VENV)/.ready
	$(COMPILE_SANDBOX) --extra containers --extra kafka --extra portal --group dev \
		--output-file requirements/dev.txt $(ARGS)
	$(COMPILE_PROJECT) --constraint requirements/dev.txt --output-file requirements/run.txt
	$(COMPILE_SANDBOX) --constraint requirements/dev.txt --output-file requirements/sandbox.txt
	$(COMPILE_PROJECT) --constraint requirements/dev.txt --extra portal \
		--output-file requirements/portal.txt
	$(COMPILE_PROJECT) --constraint requirements/dev.txt --extra kafka \
		--output-file requirements/kafka.txt
	$(COMPILE_GROUP) build --output-file requirements/build.txt
	$(COMPILE_GROUP) release --output-file requirements/release.txt
	$(COMPILE_GROUP) fuzz --output-file requirements/fuzz.txt

demo: $(VENV)/.native
	@$(BIN)/cdc demo $(ARGS)

docs: $(VENV)/.ready
	@$(BIN)/python -m website serve $(ARGS)

bench: $(VENV)/.native
	$(BIN)/python -m bench $(ARGS)

compare-dual-write: $(VENV)/.ready
	@$(BIN)/python -m bench.dual_write $(ARGS)

faults: $(VENV)/.native
	@$(BIN)/python -m tests.faults $(ARGS)

mutants: $(VENV)/.ready
	@$(BIN)/python -m tests.mutants $(ARGS)

fuzz: $(VENV)/.fuzz
	@$(BIN)/python -m tests.fuzz $(ARGS)

package: $(VENV)/.release
	@rm -rf dist
	$(BIN)/python -m build --no-isolation
	$(BIN)/python -m build --no-isolation --outdir dist sandbox
	$(BIN)/twine check --strict dist/*

wheels: $(VENV)/.release
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/maturin build --quiet --release --locked --zig \
		--compatibility manylinux2014 --manifest-path native/Cargo.toml --out dist

clean:
	rm -rf $(VENV) build dist *.egg-info
