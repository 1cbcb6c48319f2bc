"""What can go wrong with one attempt of a call, for `fake.inject`.

A fault is the outcome of an attempt, not of a call: botocore sees it and may try again. Those
that can come `after_commit` are the ones where the service did what it was asked and the caller
never heard of it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Lock

from attach_confirm_stubs import _service_model

PUT_OBJECT = "PutObject"

# Source: the list of error codes in the S3 API reference.
S3_ERRORS = {
    "AccessDenied": 403,
    "InternalError": 500,
    "RequestTimeout": 400,
    "ServiceUnavailable": 503,
    "SignatureDoesNotMatch": 403,
    "SlowDown": 503,
}
_SERVER_ERRORS = range(500, 600)


@dataclass(frozen=True, slots=True)
class Fault:
    """The root of all faults."""


@dataclass(frozen=True, slots=True)
class Throttle(Fault):
    """ThrottlingException, 429; for the PUT S3's SlowDown, 503. Nothing was done."""


@dataclass(frozen=True, slots=True)
class ServerError(Fault):
    """A 5xx. Nothing was done.

    Attributes:
        status: 500 is InternalServerException, for the PUT S3's InternalError; any other comes
            without a code, as from a load balancer.
    """

    status: int = 500

    def __post_init__(self) -> None:
        if self.status not in _SERVER_ERRORS:
            raise ValueError(f"status={self.status} is no 5xx")


@dataclass(frozen=True, slots=True)
class ModeledError(Fault):
    """An error that the operation declares. Nothing was done.

    Attributes:
        code: Such as "ConflictException". For the PUT one of S3's: "AccessDenied" (the URL has
            expired), "InternalError", "RequestTimeout", "ServiceUnavailable",
            "SignatureDoesNotMatch" or "SlowDown".
    """

    code: str


@dataclass(frozen=True, slots=True)
class ConnectTimeout(Fault):
    """No connection came about. Over the server, it is closed before the request is looked at."""


@dataclass(frozen=True, slots=True)
class ReadTimeout(Fault):
    """No answer came in time. Over the server, none comes until the client gives up.

    Attributes:
        after_commit: Whether the service did what it was asked.
    """

    after_commit: bool = False


@dataclass(frozen=True, slots=True)
class ConnectionReset(Fault):
    """The connection was reset instead of an answer.

    Attributes:
        after_commit: Whether the service did what it was asked.
    """

    after_commit: bool = False


@dataclass(frozen=True, slots=True)
class TruncatedResponse(Fault):
    """The service did it, and the connection was closed in the midst of its answer.

    botocore before 1.43.115 raises ConnectionClosedError for it. Since then it takes what came
    for the whole: a success that lacks members.
    """


@dataclass(frozen=True, slots=True)
class ProxyPage(Fault):
    """A proxy answered in the service's place: 200, and a page of HTML. Nothing was done."""


@dataclass(frozen=True, slots=True)
class Latency(Fault):
    """The answer came late. In-process the fake's clock is advanced; over the server it waits.

    Attributes:
        seconds: How late.
    """

    seconds: float

    def __post_init__(self) -> None:
        if not self.seconds >= 0:
            raise ValueError(f"seconds={self.seconds} is negative")


class FaultQueue:
    """The faults that wait for their attempts, a queue for each operation."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._queues: dict[str, deque[Fault]] = {}

    def inject(self, operation: str, *faults: Fault) -> None:
        """Queue faults, one for each attempt.

        Raises:
            TypeError: One is no fault.
            ValueError: There is no such operation, or it does not declare the error.
        """
        declared = _declared(operation)
        for fault in faults:
            if not isinstance(fault, Fault):
                raise TypeError(f"a fault is an instance such as Throttle(), not {fault!r}")
            if isinstance(fault, ModeledError) and fault.code not in declared:
                raise ValueError(
                    f"{operation} does not declare {fault.code};"
                    f" it declares {', '.join(sorted(declared))}"
                )
        with self._lock:
            self._queues.setdefault(operation, deque()).extend(faults)

    def take(self, operation: str) -> Fault | None:
        """Return the fault of this attempt, if it has one."""
        with self._lock:
            queue = self._queues.get(operation)
            return queue.popleft() if queue else None

    def clear(self) -> None:
        """Drop the faults that are left."""
        with self._lock:
            self._queues.clear()

    def pending(self) -> dict[str, list[Fault]]:
        """Return the faults that are left, by operation."""
        with self._lock:
            return {operation: list(queue) for operation, queue in self._queues.items() if queue}


def _declared(operation: str) -> list[str]:
    if operation == PUT_OBJECT:
        return list(S3_ERRORS)
    operations = _service_model.service_model().operation_names
    if operation not in operations:
        known = ", ".join([*operations, PUT_OBJECT])
        raise ValueError(f"{operation!r} is no operation; there are {known}")
    return _service_model.error_codes(operation)
