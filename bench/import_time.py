"""`import attach_confirm` against `import boto3`.

A fresh interpreter imports boto3, then attach_confirm, and divides the processor time of both by
that of the first. It is the time that `import attach_confirm` alone takes, for that imports boto3
too, and boto3's share, by far the larger, varies from one interpreter to the next but is the same
on both sides. The median of many interpreters is taken. Each is isolated (`-I`), so that the
packages are found where they are installed, and has the bytecode cached.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

from bench._measure import Row

_ROUNDS = 40
_LIMIT = 1.05
_IMPORTS = """\
import time
start = time.process_time()
import boto3
middle = time.process_time()
import attach_confirm
print((time.process_time() - start) / (middle - start))
"""


def measure() -> list[Row]:
    """Measure the time of an import."""
    _ratio()
    figure = statistics.median(_ratio() for _ in range(_ROUNDS))
    return [Row("`import attach_confirm`", "`import boto3`", figure, _LIMIT)]


def _ratio() -> float:
    command = [sys.executable, "-I", "-c", _IMPORTS]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
