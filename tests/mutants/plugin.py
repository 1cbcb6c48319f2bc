"""Settings with which pytest can run repeatedly in one process, as mutmut requires."""

import os
import resource
import sys
import time
from collections import Counter
from itertools import chain

import pytest
from hypothesis import HealthCheck, settings
from mutmut.state import state

_PACKAGES = ("attach_confirm.", "attach_confirm_stubs.")
# The exit code that mutmut reads as "suspicious".
_SUSPICIOUS = 35


def _mutant():
    """Return the name of the active mutant, or of the current phase of mutmut."""
    return os.environ.get("MUTANT_UNDER_TEST", "")


@pytest.hookimpl(trylast=True)
def pytest_configure():
    """Load the hypothesis profile, and clear caches that the code filled before it was mutated."""
    usual = settings.get_profile("attach-confirm")
    # mutmut runs the same test twice, on two instances of its class.
    suppressed = (*usual.suppress_health_check, HealthCheck.differing_executors)
    settings.register_profile("mutants", usual, suppress_health_check=suppressed)
    settings.load_profile("mutants")
    for name, module in list(sys.modules.items()):
        if name.startswith(_PACKAGES):
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()
    if "__mutmut_" in _mutant():
        _limit_cpu_time()


def _limit_cpu_time():
    """Allow a mutant a tenth of the CPU time that mutmut does: three times what its tests take.

    mutmut allows half as many seconds of wall time, which must be many on a busy machine.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    used = time.process_time()
    resource.setrlimit(resource.RLIMIT_CPU, (int(used + (soft - used) / 10) + 1, hard))


def pytest_runtest_makereport(item, call):
    """Add the time that fixtures take to the duration that mutmut measures."""
    if _mutant() == "stats" and call.when != "call":
        state().duration_by_test[item.nodeid] += call.duration


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Run the tests first that reach the fewest functions: they are the most likely to fail."""
    if "__mutmut_" in _mutant():
        reached = Counter(chain.from_iterable(state().tests_by_mangled_function_name.values()))
        items.sort(key=lambda item: reached[item.nodeid])


def pytest_collection_finish(session):
    """Make the next collection name the parameters again.

    pytest caches the IDs of a parametrize mark, and escapes a cached ID again. mutmut selects tests
    by name, and would not find a name with a backslash.
    """
    for item in session.items:
        for mark in item.iter_markers("parametrize"):
            if mark._param_ids_from:
                object.__setattr__(mark._param_ids_from, "_param_ids_generated", None)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(exitstatus):
    """End the process if pytest could not run the tests, which mutmut would read as a failure."""
    if "__mutmut_" in _mutant() and exitstatus == pytest.ExitCode.USAGE_ERROR:
        os._exit(_SUSPICIOUS)
