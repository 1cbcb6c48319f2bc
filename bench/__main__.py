"""Run the benchmarks and print the results as a Markdown table."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from bench import confirm, download, fake, import_time, pytest_startup, server, stubber, upload
from bench._measure import HEADER, MIN_ROUNDS

BENCHMARKS = {
    "confirm": confirm.measure,
    "upload": upload.measure,
    "download": download.measure,
    "import_time": import_time.measure,
    "stubber": stubber.measure,
    "pytest_startup": pytest_startup.measure,
    "fake": fake.measure,
    "server": server.measure,
}


def main() -> None:
    """Print the machine, then each row as soon as it is measured.

    A missed limit is marked in its row. It does not change the exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "name", nargs="*", help=f"a benchmark to run (default: all): {', '.join(BENCHMARKS)}"
    )
    parser.add_argument(
        "--max-rounds",
        type=int,
        default=sys.maxsize,
        metavar="N",
        help=f"run at most N rounds per row, for a quick trial; N is at least {MIN_ROUNDS}",
    )
    options = parser.parse_args()
    names = options.name or list(BENCHMARKS)
    if unknown := set(names) - BENCHMARKS.keys():
        parser.error(f"unknown benchmark: {', '.join(sorted(unknown))}")
    if options.max_rounds < MIN_ROUNDS:
        parser.error(f"--max-rounds must be at least {MIN_ROUNDS}")
    if "server" in names and find_spec("flask") is None:
        parser.error("the benchmark 'server' runs moto's server; install attach-confirm[bench]")
    print(_machine(), end="\n\n")
    print(HEADER, flush=True)
    for name in names:
        for row in BENCHMARKS[name](options.max_rounds):
            print(row, flush=True)


def _machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("boto3", "botocore", "urllib3"))
    return (
        f"{_cpu()}, {os.cpu_count()} cores, {platform.system()} {platform.release()},"
        f" {platform.python_implementation()} {platform.python_version()}, {packages}"
    )


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = (line.partition(": ")[2] for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())


if __name__ == "__main__":
    main()
