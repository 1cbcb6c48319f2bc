"""A pytest start with the plugin autoloaded against one without.

Both run a suite of one trivial test, in a process and a folder of their own, so that no
configuration of a project counts. The one loads the plugin as pytest finds it where the package
is installed, the other leaves it out with `-p no:attach_confirm_stubs.plugin`. Neither loads the
other plugins that are installed. The ratio is as `bench._measure.ratio` says. Two starts of the
same kind differ by a twentieth, and hence the many rounds: by itself, loading the plugin takes
half a millisecond.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib.metadata import entry_points
from pathlib import Path

from bench._measure import Row, ratio

_ROUNDS = 100
_LIMIT = 1.02
_PLUGIN = "attach_confirm_stubs.plugin"


def measure() -> list[Row]:
    """Measure the time of a start."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_trivial.py").write_text("def test():\n    pass\n", encoding="utf-8")

        def start(*left_out: str) -> None:
            leaving_out = [f"-pno:{name}" for name in left_out]
            command = [sys.executable, "-I", "-m", "pytest", "--quiet", *leaving_out]
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)

        others = {entry.name for entry in entry_points(group="pytest11")} - {_PLUGIN}
        figure = ratio(lambda: start(*others), lambda: start(*others, _PLUGIN), _ROUNDS)
    return [Row("a pytest start with the plugin", "without it", figure, _LIMIT)]
