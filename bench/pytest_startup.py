"""Compare pytest startup with and without the plugin.

Both run one trivial test, in a new process and in a temporary folder, so that no project's
configuration applies. The subject loads the plugin through its entry point, and the baseline
disables it with `-p no:attach_confirm_stubs.plugin`. Both disable all other plugins. Loading the
plugin takes half a millisecond, but two starts differ by 5%, so many rounds are necessary.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from bench._measure import Row, measure_ratios

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROUNDS = 100
_LIMIT = 1.02
_PLUGIN = "attach_confirm_stubs.plugin"


def measure(max_rounds: int) -> Iterator[Row]:
    """Measure the startup time."""
    other_plugins = {entry.name for entry in entry_points(group="pytest11")} - {_PLUGIN}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_trivial.py").write_text("def test():\n    pass\n", encoding="utf-8")

        def start(*disabled_plugins: str) -> None:
            options = [f"-pno:{name}" for name in disabled_plugins]
            command = [sys.executable, "-I", "-m", "pytest", "--quiet", *options]
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)

        ratios = measure_ratios(
            lambda: start(*other_plugins),
            lambda: start(*other_plugins, _PLUGIN),
            min(_ROUNDS, max_rounds),
        )
    yield Row("pytest startup with the plugin", "without it", ratios, _LIMIT)
