"""Faults that a test injects into single attempts, see `FakeConnectParticipant.inject`.

A fault applies to one attempt of a call, so botocore may retry. With a fault that has
`after_commit=True`, the service processes the request but the client receives no response.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Lock

from attach_confirm_stubs import _service_model
from attach_confirm_stubs.fake import _operations, _wakeups
from attach_confirm_stubs.fake._operations import GET_OBJECT, PUT_OBJECT, WEBSOCKET

# Errors of the PUT. Source: the list of error codes in the S3 API reference.
S3_ERRORS = {
    "AccessDenied": 403,
    "InternalError": 500,
    "RequestTimeout": 400,
    "ServiceUnavailable": 503,
    "SignatureDoesNotMatch": 403,
    "SlowDown": 503,
}
_GET_ERRORS = [*(code for code in S3_ERRORS if code != "RequestTimeout"), "NoSuchKey"]
_SERVER_ERRORS = range(500, 600)


@dataclass(frozen=True, slots=True)
class Fault:
    """The base class of all faults."""


@dataclass(frozen=True, slots=True)
class Throttle(Fault):
    """Return ThrottlingException (429), or S3's SlowDown (503) for the PUT and the GET.

    Operations of Amazon Connect that do not declare ThrottlingException return
    TooManyRequestsException (429). The request is not processed.
    """


@dataclass(frozen=True, slots=True)
class ServerError(Fault):
    """Return a 5xx response. The request is not processed.

    Attributes:
        status: The HTTP status code. 500 returns InternalServerException,
            InternalServiceException for operations of Amazon Connect, or S3's InternalError for
            the PUT and the GET. Any other 5xx has no error code, like a load balancer's response.
    """

    status: int = 500

    def __post_init__(self) -> None:
        if self.status not in _SERVER_ERRORS:
            raise ValueError(f"status={self.status!r} is not a server error; pass 500 to 599")


@dataclass(frozen=True, slots=True)
class ModeledError(Fault):
    """Return an error that the operation declares. The request is not processed.

    Attributes:
        code: The error code, for example "ConflictException". For the PUT and the GET one of
            S3's: "AccessDenied" (the URL has expired), "InternalError", "NoSuchKey" (only the
            GET), "RequestTimeout" (only the PUT), "ServiceUnavailable", "SignatureDoesNotMatch"
            or "SlowDown".
    """

    code: str


@dataclass(frozen=True, slots=True)
class ConnectTimeout(Fault):
    """Fail to connect. The request is not processed.

    The server closes the connection instead, without a response.
    """


@dataclass(frozen=True, slots=True)
class ReadTimeout(Fault):
    """Send no response. The server keeps the connection open until the client closes it.

    Attributes:
        after_commit: Whether the service processes the request.
    """

    after_commit: bool = False


@dataclass(frozen=True, slots=True)
class ConnectionReset(Fault):
    """Reset the connection instead of sending a response, or drop an open websocket.

    Attributes:
        after_commit: Whether the service processes the request.
    """

    after_commit: bool = False


@dataclass(frozen=True, slots=True)
class TruncatedResponse(Fault):
    """Process the request, but close the connection in the middle of the response.

    botocore before 1.43.115 raises ConnectionClosedError. Later versions accept the partial body:
    the call succeeds, and members are missing from its result.
    """


@dataclass(frozen=True, slots=True)
class ProxyPage(Fault):
    """Return an HTML page with status 200, like a captive portal. The request is not processed."""


@dataclass(frozen=True, slots=True)
class Latency(Fault):
    """Process the request, but delay the response.

    In-process, and on a server with `virtual_sleep`, the fake's clock is advanced instead. Other
    servers wait in real time.

    Attributes:
        seconds: The delay, in seconds.
    """

    seconds: float

    def __post_init__(self) -> None:
        if not self.seconds >= 0:
            raise ValueError(f"seconds={self.seconds!r} is negative; pass 0 or more")


class FaultQueue:
    """The injected faults that no attempt has consumed yet, in one queue per operation."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._queues: dict[str, deque[Fault]] = {}

    def inject(self, operation: str, *faults: Fault) -> None:
        """Queue faults, one for each attempt.

        Args:
            operation: The operation's name in the API, or `PutObject`, `GetObject` or
                `Websocket`.
            *faults: The faults, in the order of the attempts.

        Raises:
            TypeError: A fault is not an instance of `Fault`.
            ValueError: `operation` is unknown, or does not declare an error of `faults`; or a
                fault of `Websocket` is not a ConnectionReset.
        """
        declared = _declared_errors(operation)
        for fault in faults:
            if not isinstance(fault, Fault):
                raise TypeError(
                    f"fault: {fault!r} is not a Fault; pass an instance like Throttle()"
                )
            if operation == WEBSOCKET and not isinstance(fault, ConnectionReset):
                raise ValueError(
                    f"fault: {fault!r} does not apply to a websocket; pass ConnectionReset()"
                )
            if isinstance(fault, ModeledError):
                _service_model.check_error_code(operation, fault.code, declared)
        with self._lock:
            self._queues.setdefault(operation, deque()).extend(faults)
        _wakeups.wake_all()

    def pop(self, operation: str) -> Fault | None:
        """Remove and return the fault for the next attempt, or None if the queue is empty."""
        with self._lock:
            queue = self._queues.get(operation)
            return queue.popleft() if queue else None

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._queues.clear()

    def pending(self) -> dict[str, list[Fault]]:
        """Return the faults that no attempt has consumed yet, by operation."""
        with self._lock:
            return {operation: list(queue) for operation, queue in self._queues.items() if queue}


def _declared_errors(operation: str) -> list[str]:
    if operation not in _operations.FAULT_OPERATIONS:
        raise _service_model.unknown_operation(operation, _operations.FAULT_OPERATIONS)
    s3_errors = {PUT_OBJECT: list(S3_ERRORS), GET_OBJECT: _GET_ERRORS, WEBSOCKET: []}
    return s3_errors[operation] if operation in s3_errors else _operations.error_codes(operation)
