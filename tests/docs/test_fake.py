"""Run the examples in docs/fake.md, and compare its tables with the code."""

import re
from dataclasses import fields

import pytest

from attach_confirm_stubs.fake import _faults
from attach_confirm_stubs.fake._assumptions import Assumptions
from attach_confirm_stubs.server import _admin_api
from tests.docs.markdown import code_blocks, code_spans, read, table_rows

PAGE = read("docs/fake.md")


@pytest.mark.parametrize("example", code_blocks(PAGE, "python"))
def test_python_example_runs(example):
    exec(example, {})


def test_assumptions_table_lists_settings_and_defaults():
    """Most defaults that are not error codes are described in words, so they are not compared."""
    documented = {
        code_spans(setting)[0]: default
        for _, default, setting in table_rows(PAGE, "undocumented behaviour")
    }
    settings = {field.name: field.default for field in fields(Assumptions)}
    assert documented.keys() == {*settings, "fake.scanner", "fake.quotas.limits"}
    error_codes = {
        name: default for name, default in settings.items() if str(default).endswith("Exception")
    }
    assert len(error_codes) > 5
    assert {name: documented[name] for name in error_codes} == error_codes
    for name in ("start_again", "item_appears"):
        assert documented[name].startswith(f'`"{settings[name]}"`: ')


def test_faults_table_lists_each_fault():
    documented = {re.match(r"`(\w+)\(", row[0])[1] for row in table_rows(PAGE, "fault")}
    assert documented == {fault.__name__ for fault in _faults.Fault.__subclasses__()}


def test_admin_api_table_lists_each_path_and_method():
    documented = {}
    for row in table_rows(PAGE, "request"):
        for path in re.findall(r"/_fake/(\w+)", row[0]):
            documented[path] = set(re.findall(r"[A-Z]{3,}", row[0]))
    assert documented == {path: set(methods) for path, methods in _admin_api._ROUTES.items()}
