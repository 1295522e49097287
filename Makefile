# make run    the whole product on this machine            PORT=8000 make run
# make test   every test, in three runs side by side: browser, unit, the others
# make lint   ruff and mypy
# make openapi  docs/openapi.json, after a change of the API
# make bench  benchmarks/ → tables and var/bench.json
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
export PORT
export PIP_DISABLE_PIP_VERSION_CHECK = 1
.PHONY: run test lint bench openapi clean

run: var/.installed
	@exec $(BIN)/python -m config.up

test: var/.installed-test
	@sh config/chromium.sh
	@mkdir -p var
	@$(BIN)/python -m pytest tests/e2e > var/test-e2e.log 2>&1 & browser=$$!; \
	$(BIN)/python -m pytest tests/unit > var/test-unit.log 2>&1 & unit=$$!; \
	$(BIN)/python -m pytest tests/web tests/api tests/concurrency; rest=$$?; \
	wait $$unit; unit=$$?; wait $$browser; browser=$$?; cat var/test-unit.log var/test-e2e.log; \
	[ $$rest$$unit$$browser = 000 ]

lint: var/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: var/.installed-bench
	$(BIN)/python -m benchmarks

openapi: var/.installed
	$(BIN)/python manage.py export_openapi_schema --api config.api.api --indent 1 --sorted --output docs/openapi.json

var/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Say which one to use: make run PYTHON=python3.12")'
	@mkdir -p var
	@echo "Installing into $(VENV) (once; the machine-learning libraries are large, this can take minutes) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --editable .
	@touch $@

var/.installed-test: pyproject.toml var/.installed
	@echo "Installing what the tests need …"
	@$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $@

var/.installed-bench: var/.installed-test
	@$(BIN)/python -m pip install --quiet --editable '.[test,bench]'
	@$(BIN)/python -m pip install --quiet --editable '.[bench-compiled]' || echo "contextualbandits needs a C++ compiler: left out"
	@touch $@

clean:
	rm -rf var $(VENV)
