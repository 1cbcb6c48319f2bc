"""What docs/fake.md shows is what happens."""

import re
from pathlib import Path

import pytest

from attach_confirm_stubs import fake
from attach_confirm_stubs.fake import _faults
from attach_confirm_stubs.server import _admin_api

PAGE = (Path(__file__).parents[2] / "docs" / "fake.md").read_text(encoding="utf-8")


def rows(header):
    """Return the rows of the table with this header, each as its cells."""
    (table,) = re.findall(rf"^\| {re.escape(header)}.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in table.splitlines()]


def test_the_python_examples_run():
    """Each Python example runs, one after another."""
    names = {}
    for example in re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE):
        exec(example, names)


def test_the_assumptions_are_those_of_the_module():
    """The page's table has the rows of the docstring."""
    *_, table, _ = fake.__doc__.split("===\n")
    told = [re.split(" {2,}", row) for row in table.splitlines() if not row.startswith("=")]
    shown = rows("not public")
    assert [[a, b, c.strip("`")] for a, b, c in shown] == [[a, b, c.strip("`")] for a, b, c in told]


def test_every_fault_has_its_row():
    """The table names each fault that can be injected."""
    named = {re.match(r"`(\w+)\(", cells[0])[1] for cells in rows("fault")}
    assert named == {kind.__name__ for kind in _faults.Fault.__subclasses__()}


@pytest.mark.parametrize("name", sorted(_admin_api._ACTS))
def test_every_request_of_the_control_has_its_row(name):
    """The table names each path under `/_fake/` with each of its methods."""
    (told,) = (cells[0] for cells in rows("request") if re.search(rf"/_fake/{name}\b", cells[0]))
    assert set(re.findall(r"[A-Z]{3,}", told)) == set(_admin_api._ACTS[name])
