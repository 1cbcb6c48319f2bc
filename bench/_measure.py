"""Comparisons that other load on the machine hardly affects, and the rows of the table."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HEADER = "| subject | baseline | median | quartiles | limit |\n|---|---|---|---|---|"
MIN_ROUNDS = 7


@dataclass(frozen=True)
class Row:
    """A row of the Markdown table: the median and the quartiles of a benchmark's rounds.

    Attributes:
        subject: What is measured.
        baseline: What it is compared with.
        values: The result of each round: a ratio, or a difference if `unit` is set.
        limit: The highest acceptable median.
        unit: The unit of a difference; empty for a ratio.
    """

    subject: str
    baseline: str
    values: Sequence[float]
    limit: float
    unit: str = ""

    def __str__(self) -> str:
        lower, median, upper = statistics.quantiles(self.values, n=4)
        unit = f" {self.unit}" if self.unit else ""
        median_text, lower_text, upper_text = (
            f"{value:+.1f}" if self.unit else f"{value:.3f}" for value in (median, lower, upper)
        )
        limit = f"{self.limit:+g}" if self.unit else f"{self.limit:.2f}"
        missed = "" if median <= self.limit else " **missed**"
        return (
            f"| {self.subject} | {self.baseline} | {median_text}{unit}"
            f" | {lower_text} to {upper_text} | <= {limit}{unit}{missed} |"
        )


def measure_ratios(
    subject: Callable[[], object], baseline: Callable[[], object], rounds: int
) -> list[float]:
    """Return the ratio of the subject's wall time to the baseline's, one value per round.

    A round runs subject, baseline, baseline, subject and divides the sums, so that a machine that
    becomes faster or slower during the round affects both alike. Every other round swaps the two,
    because two equal functions differed by 0.3% otherwise. The median of the rounds ignores those
    that another process disturbed.

    Args:
        subject: Called twice per round, and once before the first round without being measured.
        baseline: Called as often as the subject.
        rounds: The number of rounds.
    """
    subject()
    baseline()
    return [
        1 / _ratio(baseline, subject) if number % 2 else _ratio(subject, baseline)
        for number in range(rounds)
    ]


def measure_differences(
    subject: Callable[[], object], baseline: Callable[[], object], rounds: int
) -> list[float]:
    """Return how much longer the subject takes than the baseline, in seconds, for each round.

    Args:
        subject: Called once per round, and once before the first round without being measured.
        baseline: Called as often as the subject.
        rounds: The number of rounds.
    """
    subject()
    baseline()
    return [_seconds(subject) - _seconds(baseline) for _ in range(rounds)]


def _ratio(outer: Callable[[], object], inner: Callable[[], object]) -> float:
    first, second, third, fourth = map(_seconds, (outer, inner, inner, outer))
    return (first + fourth) / (second + third)


def _seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start
