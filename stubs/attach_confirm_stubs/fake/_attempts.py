"""Apply faults and quotas to each attempt, and record it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from attach_confirm_stubs.fake import _faults, _operations, exceptions
from attach_confirm_stubs.fake._clock import clock
from attach_confirm_stubs.fake._history import Attempt
from attach_confirm_stubs.fake._http import Response
from attach_confirm_stubs.fake._operations import GET_OBJECT, PUT_OBJECT

if TYPE_CHECKING:
    from collections.abc import Callable

    from attach_confirm_stubs.fake._history import CallRecord
    from attach_confirm_stubs.fake.models import ConnectParticipantBackend

_MESSAGE = "Injected by attach_confirm_stubs."
# The codes of Amazon Connect, if an operation does not declare that of the Participant Service.
_CONNECT_CODES = {
    "InternalServerException": "InternalServiceException",
    "ThrottlingException": "TooManyRequestsException",
}
_PROXY_PAGE = b"<!DOCTYPE html>\n<title>Sign in</title>\n<p>Sign in to use this network.</p>\n"


def run_attempt(
    backend: ConnectParticipantBackend,
    call: CallRecord,
    handler: Callable[[], Response],
    sleep: Callable[[float], object],
    *,
    client_token: str | None = None,
    instance_id: str | None = None,
) -> Response:
    """Return the response to one attempt of a call, and record the attempt.

    Args:
        backend: The backend, with the faults and quotas to apply.
        call: The record of the call.
        handler: Processes the request and returns the response.
        sleep: Called with the seconds by which to delay a late response.
        client_token: The ClientToken of this attempt, or None.
        instance_id: The Connect instance whose quota applies, or None if the token is unknown.

    Raises:
        exceptions.ResponseNotDelivered: An injected fault affects the connection.
    """
    fault, committed, delivered = backend.faults.pop(call.operation), False, None
    try:
        response = _response_for_fault(fault, call.operation)
        if response is None:
            allowed = not instance_id or backend.quotas.allow_request(instance_id, call.operation)
            response = handler() if allowed else exceptions.ThrottlingException().response
            committed = allowed and response.status < 300  # noqa: PLR2004
            # The client receives the status line of a truncated response.
            delivered = response if isinstance(fault, _faults.TruncatedResponse) else None
            _apply_after_response(fault, response, sleep)
        delivered = response
    finally:
        call.attempts.append(
            Attempt(
                client_token=client_token,
                status=delivered.status if delivered else None,
                error_code=delivered.error_code if delivered else None,
                fault=fault,
                committed=committed,
            )
        )
    return response


def _response_for_fault(fault: _faults.Fault | None, operation: str) -> Response | None:
    """Return the response of a fault that replaces the service's, or None for other faults.

    Raises:
        exceptions.ResponseNotDelivered: The fault prevents both processing and response.
    """
    match fault:
        case _faults.Throttle():
            return _fault_error(operation, "ThrottlingException", "SlowDown")
        case _faults.ServerError(status=500):
            return _fault_error(operation, "InternalServerException", "InternalError")
        case _faults.ServerError(status=status):
            body = json.dumps({"message": None}).encode()
            return Response(status, {"content-type": "application/json"}, body)
        case _faults.ModeledError(code=code):
            return _fault_error(operation, code, code)
        case _faults.ProxyPage():
            return Response(200, {"content-type": "text/html"}, _PROXY_PAGE)
        case (
            _faults.ConnectTimeout()
            | _faults.ReadTimeout(after_commit=False)
            | _faults.ConnectionReset(after_commit=False)
        ):
            raise exceptions.ResponseNotDelivered(fault)
    return None


def _apply_after_response(
    fault: _faults.Fault | None, response: Response, sleep: Callable[[float], object]
) -> None:
    """Apply a fault that delays or prevents the delivery of the service's response.

    Raises:
        exceptions.ResponseNotDelivered: The fault prevents the delivery.
    """
    match fault:
        case _faults.Latency(seconds=seconds):
            sleep(seconds)
        case _faults.ReadTimeout() | _faults.ConnectionReset() | _faults.TruncatedResponse():
            raise exceptions.ResponseNotDelivered(fault, response)


def _fault_error(operation: str, code: str, s3_code: str) -> Response:
    if operation in {PUT_OBJECT, GET_OBJECT}:
        if s3_code == "AccessDenied":
            now = clock.now()
            return exceptions.RequestExpired(now, now).response
        return exceptions.S3Error(s3_code, _MESSAGE).response
    if operation in _operations.CONNECT_OPERATIONS:
        undeclared = code not in _operations.error_codes(operation)
        code = _CONNECT_CODES.get(code, code) if undeclared else code
    return exceptions.ServiceError(code, _MESSAGE).response
