"""A pytest start with the plugin autoloaded against one without.

Both run a suite of one trivial test, in a process and a folder of their own, so that no
configuration of a project counts. The one loads the plugin as pytest finds it where the package
is installed, the other leaves it out with `-p no:attach_confirm_stubs.plugin`. The ratio is as
`bench._measure.ratio` says.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from bench._measure import Row, ratio

_ROUNDS = 40
_LIMIT = 1.02
_LEAVING_OUT = ("-p", "no:attach_confirm_stubs.plugin")


def measure() -> list[Row]:
    """Measure the time of a start."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_trivial.py").write_text("def test():\n    pass\n", encoding="utf-8")

        def start(*arguments: str) -> None:
            command = [sys.executable, "-I", "-m", "pytest", "--quiet", *arguments]
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)

        figure = ratio(start, lambda: start(*_LEAVING_OUT), _ROUNDS)
    return [Row("a pytest start with the plugin", "without it", figure, _LIMIT)]
