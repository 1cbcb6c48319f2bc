PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_VENV := .venv-demo
BENCH_VENV := .venv-bench
AWSCLI_VENV := .venv-awscli

export PIP_DISABLE_PIP_VERSION_CHECK := 1

MUTANTS_VENV := .venv-mutants

.PHONY: help demo test check lint types cover wheel test-oldest soak kills mutants bench audit
.PHONY: clean

help:
	@echo 'make demo         send a PDF through the embedded fake; no AWS account needed'
	@echo 'make test         run the tests'
	@echo 'make check        run everything that CI runs: linters, types, coverage, the wheel'
	@echo 'make test-oldest  run the tests with the oldest dependencies that setup.cfg allows'
	@echo 'make soak         simulate 100,000 failing uploads; set SCHEDULES and SEED to change the run'
	@echo 'make kills        kill 500 processes with SIGKILL while they upload a file; set KILLS and SEED'
	@echo 'make mutants      run mutation tests and print the share of mutants that the tests catch'
	@echo 'make bench        run the benchmarks whose results are in the README'
	@echo 'make audit        check the dependencies for known vulnerabilities'
	@echo 'make clean        remove virtual environments, builds and caches'

# The demo and the benchmarks use separate virtual environments, because their dependencies differ
# from those of the tests.
demo: $(DEMO_VENV)/.stamp
	$(DEMO_VENV)/bin/attach-confirm upload --fake docs/receipt.pdf

test: $(VENV)/.stamp
	$(BIN)/python -m pytest -n 2

check: lint types cover wheel

# import-linter finds attach_confirm_stubs through PYTHONPATH only.
lint: $(VENV)/.check-stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	PYTHONPATH=stubs $(BIN)/lint-imports --no-logo --no-cache

# pyright runs on Node.js; without a `node` on the path, it downloads one.
types: $(VENV)/.check-stamp
	$(BIN)/mypy
	$(BIN)/pyright

# One test runs the AWS CLI and is skipped unless AWSCLI is set.
cover wheel: export AWSCLI := $(CURDIR)/$(AWSCLI_VENV)/bin/aws

# pytest-cov would start too late, because pytest imports the plugin before it.
cover: $(VENV)/.check-stamp $(AWSCLI_VENV)/.stamp
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 2
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# Build the wheel from the source archive, delete the archive's sources, and run its tests against
# the installed wheel.
wheel: $(VENV)/.check-stamp $(AWSCLI_VENV)/.stamp
	rm -rf build dist
	$(BIN)/python -m build --outdir dist . >/dev/null
	mkdir -p build/archive
	tar -xzf dist/*.tar.gz -C build/archive --strip-components 1
	rm -r build/archive/attach_confirm build/archive/stubs build/archive/*.egg-info
	$(PYTHON) -m venv build/venv
	build/venv/bin/python -m pip install --quiet "$$(echo dist/*.whl)[test]" mypy
	cd build/archive && ../venv/bin/python -m mypy --strict tests/typing/without_type_stubs.py
	build/venv/bin/python -m pip install --quiet "$$(echo dist/*.whl)[types]"
	cd build/archive && ../venv/bin/python -m pytest -n 2
	cd build/archive && ../venv/bin/python -m mypy --strict tests/typing

# Turn the lower bounds in setup.cfg into pins. botocore gets boto3's version, because the two are
# released together.
test-oldest:
	rm -rf build/oldest
	$(PYTHON) -m venv build/oldest
	sed -nE 's/^    (boto3|h11|moto|pytest|tenacity|trustme|websockets)(\[.*\])?>=(.*)$$/\1==\3/p' setup.cfg >build/oldest/pins.txt
	sed -n 's/^boto3/botocore/p' build/oldest/pins.txt >>build/oldest/pins.txt
	build/oldest/bin/python -m pip install --quiet -c build/oldest/pins.txt --editable '.[test]'
	build/oldest/bin/python -m pytest -n 2

soak: $(VENV)/.stamp
	$(BIN)/python -m tests.simulation --soak $(or $(SCHEDULES),100000) $(if $(SEED),--from $(SEED))

kills: $(VENV)/.stamp
	$(BIN)/python -m tests.simulation --kills $(or $(KILLS),500) $(if $(SEED),--from $(SEED))

# MODULES=_put,_http selects modules, DIFFS=1 prints the diffs of surviving mutants, RESUME=1
# continues a stopped run, and REPORT=1 prints the results of the last run again.
mutants: $(MUTANTS_VENV)/.stamp
	$(MUTANTS_VENV)/bin/python -m tests.mutants $(if $(DIFFS),--diffs) $(if $(RESUME),--resume) \
		$(if $(REPORT),--report) $(MODULES)

bench: $(BENCH_VENV)/.stamp
	$(BENCH_VENV)/bin/python -m bench

# pip-audit runs in a separate virtual environment, so that it does not audit its dependencies.
audit:
	$(PYTHON) -m venv build/audited
	build/audited/bin/python -m pip install --quiet --upgrade '.[cli,stubs]'
	build/audited/bin/python -m pip freeze --exclude attach-confirm >build/audited/frozen.txt
	$(PYTHON) -m venv build/audit
	build/audit/bin/python -m pip install --quiet pip-audit
	build/audit/bin/pip-audit --strict --no-deps --disable-pip --requirement build/audited/frozen.txt

$(VENV)/.stamp: EXTRAS := test
$(DEMO_VENV)/.stamp: EXTRAS := cli,stubs
$(BENCH_VENV)/.stamp: EXTRAS := bench
$(MUTANTS_VENV)/.stamp: EXTRAS := mutants

# Python compiles the modules that it imports. Compiling all of botocore would take several seconds.
$(VENV)/.stamp $(DEMO_VENV)/.stamp $(BENCH_VENV)/.stamp $(MUTANTS_VENV)/.stamp: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --no-compile --editable '.[$(EXTRAS)]'
	touch $@

$(VENV)/.check-stamp: $(VENV)/.stamp
	$(BIN)/python -m pip install --quiet --no-compile --editable '.[check]'
	touch $@

# The AWS CLI pins its dependencies, so it cannot share a virtual environment with the tests.
$(AWSCLI_VENV)/.stamp:
	$(PYTHON) -m venv $(AWSCLI_VENV)
	$(AWSCLI_VENV)/bin/python -m pip install --quiet awscli
	touch $@

clean:
	rm -rf $(VENV) $(DEMO_VENV) $(BENCH_VENV) $(MUTANTS_VENV) $(AWSCLI_VENV) build dist *.egg-info
	rm -rf .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
