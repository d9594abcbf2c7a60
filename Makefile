# Two commands do everything: `make demo` and `make test`. Each installs what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PYTHONDONTWRITEBYTECODE := 1
# A cloud's SDK that ignores NO_PROXY would send requests for loopback to a proxy; installing may need one all the same.
NO_PROXY_AT_ALL := env -u HTTP_PROXY -u HTTPS_PROXY -u ALL_PROXY -u http_proxy -u https_proxy -u all_proxy

.PHONY: demo demo-stop test soak mutants quick lint types unit docs chart lock controlplane charttools clean

demo: $(VENV)/.installed
	@$(BIN)/python -m demo $(if $(KEEP),--keep)

demo-stop:
	@$(BIN)/python -m demo stop

# Tests of whole systems wait more than they work: twice as many workers as a small machine has processors. The crash matrix
# keeps every processor busy by itself, one half of it each.
test: quick controlplane charttools
	$(NO_PROXY_AT_ALL) $(BIN)/pytest tests --ignore tests/unit --ignore-glob '*/test_matrix_*' -n 4 --dist loadfile
	$(NO_PROXY_AT_ALL) $(BIN)/pytest tests/crash/test_matrix_even.py tests/crash/test_matrix_odd.py -n 2

# What takes too long for every change: the search with three faults, every kill and fault of the crash matrix. An hour or two.
soak: $(VENV)/.installed controlplane
	$(NO_PROXY_AT_ALL) $(BIN)/python -m tests.explore.soak
	$(NO_PROXY_AT_ALL) $(BIN)/python -m tests.crash soak --record

# Mistakes planted in the protocol and mutations of its core: does a test notice each? docs/mutants.md has what none can notice.
mutants: $(VENV)/.installed controlplane
	$(NO_PROXY_AT_ALL) $(BIN)/pytest tests/explore/test_planted.py -n 2
	@$(NO_PROXY_AT_ALL) $(BIN)/python -m mutants

quick: lint types unit

lint: $(VENV)/.installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

types: $(VENV)/.installed
	$(BIN)/mypy

unit: $(VENV)/.installed
	$(NO_PROXY_AT_ALL) $(BIN)/pytest tests/unit -n auto

docs: $(VENV)/.installed
	$(BIN)/python -m docsgen

# What the chart and deploy/ are generated from: crds/, the settings, the chart's own templates.
chart: $(VENV)/.installed
	@$(BIN)/python -m charttools generate

controlplane: $(VENV)/.installed
	@$(BIN)/python -m controlplane

charttools: $(VENV)/.installed
	@$(BIN)/python -m charttools

# Locks carry hashes and no index address.
LOCK = $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet
lock: $(VENV)/.installed
	$(LOCK) requirements/dev.in -o requirements/dev.lock $(UPGRADE)
	$(LOCK) requirements/operator.in -c requirements/dev.lock -o requirements/operator.lock
	$(LOCK) requirements/operator.in requirements/tencent.in -c requirements/dev.lock -o requirements/tencent.lock
	$(LOCK) requirements/emulator.in -c requirements/dev.lock -o requirements/emulator.lock
	$(LOCK) requirements/build.in -c requirements/dev.lock -o requirements/build.lock

$(VENV)/.installed: requirements/dev.lock pyproject.toml emulator/pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes --requirement requirements/dev.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable . --editable emulator
	@touch $@

clean:
	rm -rf $(VENV) .run .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
