"""The calls that came in, with each of their attempts."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from attach_confirm_stubs import _service_model
from attach_confirm_stubs._calls import CallList, format_call
from attach_confirm_stubs._redaction import redact
from attach_confirm_stubs.fake._faults import PUT_OBJECT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from attach_confirm_stubs.fake._faults import Fault


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request of a call to the fake.

    Attributes:
        client_token: The ClientToken that it bore; None if it bore none.
        status: The HTTP status that it was answered with; None where no answer reached the caller.
        error_code: The code of the error that it was answered with; None without one.
        fault: The fault that was injected into it; None if none was.
        committed: Whether the service did what it was asked.
    """

    client_token: str | None
    status: int | None
    error_code: str | None
    fault: Fault | None
    committed: bool


@dataclass(frozen=True, slots=True, repr=False)
class RecordedCall:
    """One call of an operation of the fake, with each of its attempts.

    The attempts of a call are those that an AWS SDK marks as such (`amz-sdk-invocation-id`), for
    the PUT those to the same upload URL. Any other request is a call of one attempt.

    Attributes:
        operation: The operation's name in the API, such as `CompleteAttachmentUpload`, or
            `PutObject` for the PUT.
        params: The parameters of its first attempt, as they were sent.
        attempts: Its attempts in their order; one that is not answered yet is not among them.
    """

    operation: str
    params: dict[str, Any]
    attempts: tuple[Attempt, ...]

    @property
    def client_token(self) -> str | None:
        """The ClientToken that its first attempt bore; None if it bore none."""
        return self.params.get("ClientToken")

    def __repr__(self) -> str:
        got = [attempt.error_code or attempt.status or "no answer" for attempt in self.attempts]
        call = format_call(self.operation, self.params)
        return f"RecordedCall({call} -> {', '.join(map(str, got))})"


@dataclass(eq=False)
class CallRecord:
    """A call that came in, to which attempts are added."""

    operation: str
    params: dict[str, Any]
    attempts: list[Attempt] = field(default_factory=list)


class History:
    """The calls that came in."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._calls: list[CallRecord] = []
        self._by_key: dict[tuple[str, str], CallRecord] = {}

    def call(self, operation: str, params: Mapping[str, Any], key: str | None) -> CallRecord:
        """Return the call that a request is an attempt of.

        Args:
            operation: The operation.
            params: The request's parameters.
            key: What the attempts of one call have in common; None if it is the only one.
        """
        with self._lock:
            known = self._by_key.get((operation, key)) if key else None
            if known is None:
                known = CallRecord(operation, redact(params))
                self._calls.append(known)
                if key:
                    self._by_key[operation, key] = known
            return known

    def snapshot(self) -> CallList[RecordedCall]:
        """Return the calls in the order in which they came in."""
        operations = [*_service_model.service_model().operation_names, PUT_OBJECT]
        with self._lock:
            calls = list(self._calls)
        return CallList(
            operations,
            [
                RecordedCall(made.operation, redact(made.params), tuple(made.attempts))
                for made in calls
            ],
        )
