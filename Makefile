PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test soak check lint types cover wheel bench clean

help:
	@echo 'make demo    send a PDF through the embedded fake; needs no AWS account'
	@echo 'make test    run the tests'
	@echo 'make check   run all that CI runs: linters, types, coverage, the wheel'
	@echo 'make soak    simulate 100,000 uploads gone wrong; SCHEDULES and SEED choose others'
	@echo 'make bench   measure the figures of the README'

demo: $(VENV)/installed
	$(BIN)/attach-confirm upload --fake docs/receipt.pdf

test: $(VENV)/installed
	$(BIN)/python -m pytest

check: lint types cover wheel

lint: $(VENV)/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/installed
	$(BIN)/mypy

# Not pytest-cov: pytest imports the fixtures before it would start to measure.
cover: $(VENV)/installed
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# The wheel, made from the source archive, with that archive's tests and none of its sources.
wheel: $(VENV)/installed
	rm -rf build dist
	$(BIN)/python -m build --outdir dist . >/dev/null
	mkdir -p build/archive
	tar -xzf dist/*.tar.gz -C build/archive --strip-components 1
	rm -r build/archive/attach_confirm build/archive/stubs build/archive/*.egg-info
	$(PYTHON) -m venv build/venv
	build/venv/bin/python -m pip install --quiet "$$(echo dist/*.whl)[test]"
	cd build/archive && ../venv/bin/python -m pytest -n 2
	cd build/archive && ../venv/bin/python -m mypy --strict tests/typing

soak: $(VENV)/installed
	$(BIN)/python -m tests.simulation --soak $(or $(SCHEDULES),100000) $(if $(SEED),--from $(SEED))

bench: $(VENV)/installed
	$(BIN)/python -m bench

$(VENV)/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache
