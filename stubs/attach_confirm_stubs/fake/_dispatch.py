"""Dispatch requests to the response classes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from attach_confirm_stubs.fake import (
    _operations,
    connect_responses,
    exceptions,
    responses,
)
from attach_confirm_stubs.fake._s3_responses import dispatch_s3

if TYPE_CHECKING:
    from attach_confirm_stubs.fake._http import Request, Response

__all__ = ["dispatch", "dispatch_s3"]


def dispatch(request: Request) -> Response:
    """Return the response to a request to the Participant Service or to Amazon Connect.

    Raises:
        exceptions.ResponseNotDelivered: An injected fault affects the connection.
    """
    route = _operations.match_route(request.method, urlsplit(request.url).path)
    if route is None:
        code, message = "UnknownOperationException", "Unknown operation"
        return exceptions.ServiceError(code, message).response
    operation, path_params = route
    if operation in _operations.CONNECT_OPERATIONS:
        return connect_responses.dispatch(request, operation, path_params)
    backend = responses.backend_for(request)
    if backend is None:
        return exceptions.AccessDeniedException().response
    return responses.ConnectParticipantResponse(backend, request, operation, path_params).dispatch()
