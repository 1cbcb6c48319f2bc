"""Ratios that other processes on the machine do not move, and the table's rows."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Row:
    """A figure and its limit, as a row of the Markdown table.

    Attributes:
        what: What was measured.
        against: What it was measured against.
        value: The figure: a ratio, or with a unit a difference.
        limit: The most that the figure may be.
        unit: The unit of a difference; empty for a ratio.
    """

    what: str
    against: str
    value: float
    limit: float
    unit: str = ""

    def __str__(self) -> str:
        figure = f"{self.value:+.1f} {self.unit}" if self.unit else f"{self.value:.3f}"
        limit = f"{self.limit:+g} {self.unit}" if self.unit else f"{self.limit:.2f}"
        missed = "" if self.value <= self.limit else " **missed**"
        return f"| {self.what} | {self.against} | {figure} | <= {limit}{missed} |"


def ratio(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> float:
    """Return how many times as long ours takes as theirs, by the clock.

    A round is ours, theirs, theirs, ours, so that a machine that becomes slower or faster during
    it does so to both alike, and gives one ratio of sums. The median of the rounds' ratios is
    returned: rounds that another process disturbed do not move it.

    Args:
        ours: Called twice a round, and once unmeasured before the first.
        theirs: Likewise.
        rounds: How many rounds.
    """
    ours()
    theirs()
    return statistics.median(_round(ours, theirs) for _ in range(rounds))


def difference(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> float:
    """Return how many seconds longer ours takes than theirs: the median of the rounds."""
    ours()
    theirs()
    return statistics.median(_seconds(ours) - _seconds(theirs) for _ in range(rounds))


def _round(ours: Callable[[], object], theirs: Callable[[], object]) -> float:
    first, second, third, fourth = map(_seconds, (ours, theirs, theirs, ours))
    return (first + fourth) / (second + third)


def _seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start
