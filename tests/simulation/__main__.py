"""Simulate uploads: many schedules (`make soak`), or one again.

The schedules of a soak have the seeds SEED * 1,000,000 and up. To repeat the run that violated an
invariant, pass its seed to `--seed`. `--kills` kills real processes instead, with the seeds SEED
and up; pass one to `--kill` to repeat it.
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

from tests.simulation.kills import get_kill, kill_and_resume, kill_many
from tests.simulation.run import run_schedule
from tests.simulation.schedule import create_schedule, is_tls_seed
from tests.simulation.virtual_time import virtual_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CHUNK_SIZE = 250
_SEEDS_PER_SOAK = 1_000_000
_MAX_PRINTED_VIOLATIONS = 20
_COMMAND = "python -m tests.simulation"


def main() -> int:
    """Run the command, and return 1 if an invariant was violated."""
    parser = argparse.ArgumentParser(prog=_COMMAND, description=__doc__)
    parser.add_argument("--seed", type=int, help="run the schedule with this seed")
    parser.add_argument("--kill", type=int, metavar="SEED", help="kill the process with this seed")
    parser.add_argument(
        "--soak", type=int, default=100_000, metavar="SCHEDULES", help="the number of schedules"
    )
    parser.add_argument("--kills", type=int, metavar="KILLS", help="the number of killed processes")
    parser.add_argument(
        "--from",
        type=int,
        dest="first_seed",
        metavar="SEED",
        help="the seed of the soak or of the first kill; random by default",
    )
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count(), help="the number of worker processes"
    )
    options = parser.parse_args()
    if options.seed is not None:
        return replay(options.seed)
    if options.kill is not None:
        return print_violations(kill_and_resume(options.kill))
    if options.first_seed is None:
        options.first_seed = secrets.randbelow(1_000_000)
    if options.kills is not None:
        return kill(options.kills, options.first_seed, options.jobs)
    return soak(options.soak, options.first_seed, options.jobs)


def replay(seed: int) -> int:
    """Run one schedule, and print it, the calls to the fake and the results."""
    print(create_schedule(seed), end="\n\n")
    with virtual_time(tls=is_tls_seed(seed)) as fake:
        simulation = run_schedule(seed, fake)
        for call in fake.calls:
            print(call)
    print()
    for process in simulation.processes:
        print(
            f"{process}: {process.outcome} after {process.calls} calls;"
            f" last error: {process.error!r}"
        )
    return print_violations(simulation.violations)


def print_violations(violations: Sequence[str]) -> int:
    """Print the violations, and return the exit status."""
    print(*violations, f"violations: {len(violations)}", sep="\n")
    return bool(violations)


def soak(schedules: int, soak_seed: int, jobs: int) -> int:
    """Run many schedules, print the counts and violations, and return the exit status."""
    print(f"SEED={soak_seed}: {schedules:,} schedules in {jobs} processes", flush=True)
    first, started_at = soak_seed * _SEEDS_PER_SOAK, time.monotonic()
    seeds = range(first, first + schedules)
    chunks = [seeds[n : n + _CHUNK_SIZE] for n in range(0, schedules, _CHUNK_SIZE)]
    counts: Counter[str] = Counter()
    violations: list[str] = []
    with Pool(jobs) as pool:
        results = pool.imap_unordered(run_chunk, chunks)
        for done, (chunk_counts, chunk_violations) in enumerate(results, 1):
            counts += chunk_counts
            violations += [
                f"{violation}\n  repeat with: {_COMMAND} --seed {seed}"
                for seed, violation in chunk_violations
            ]
            if sys.stderr.isatty():
                print(f"\r{done * 100 // len(chunks)} %", end="\r", file=sys.stderr, flush=True)
    print(*_format_counts(counts), sep="\n")
    print(f"{schedules / (time.monotonic() - started_at):.1f} schedules per second")
    return _print_summary(violations, soak_seed, started_at)


def kill(kills: int, first_seed: int, jobs: int) -> int:
    """Kill processes, print the counts per window and violations, and return the exit status."""
    print(f"SEED={first_seed}: {kills:,} kills in {jobs} processes", flush=True)
    started_at, counts, violations = time.monotonic(), Counter[str](), []
    for seed, kill_violations in kill_many(range(first_seed, first_seed + kills), jobs):
        counts[get_kill(seed).window] += 1
        violations += [
            f"{violation}\n  repeat with: {_COMMAND} --kill {seed}" for violation in kill_violations
        ]
    for window, count in sorted(counts.items()):
        print(f"{window}: {count}")
    return _print_summary(violations, first_seed, started_at)


def _print_summary(violations: Sequence[str], seed: int, started_at: float) -> int:
    print(*violations[:_MAX_PRINTED_VIOLATIONS], sep="\n", end="\n" if violations else "")
    minutes, seconds = divmod(round(time.monotonic() - started_at), 60)
    print(f"violations: {len(violations)} (SEED={seed}, {minutes} min {seconds} s)")
    return bool(violations)


def run_chunk(seeds: Sequence[int]) -> tuple[Counter[str], list[tuple[int, str]]]:
    """Run some schedules, and return their counts, and the violations with their seeds."""
    counts: Counter[str] = Counter()
    violations = []
    for tls in (False, True):
        with virtual_time(tls=tls) as fake:
            for seed in seeds:
                if is_tls_seed(seed) == tls:
                    simulation = run_schedule(seed, fake)
                    counts += simulation.counts
                    violations += [(seed, violation) for violation in simulation.violations]
    return counts, violations


def _format_counts(counts: Counter[str]) -> Iterator[str]:
    """Yield one line per group of counts. The last word of a name is the name in its group."""
    for group in sorted({name.rpartition(" ")[0] for name in counts}):
        members = [
            f"{name.rpartition(' ')[2]} {count:,}"
            for name, count in sorted(counts.items())
            if name.rpartition(" ")[0] == group
        ]
        yield f"{group + ': ' if group else ''}{', '.join(members)}"


if __name__ == "__main__":
    sys.exit(main())
