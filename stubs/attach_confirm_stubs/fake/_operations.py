"""The operations that the fake implements, with their models and routes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args
from urllib.parse import unquote

from botocore.model import ServiceModel

from attach_confirm_stubs import _service_model

if TYPE_CHECKING:
    from botocore.model import OperationModel

PUT_OBJECT: Literal["PutObject"] = "PutObject"
GET_OBJECT: Literal["GetObject"] = "GetObject"
WEBSOCKET: Literal["Websocket"] = "Websocket"

ConnectParticipantOperation: TypeAlias = Literal[
    "CancelParticipantAuthentication",
    "CompleteAttachmentUpload",
    "CreateParticipantConnection",
    "DescribeView",
    "DisconnectParticipant",
    "GetAttachment",
    "GetAuthenticationUrl",
    "GetTranscript",
    "SendEvent",
    "SendMessage",
    "StartAttachmentUpload",
]
ConnectOperation: TypeAlias = Literal[
    "CreateParticipant",
    "DescribeContact",
    "GetContactAttributes",
    "StartChatContact",
    "StartContactStreaming",
    "StopContact",
    "StopContactStreaming",
    "UpdateContactAttributes",
]
S3Operation: TypeAlias = Literal["GetObject", "PutObject"]
RecordedOperation: TypeAlias = Literal[ConnectParticipantOperation, ConnectOperation, S3Operation]
FaultOperation: TypeAlias = Literal[RecordedOperation, "Websocket"]

CONNECT_OPERATIONS: tuple[str, ...] = get_args(ConnectOperation)
RECORDED_OPERATIONS: tuple[str, ...] = get_args(RecordedOperation)
FAULT_OPERATIONS: tuple[str, ...] = get_args(FaultOperation)


@dataclass(frozen=True, slots=True)
class Route:
    """Which requests belong to an operation.

    Attributes:
        operation: Name of the operation in the API.
        method: HTTP method.
        path: Pattern of the path, with a group for each parameter.
    """

    operation: str
    method: str
    path: re.Pattern[str]


@cache
def _connect_model() -> ServiceModel:
    """Return the service model of Amazon Connect. Loading it takes about 50 ms."""
    loader = _service_model.builtin_loader()
    return ServiceModel(loader.load_service_model("connect", "service-2"), "connect")


def operation_model(name: str) -> OperationModel:
    """Return the model of an operation of the Participant Service or of Amazon Connect."""
    if name in CONNECT_OPERATIONS:
        return _connect_model().operation_model(name)
    return _service_model.operation(name)


def error_codes(name: str) -> list[str]:
    """Return the codes of the errors that an operation declares."""
    return [shape.name for shape in operation_model(name).error_shapes]


def match_route(method: str, path: str) -> tuple[str, dict[str, str]] | None:
    """Return a request's operation and path parameters, or None if no operation matches."""
    routes = _participant_routes() if path.startswith("/participant/") else _connect_routes()
    for route in routes:
        match = route.path.fullmatch(path)
        if match and method == route.method:
            params = {name: unquote(value) for name, value in match.groupdict().items()}
            return route.operation, params
    return None


@cache
def _participant_routes() -> list[Route]:
    # An older botocore does not know all of the operations.
    known = _service_model.service_model().operation_names
    return [_route(name) for name in get_args(ConnectParticipantOperation) if name in known]


@cache
def _connect_routes() -> list[Route]:
    return [_route(name) for name in CONNECT_OPERATIONS]


def _route(operation: str) -> Route:
    http = operation_model(operation).http
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", http["requestUri"])
    return Route(operation, http["method"], re.compile(pattern))
