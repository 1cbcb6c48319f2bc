"""Carry out schedules: many from a seed, `make soak`, or a single one again.

A run's schedules have the seeds SEED * 1,000,000 and up. Each has one course, so what one of
them found is found again by `python -m tests.simulation --seed N`. For each thousand of them a
process is really killed, with `--kill N` again.
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

from tests.simulation.kills import kill
from tests.simulation.run import take
from tests.simulation.schedule import schedule
from tests.simulation.virtual_time import universe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CHUNK = 250
_APART = 1_000_000
_A_KILL = 1000
_SHOWN = 20
_AGAIN = "python -m tests.simulation"


def main() -> int:
    """Run what the command line says; 1 if anything did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="carry out the one schedule of this seed")
    parser.add_argument("--kill", type=int, metavar="SEED", help="kill the one of this seed")
    parser.add_argument("--soak", type=int, metavar="SCHEDULES", help="carry out so many")
    parser.add_argument("--from", type=int, dest="start", metavar="SEED", help="of this run")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="in so many processes")
    given = parser.parse_args()
    if given.seed is not None:
        return replay(given.seed)
    if given.kill is not None:
        return show(kill(given.kill))
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
    return show(world.violations)


def show(violations: Sequence[str]) -> int:
    """Print what does not hold, and return whether there is such a thing."""
    print(*violations, f"violations: {len(violations)}", sep="\n")
    return bool(violations)


def soak(schedules: int, start: int, jobs: int) -> int:
    """Carry out many schedules, and print what happened."""
    print(f"SEED={start}: {schedules:,} schedules in {jobs} processes", flush=True)
    first, began = start * _APART, time.monotonic()
    chunks = [
        range(first + n, first + min(n + _CHUNK, schedules)) for n in range(0, schedules, _CHUNK)
    ]
    kills = range(first, first + schedules // _A_KILL)
    figures = Counter(kills=len(kills))
    found: list[str] = []
    with Pool(jobs) as pool:
        for done, (counted, violations) in enumerate(pool.imap_unordered(chunk, chunks), 1):
            figures += counted
            found += [f"{text}\n  again: {_AGAIN} --seed {seed}" for seed, text in violations]
            if sys.stderr.isatty():
                print(f"\r{done * 100 // len(chunks)} %", end="\r", file=sys.stderr, flush=True)
        for seed, violations in zip(kills, pool.imap(kill, kills), strict=True):
            found += [f"{text}\n  again: {_AGAIN} --kill {seed}" for text in violations]
    for line in (*_told(figures), *found[:_SHOWN]):
        print(line)
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    print(f"violations: {len(found)} (SEED={start}, {minutes} min {seconds} s)")
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
