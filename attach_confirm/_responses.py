"""Read responses, and reject those that are truncated or did not come from the service."""

from __future__ import annotations

import json
import math
from datetime import datetime, timezone
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from botocore.utils import parse_timestamp

from attach_confirm._exceptions import UnexpectedResponseError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.exceptions import ClientError
    from botocore.model import OperationModel
    from types_boto3_connectparticipant.client import ConnectParticipantClient

_JSON_TYPES = {
    "integer": int,
    "list": list,
    "long": int,
    "map": dict,
    "string": str,
    "structure": dict,
}


def get_member(operation: str, response: Mapping[str, Any], *path: str) -> Any:
    """Return a member of a parsed response.

    botocore parses any HTTP 200, even a proxy's page or a truncated body, into a response without
    members.

    Args:
        operation: Name of the API operation. Used in error messages.
        response: The response that botocore returned.
        *path: Member names from the outermost to the innermost.

    Raises:
        UnexpectedResponseError: The member is missing.
    """
    value: Any = response
    for name in path:
        if name not in value:
            raise UnexpectedResponseError(operation, f"missing {'.'.join(path)}")
        value = value[name]
    return value


def get_timestamp(operation: str, response: Mapping[str, Any], *path: str) -> datetime:
    """Return a timestamp member of a parsed response, as a timezone-aware datetime in UTC.

    The service sends timestamps with and without milliseconds.

    Args:
        operation: Name of the API operation. Used in error messages.
        response: The response that botocore returned.
        *path: Member names from the outermost to the innermost.

    Raises:
        UnexpectedResponseError: The member is missing or is not a timestamp.
    """
    value = get_member(operation, response, *path)
    timestamp = parse_time(value)
    if timestamp is None:
        raise UnexpectedResponseError(
            operation, f"invalid timestamp in {'.'.join(path)}: {value!r}"
        )
    return timestamp


def parse_time(value: Any) -> datetime | None:
    """Return a timestamp as a timezone-aware datetime in UTC, or None if it is malformed.

    Args:
        value: A number of seconds, or a string in ISO 8601 or in the format of HTTP headers.
    """
    try:
        time: datetime = parse_timestamp(value)
        return time.replace(tzinfo=time.tzinfo or timezone.utc).astimezone(timezone.utc)
    except (ValueError, OverflowError, RuntimeError):
        return None


def get_error_code(error: ClientError) -> str:
    """Return the error code of a response, or "" if it has none."""
    code: str = error.response.get("Error", {}).get("Code", "")
    return code


def get_status_code(error: ClientError) -> int:
    """Return the HTTP status code of a response, or 0 if it is unknown."""
    status_code: int = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status_code


def register_response_validation(client: ConnectParticipantClient) -> None:
    """Validate the body of every response that the client receives.

    botocore accepts any 2xx body as a success. With this handler, `UnexpectedResponseError` is
    raised if the body of a success is truncated, is not a JSON object, or has a member of another
    type than in the service model. An error page is converted to a JSON object with the page as
    its message, so that botocore can parse and retry it.

    Args:
        client: The client whose responses are validated.
    """
    client.meta.events.register_first("before-parse.connectparticipant", _validate_body)


def _validate_body(
    operation_model: OperationModel, response_dict: dict[str, Any], **_: Any
) -> None:
    body, headers = response_dict["body"], response_dict["headers"]
    is_success = response_dict["status_code"] < HTTPStatus.MULTIPLE_CHOICES
    if is_success and is_truncated(headers, body):
        raise UnexpectedResponseError(
            operation_model.name,
            f"the body ended after {len(body)} of {headers['Content-Length']} bytes",
        )
    text = body.decode(errors="replace").strip()
    members = _parse_object(text or "{}")
    if members is None:
        if is_success:
            content_type = headers.get("Content-Type", "unknown")
            raise UnexpectedResponseError(
                operation_model.name,
                f"the body is not a JSON object (content type: {content_type})",
            )
        text = json.dumps({"message": text})
    elif is_success:
        _require_types(operation_model.name, operation_model.output_shape, members)
    response_dict["body"] = text.encode()


def _parse_object(text: str) -> dict[str, Any] | None:
    """Return a JSON object, or None if the text is something else."""
    try:
        value = json.loads(text) if text.startswith("{") else None
    except (ValueError, RecursionError):
        return None
    return value


def _require_types(operation: str, shape: Any, value: Any, path: str = "") -> None:
    """Raise if a member has another JSON type than in the service model.

    botocore's parser would raise an `AttributeError`, `TypeError` or `ValueError`.
    """
    expected_type = _JSON_TYPES.get(shape.type_name, type(value))
    # `get_timestamp` validates times, which may be numbers.
    if type(value) is not expected_type and shape.name != "ISO8601Datetime":
        raise UnexpectedResponseError(operation, f"{path} is of type {type(value).__name__}")
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            if value.get(name) is not None:
                _require_types(operation, member, value[name], f"{path}.{name}".removeprefix("."))
    elif shape.type_name == "list":
        for index, item in enumerate(value):
            _require_types(operation, shape.member, item, f"{path}[{index}]")


def is_truncated(headers: Mapping[str, str], body: bytes, max_size: float = math.inf) -> bool:
    """Return whether a body is shorter than its Content-Length.

    botocore configures urllib3 to accept truncated bodies.

    Args:
        headers: Response headers; the lookup of `Content-Length` must ignore case.
        body: Response body.
        max_size: Number of bytes after which the body was not read any further.
    """
    size = get_content_length(headers)
    return size is not None and len(body) < min(size, max_size)


def get_content_length(headers: Mapping[str, str]) -> int | None:
    """Return the Content-Length, or None if it is missing or malformed.

    Args:
        headers: Headers; the lookup must ignore case, or all names must be lower case.
    """
    value = headers.get("content-length")
    return int(value) if value and value.isdecimal() else None


def require_service_response(operation: str, metadata: Mapping[str, Any]) -> None:
    """Raise if a response without members did not come from the service.

    The service sets a request ID on every response. A response that was received over HTTP and has
    none came from a proxy or a captive portal. Responses of botocore's Stubber have no headers.

    Args:
        operation: Name of the API operation. Used in error messages.
        metadata: The response's `ResponseMetadata`.

    Raises:
        UnexpectedResponseError: The response did not come from the service.
    """
    headers = metadata.get("HTTPHeaders", {})
    # botocore counts the retries of requests that were sent.
    was_sent = headers or "RetryAttempts" in metadata
    if was_sent and not metadata.get("RequestId"):
        content_type = headers.get("content-type", "unknown type")
        raise UnexpectedResponseError(operation, f"no request id, and a body of {content_type}")
