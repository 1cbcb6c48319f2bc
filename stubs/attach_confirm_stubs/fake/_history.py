"""The history of calls to the fake, with each of their attempts."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from attach_confirm_stubs._calls import CallList, format_call
from attach_confirm_stubs._redaction import redact
from attach_confirm_stubs.fake._operations import RECORDED_OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from attach_confirm_stubs.fake._faults import Fault

MAX_CALLS = 50_000


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP request of a call.

    Attributes:
        client_token: The ClientToken of the request, or None if it has none.
        status: The HTTP status of the response, or None if the client received no response.
        error_code: The error code of the response, or None if it has none.
        fault: The injected fault, or None.
        committed: Whether the service processed the request.
    """

    client_token: str | None
    status: int | None
    error_code: str | None
    fault: Fault | None
    committed: bool


@dataclass(frozen=True, slots=True, repr=False)
class RecordedCall:
    """One call of an operation, with all of its attempts.

    Requests with the same `amz-sdk-invocation-id` header, which AWS SDKs send, are attempts of
    one call. PUTs of the same attachment are as well, and GETs of the same URL. Any other request
    is a call with one attempt.

    Attributes:
        operation: The operation's name in the API, for example `CompleteAttachmentUpload`, or
            `PutObject` for the PUT and `GetObject` for the GET.
        params: The parameters of the first attempt, as they were sent.
        attempts: The finished attempts, in order.
    """

    operation: str
    params: dict[str, Any]
    attempts: tuple[Attempt, ...]

    @property
    def client_token(self) -> str | None:
        """The ClientToken of the first attempt, or None if it has none."""
        return self.params.get("ClientToken")

    def __repr__(self) -> str:
        outcomes = [a.error_code or a.status or "no response" for a in self.attempts]
        call = format_call(self.operation, self.params)
        return f"RecordedCall({call} -> {', '.join(map(str, outcomes))})"


@dataclass(eq=False)
class CallRecord:
    """A call whose attempts are being recorded."""

    operation: str
    params: dict[str, Any]
    invocation_id: str | None
    attempts: list[Attempt] = field(default_factory=list)


class History:
    """The calls that the fake has received most recently."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._calls: deque[CallRecord] = deque()
        self._by_invocation_id: dict[tuple[str, str | None], CallRecord] = {}

    def get_or_create(
        self, operation: str, params: Mapping[str, Any], invocation_id: str | None
    ) -> CallRecord:
        """Return the call that a request belongs to, and record it if it is new.

        Args:
            operation: The operation's name in the API.
            params: The request's parameters.
            invocation_id: An ID that all attempts of the call share, or None if the call has only
                one attempt.
        """
        key = operation, invocation_id
        with self._lock:
            call = self._by_invocation_id.get(key)
            if call is None:
                call = CallRecord(operation, redact(params), invocation_id)
                self._calls.append(call)
                if invocation_id:
                    self._by_invocation_id[key] = call
                if len(self._calls) > MAX_CALLS:
                    oldest = self._calls.popleft()
                    self._by_invocation_id.pop((oldest.operation, oldest.invocation_id), None)
            return call

    def snapshot(self) -> CallList[RecordedCall]:
        """Return a copy of the calls, in the order of their first attempts."""
        with self._lock:
            calls = list(self._calls)
        return CallList(
            RECORDED_OPERATIONS,
            [RecordedCall(c.operation, redact(c.params), tuple(c.attempts)) for c in calls],
        )
