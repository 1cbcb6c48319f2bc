"""A journal that all processes of a simulation share."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.simulation import simulation

if TYPE_CHECKING:
    from collections.abc import Callable

    from attach_confirm import JournalEntry

_FAILURE_SHARE = 0.05


class SimulatedJournal:
    """A journal in memory. Each method is atomic, and processes switch and crash around it.

    Args:
        simulation: The simulation.

    Attributes:
        entries: The entries by key.
    """

    def __init__(self, simulation: simulation.Simulation) -> None:
        self.entries: dict[str, JournalEntry] = {}
        self._simulation = simulation

    def get(self, key: str) -> JournalEntry | None:
        """Return the entry of a key, or None."""
        return self._call("get", lambda: self.entries.get(key))

    def claim(self, key: str, entry: JournalEntry) -> JournalEntry:
        """Store an entry unless the key has one, and return the stored one."""
        return self._call("claim", lambda: self.entries.setdefault(key, entry))

    def mark_confirmed(self, key: str) -> None:
        """Mark the entry of a key as confirmed."""

        def mark() -> None:
            if key in self.entries:
                self.entries[key] = replace(self.entries[key], confirmed=True)

        self._call("mark_confirmed", mark)

    def delete(self, key: str) -> None:
        """Delete the entry of a key."""
        self._call("delete", lambda: self.entries.pop(key, None))

    def _call(self, name: str, function: Callable[[], Any]) -> Any:
        self._simulation.before_journal_call()
        self._maybe_fail()
        self._simulation.counts[f"journal calls {name}"] += 1
        result = function()
        simulation.current_process.get().maybe_crash("after")
        self._maybe_fail()
        return result

    def _maybe_fail(self) -> None:
        run = self._simulation
        if run.schedule.journal_fails and run.rng.random() < _FAILURE_SHARE:
            raise sqlite3.OperationalError("database is locked")
