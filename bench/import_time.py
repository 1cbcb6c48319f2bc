"""Compare `import attach_confirm` with `import boto3`.

A new interpreter imports boto3, then attach_confirm, and divides the processor time of both by that
of the first. boto3's share is by far the larger and varies between interpreters, but is the same on
both sides. attach_confirm imports most of its modules on first use. Each interpreter is isolated
(`-I`), so that it imports the installed packages. The first one is not measured, so that the
bytecode is cached.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from bench._measure import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def measure(max_rounds: int) -> Iterator[Row]:
    """Measure the time of an import."""
    _ratio()
    ratios = [_ratio() for _ in range(min(_ROUNDS, max_rounds))]
    yield Row("`import attach_confirm`", "`import boto3`", ratios, _LIMIT)


def _ratio() -> float:
    command = [sys.executable, "-I", "-c", _IMPORTS]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
