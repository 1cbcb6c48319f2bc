"""Fixtures of the tests in this directory."""

import gc
import warnings

import pytest


@pytest.fixture(scope="module")
def collected_connections():
    """Collect the connections that a module leaves open, so that no other module's tests fail."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()
