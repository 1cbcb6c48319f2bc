"""Tell the service's answers from others'."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from botocore.utils import parse_timestamp

from attach_confirm._exceptions import UnexpectedResponseError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import OperationModel
    from types_boto3_connectparticipant.client import ConnectParticipantClient


def get_member(operation: str, answer: Mapping[str, Any], *path: str) -> Any:
    """Return the member at a path of an answer.

    botocore parses an HTTP 200 of anything, a proxy's page or half a body, into an answer that
    lacks members.

    Raises:
        UnexpectedResponseError: The member is missing.
    """
    value: Any = answer
    for name in path:
        if name not in value:
            raise UnexpectedResponseError(operation, f"it holds no {'.'.join(path)}")
        value = value[name]
    return value


def get_timestamp(operation: str, answer: Mapping[str, Any], *path: str) -> datetime:
    """Return the time at a path of an answer, aware and in UTC.

    The service writes times with and without milliseconds.

    Raises:
        UnexpectedResponseError: The member is missing, or no time.
    """
    text = get_member(operation, answer, *path)
    try:
        time = parse_timestamp(text)
        return time.replace(tzinfo=time.tzinfo or timezone.utc).astimezone(timezone.utc)
    except (ValueError, OverflowError, RuntimeError):
        raise UnexpectedResponseError(
            operation, f"its {'.'.join(path)} is no time: {text!r}"
        ) from None


def register_response_validation(client: ConnectParticipantClient) -> None:
    """Look at the bodies that this client gets, for botocore fails or sees success in any.

    A success whose body is not a JSON object, or is truncated, raises UnexpectedResponseError.
    An error page becomes a JSON object with its text as the message, so that botocore can still
    retry it.
    """
    client.meta.events.register_first("before-parse.connectparticipant", _validate_body)


def _validate_body(
    operation_model: OperationModel, response_dict: dict[str, Any], **_: Any
) -> None:
    text = response_dict["body"].decode(errors="replace").strip()
    success = response_dict["status_code"] < HTTPStatus.MULTIPLE_CHOICES
    if success and is_truncated(response_dict["headers"], response_dict["body"]):
        got, declared = len(response_dict["body"]), response_dict["headers"]["Content-Length"]
        problem = f"its body ended after {got} of {declared} bytes"
        raise UnexpectedResponseError(operation_model.name, problem)
    if text and not text.startswith("{"):
        if success:
            kind = response_dict["headers"].get("Content-Type", "of an unknown type")
            raise UnexpectedResponseError(
                operation_model.name, f"its body is {kind}, no JSON object"
            )
        text = json.dumps({"message": text})
    response_dict["body"] = text.encode()


def is_truncated(headers: Mapping[str, str], body: bytes) -> bool:
    """Tell whether a body is shorter than was declared, for botocore has urllib3 take it."""
    declared = headers.get("Content-Length", "")
    return declared.isdecimal() and len(body) < int(declared)


def require_service_response(operation: str, metadata: Mapping[str, Any]) -> None:
    """Refuse an answer without members that the service did not give.

    An answer of the service bears a request id. One that bears none, and says that its body is
    something else than JSON, came from a proxy or a captive portal.

    Args:
        operation: The API operation that was called.
        metadata: The answer's `ResponseMetadata`.

    Raises:
        UnexpectedResponseError: It is not the service's.
    """
    content_type = metadata.get("HTTPHeaders", {}).get("content-type", "application/json")
    if "RequestId" not in metadata and "json" not in content_type.lower():
        raise UnexpectedResponseError(operation, f"no request id, and a body of {content_type}")
