"""What stands between a caller and the service: faults, quotas and the history."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from attach_confirm_stubs.fake import _faults, exceptions
from attach_confirm_stubs.fake._history import Attempt
from attach_confirm_stubs.fake._http import Response
from attach_confirm_stubs.fake.models._chats import clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from attach_confirm_stubs.fake._history import CallRecord
    from attach_confirm_stubs.fake.models import ConnectParticipantBackend

_MESSAGE = "Injected by attach_confirm_stubs."
_PAGE = b"<!DOCTYPE html>\n<title>Sign in</title>\n<p>Sign in to use this network.</p>\n"


def attempt(
    backend: ConnectParticipantBackend,
    call: CallRecord,
    act: Callable[[], Response],
    wait: Callable[[float], object],
    *,
    client_token: str | None = None,
    instance_id: str | None = None,
) -> Response:
    """Answer one attempt of a call, and note what it got.

    Args:
        backend: The service that it is for.
        call: The call.
        act: Does what it asks for.
        wait: Lets seconds pass.
        client_token: The ClientToken of this attempt.
        instance_id: The instance that it is for, where that is known.

    Raises:
        exceptions.ResponseNotDelivered: The answer does not reach the caller.
    """
    fault, committed, heard = backend.faults.take(call.operation), False, None
    try:
        answer = _instead(fault, call.operation)
        if answer is None:
            admitted = not instance_id or backend.quotas.allow_request(instance_id, call.operation)
            answer = act() if admitted else exceptions.ThrottlingException().response
            committed = admitted and answer.status < 300  # noqa: PLR2004
            # Half an answer has its status.
            heard = answer if isinstance(fault, _faults.TruncatedResponse) else None
            _afterwards(fault, answer, wait)
        heard = answer
    finally:
        call.attempts.append(
            Attempt(
                client_token=client_token,
                status=heard.status if heard else None,
                error_code=heard.error_code if heard else None,
                fault=fault,
                committed=committed,
            )
        )
    return answer


def _instead(fault: _faults.Fault | None, operation: str) -> Response | None:
    """Return the answer that a fault gives in the service's place.

    Raises:
        exceptions.ResponseNotDelivered: It gives none.
    """
    match fault:
        case _faults.Throttle():
            return _error(operation, "ThrottlingException", "SlowDown")
        case _faults.ServerError(status=500):
            return _error(operation, "InternalServerException", "InternalError")
        case _faults.ServerError(status=status):
            body = json.dumps({"message": None}).encode()
            return Response(status, {"content-type": "application/json"}, body)
        case _faults.ModeledError(code=code):
            return _error(operation, code, code)
        case _faults.ProxyPage():
            return Response(200, {"content-type": "text/html"}, _PAGE)
        case (
            _faults.ConnectTimeout()
            | _faults.ReadTimeout(after_commit=False)
            | _faults.ConnectionReset(after_commit=False)
        ):
            raise exceptions.ResponseNotDelivered(fault)
    return None


def _afterwards(
    fault: _faults.Fault | None, answer: Response, wait: Callable[[float], object]
) -> None:
    """Let a fault act on the service's answer.

    Raises:
        exceptions.ResponseNotDelivered: It does not reach the caller.
    """
    match fault:
        case _faults.Latency(seconds=seconds):
            wait(seconds)
        case _faults.ReadTimeout() | _faults.ConnectionReset() | _faults.TruncatedResponse():
            raise exceptions.ResponseNotDelivered(fault, answer)


def _error(operation: str, code: str, s3_code: str) -> Response:
    if operation != _faults.PUT_OBJECT:
        return exceptions.ServiceError(code, _MESSAGE).response
    if s3_code == "AccessDenied":
        now = clock.now()
        return exceptions.RequestExpired(now, now).response
    return exceptions.S3Error(s3_code, _MESSAGE).response
