"""Carry out schedules: many from a seed, `make soak`, or a single one again.

A run's schedules have the seeds SEED * 1,000,000 and up. Each has one course, so what one of
them found is found again by `python -m tests.simulation --seed N`.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import time
from collections import Counter
from multiprocessing import Pool
from typing import TYPE_CHECKING

from tests.simulation.course import take
from tests.simulation.schedule import schedule
from tests.simulation.times import universe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CHUNK = 250
_APART = 1_000_000
_SHOWN = 20


def main() -> int:
    """Run what the command line says; 1 if anything did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="carry out the one schedule of this seed")
    parser.add_argument("--soak", type=int, metavar="SCHEDULES", help="carry out so many")
    parser.add_argument("--from", type=int, dest="start", metavar="SEED", help="of this run")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="in so many processes")
    given = parser.parse_args()
    if given.seed is not None:
        return replay(given.seed)
    start = secrets.randbelow(1_000_000) if given.start is None else given.start
    return soak(given.soak or 100_000, start, given.jobs)


def replay(seed: int) -> int:
    """Carry out one schedule, and show it and its course."""
    print(schedule(seed), end="\n\n")
    with universe() as fake:
        world = take(seed, fake)
        for call in fake.calls:
            print(call)
    print()
    for caller in world.callers:
        print(f"{caller}: {caller.outcome} after {caller.calls} calls; last heard {caller.error!r}")
    print(*world.violations, f"violations: {len(world.violations)}", sep="\n")
    return bool(world.violations)


def soak(schedules: int, start: int, jobs: int) -> int:
    """Carry out many schedules, and print what happened."""
    print(f"SEED={start}: {schedules:,} schedules in {jobs} processes", flush=True)
    first, began = start * _APART, time.monotonic()
    chunks = [
        range(first + n, first + min(n + _CHUNK, schedules)) for n in range(0, schedules, _CHUNK)
    ]
    figures: Counter[str] = Counter()
    found = 0
    with Pool(jobs) as pool:
        for done, (counted, violations) in enumerate(pool.imap_unordered(chunk, chunks), 1):
            figures += counted
            for seed, violation in violations:
                found += 1
                if found <= _SHOWN:
                    print(f"{violation}\n  again: python -m tests.simulation --seed {seed}")
            if sys.stderr.isatty():
                print(f"\r{done * 100 // len(chunks)} %", end="\r", file=sys.stderr, flush=True)
    for line in _told(figures):
        print(line)
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    print(f"violations: {found} (SEED={start}, {minutes} min {seconds} s)")
    return bool(found)


def chunk(seeds: Sequence[int]) -> tuple[Counter[str], list[tuple[int, str]]]:
    """Carry out some schedules, and return their figures and what did not hold, by seed."""
    figures: Counter[str] = Counter()
    violations = []
    with universe() as fake:
        for seed in seeds:
            world = take(seed, fake)
            figures += world.figures
            violations += [(seed, violation) for violation in world.violations]
    return figures, violations


def _told(figures: Counter[str]) -> Iterator[str]:
    """Yield a line for each kind of figures: the part of the name before its last word."""
    for kind in sorted({name.rpartition(" ")[0] for name in figures}):
        of_kind = [
            f"{name.rpartition(' ')[2]} {count:,}"
            for name, count in sorted(figures.items())
            if name.rpartition(" ")[0] == kind
        ]
        yield f"{kind + ': ' if kind else ''}{', '.join(of_kind)}"


if __name__ == "__main__":
    sys.exit(main())
