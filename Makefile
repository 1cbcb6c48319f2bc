PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FLOORS := boto3|moto|pytest|tenacity

# The AWS CLI pins what it needs, so it has an environment of its own; a test runs it.
AWSCLI_VENV := .venv-awscli
export AWSCLI := $(CURDIR)/$(AWSCLI_VENV)/bin/aws

.PHONY: help demo test soak check lint types cover wheel floors bench audit clean

help:
	@echo 'make demo    send a PDF through the embedded fake; needs no AWS account'
	@echo 'make test    run the tests'
	@echo 'make check   run all that CI runs: linters, types, coverage, the wheel'
	@echo 'make floors  run the tests on the oldest releases that setup.cfg admits'
	@echo 'make soak    simulate 100,000 uploads gone wrong; SCHEDULES and SEED choose others'
	@echo 'make bench   measure the figures of the README'
	@echo 'make audit   look the dependencies up in the Python advisory database'

demo: $(VENV)/installed
	$(BIN)/attach-confirm upload --fake docs/receipt.pdf

test: $(VENV)/installed $(AWSCLI_VENV)/installed
	$(BIN)/python -m pytest -n 2

check: lint types cover wheel

lint: $(VENV)/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/installed
	$(BIN)/mypy

# Not pytest-cov: pytest imports the fixtures before it would start to measure.
cover: $(VENV)/installed $(AWSCLI_VENV)/installed
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 2
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# The wheel, made from the source archive, with that archive's tests and none of its sources.
wheel: $(VENV)/installed $(AWSCLI_VENV)/installed
	rm -rf build dist
	$(BIN)/python -m build --outdir dist . >/dev/null
	mkdir -p build/archive
	tar -xzf dist/*.tar.gz -C build/archive --strip-components 1
	rm -r build/archive/attach_confirm build/archive/stubs build/archive/*.egg-info
	$(PYTHON) -m venv build/venv
	build/venv/bin/python -m pip install --quiet "$$(echo dist/*.whl)[test]"
	cd build/archive && ../venv/bin/python -m pytest -n 2
	cd build/archive && ../venv/bin/python -m mypy --strict tests/typing

# With each >= of setup.cfg as ==, and botocore's number, which is boto3's.
floors: $(AWSCLI_VENV)/installed
	rm -rf build/floors
	$(PYTHON) -m venv build/floors
	sed -nE 's/^    ($(FLOORS))(\[.*\])?>=(.*)$$/\1==\3/p' setup.cfg >build/floors/oldest.txt
	sed -n 's/^boto3/botocore/p' build/floors/oldest.txt >>build/floors/oldest.txt
	build/floors/bin/python -m pip install --quiet -c build/floors/oldest.txt --editable '.[test]'
	build/floors/bin/python -m pytest -n 2

soak: $(VENV)/installed
	$(BIN)/python -m tests.simulation --soak $(or $(SCHEDULES),100000) $(if $(SEED),--from $(SEED))

bench: $(VENV)/installed
	$(BIN)/python -m bench

# In an environment of its own, so that pip-audit's dependencies are not ours.
audit:
	$(PYTHON) -m venv build/audited
	build/audited/bin/python -m pip install --quiet --upgrade '.[cli,stubs]'
	build/audited/bin/python -m pip freeze --exclude attach-confirm >build/audited/frozen.txt
	$(PYTHON) -m venv build/audit
	build/audit/bin/python -m pip install --quiet pip-audit
	build/audit/bin/pip-audit --strict --no-deps --disable-pip --requirement build/audited/frozen.txt

$(VENV)/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@

$(AWSCLI_VENV)/installed:
	$(PYTHON) -m venv $(AWSCLI_VENV)
	$(AWSCLI_VENV)/bin/python -m pip install --quiet awscli
	touch $@

clean:
	rm -rf $(VENV) $(AWSCLI_VENV) build dist *.egg-info .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache
