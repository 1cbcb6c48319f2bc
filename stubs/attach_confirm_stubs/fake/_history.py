"""The calls that came in, with each of their attempts."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from attach_confirm_stubs import _model
from attach_confirm_stubs._calls import Attempt, Calls, FakeCall, hidden
from attach_confirm_stubs._faults import PUT_OBJECT

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(eq=False)
class Recorded:
    """A call that came in, to which attempts are added."""

    operation: str
    params: dict[str, Any]
    attempts: list[Attempt] = field(default_factory=list)


class History:
    """The calls that came in."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._calls: list[Recorded] = []
        self._by_key: dict[tuple[str, str], Recorded] = {}

    def call(self, operation: str, params: Mapping[str, Any], key: str | None) -> Recorded:
        """Return the call that a request is an attempt of.

        Args:
            operation: The operation.
            params: The request's parameters.
            key: What the attempts of one call have in common; None if it is the only one.
        """
        with self._lock:
            known = self._by_key.get((operation, key)) if key else None
            if known is None:
                known = Recorded(operation, hidden(params))
                self._calls.append(known)
                if key:
                    self._by_key[operation, key] = known
            return known

    def snapshot(self) -> Calls[FakeCall]:
        """Return the calls in the order in which they came in."""
        operations = [*_model.service_model().operation_names, PUT_OBJECT]
        with self._lock:
            calls = list(self._calls)
        return Calls(
            operations,
            [FakeCall(made.operation, hidden(made.params), tuple(made.attempts)) for made in calls],
        )
