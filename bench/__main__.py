"""Run the benchmarks and print their figures as a Markdown table."""

from __future__ import annotations

import argparse
import os
import platform
from importlib.metadata import version
from pathlib import Path

from bench import confirm, fake, import_time, pytest_startup, server, stubber, upload

BENCHMARKS = {
    "confirm": confirm.measure,
    "upload": upload.measure,
    "import_time": import_time.measure,
    "stubber": stubber.measure,
    "pytest_startup": pytest_startup.measure,
    "fake": fake.measure,
    "server": server.measure,
}


def main() -> None:
    """Print the machine, then a row for each figure as soon as it is measured.

    A limit that is missed is marked in its row and changes nothing else.
    """
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("name", nargs="*", help=f"which to run, of {', '.join(BENCHMARKS)}")
    names = parser.parse_args().name or list(BENCHMARKS)
    if unknown := set(names) - BENCHMARKS.keys():
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    print(_machine(), end="\n\n")
    print("| what | against | ratio | limit |\n|---|---|---|---|", flush=True)
    for name in names:
        for row in BENCHMARKS[name]():
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
