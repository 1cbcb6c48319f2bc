"""Read code blocks and tables from the documentation."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def read(document):
    """Return the text of a document, by its path relative to the repository."""
    return (ROOT / document).read_text(encoding="utf-8")


def code_blocks(text, language):
    """Return the code blocks in a language, in document order."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def table_rows(text, header):
    """Return the rows of the table whose header begins with a cell, as lists of cells."""
    pattern = rf"^\| {re.escape(header)} \|.*\n\|[-|]+\n((?:\|.*\n)+)"
    (table,) = re.findall(pattern, text, re.MULTILINE)
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in table.splitlines()]


def code_spans(cell):
    """Return the inline code of a table cell."""
    return re.findall(r"`([^`]+)`", cell)
