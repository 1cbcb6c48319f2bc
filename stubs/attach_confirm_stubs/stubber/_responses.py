"""Responses of stubbed calls, as botocore would parse them from the service's HTTP responses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote
from uuid import uuid4

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ParamValidationError
from botocore.parsers import create_parser
from botocore.validate import validate_parameters

from attach_confirm_stubs import _service_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.model import ListShape, OperationModel, Shape, StructureShape

_TIMESTAMP_SHAPES = frozenset({"ISO8601Datetime", "Instant"})
_DEFAULT_TIMESTAMP = "2024-01-01T00:00:00.000Z"
_DEFAULT_EXPIRY = "2099-12-31T23:59:59.000Z"
_MUTABLE_TYPES = (dict, list)
# The domain belongs to AWS, and no name in this region resolves. Only AWS can create a bucket whose
# name begins with `amzn-s3-demo-`.
_DOMAIN = "us-stub-1.amazonaws.com"
_WEBSOCKET_URL = f"wss://chat.transport.connect.{_DOMAIN}/chat?token=stub"
_PRESIGNED_URL = (
    f"https://amzn-s3-demo-stub.s3.{_DOMAIN}/stub?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Date=20240101T000000Z&X-Amz-SignedHeaders=host&X-Amz-Expires=300"
    "&X-Amz-Credential=ASIASTUBSTUBSTUBSTUB%2F20240101%2Fus-stub-1%2Fs3%2Faws4_request"
    f"&X-Amz-Signature={'5eed' * 16}"
)
_DEFAULT_STRINGS = {
    "Arn": "arn:aws:connect:us-stub-1:123456789012:instance/stub/view/stub",
    "AttachmentName": "attachment.txt",
    "Content": "Hello",
    "ContentType": "text/plain",
    "DisplayName": "Agent",
    "InputSchema": "{}",
    "Template": "{}",
    "Type": "MESSAGE",
}


class StubbedResponse:
    """An HTTP response and the dict that botocore parses it into.

    Attributes:
        parsed: The response that the client returns, or the `response` of the ClientError.
        http_response: The HTTP response, of which botocore reads only the status.
    """

    def __init__(self, status: int, parsed: Mapping[str, Any], raw: Any = None) -> None:
        make_http_response: Any = AWSResponse
        self.parsed = parsed
        self.http_response: AWSResponse = make_http_response(None, status, {}, raw)

    def to_result(self, client: Any, operation: str, *, is_last_use: bool) -> Any:
        """Return what the call returns, or the exception that it raises.

        Args:
            client: The client, for its exception classes.
            operation: The operation that was called.
            is_last_use: Whether no later call uses the response, so that a copy is not needed.
        """
        parsed = self.parsed if is_last_use else deep_copy(self.parsed)
        if self.http_response.status_code < HTTPStatus.MULTIPLE_CHOICES:
            return parsed
        return client.exceptions.from_code(parsed["Error"]["Code"])(parsed, operation)


def deep_copy(value: Any) -> Any:
    """Copy dicts and lists recursively; share other objects, because a body may be a stream."""
    if isinstance(value, dict):
        copied = dict(value)
        for name, item in copied.items():
            if isinstance(item, _MUTABLE_TYPES):
                copied[name] = deep_copy(item)
        return copied
    return [deep_copy(item) for item in value] if isinstance(value, list) else value


def success_response(operation: str, response: Mapping[str, Any]) -> StubbedResponse:
    """Build a complete response: the default one, overridden by `response`.

    Raises:
        TypeError: `response` is not a dict.
        ParamValidationError: `response` does not match the operation's output shape.
    """
    if not isinstance(response, Mapping):
        raise TypeError(f"response must be a dict or a callable that returns one, not {response!r}")
    model = _service_model.operation(operation)
    shape = cast("StructureShape", model.output_shape)
    overrides = {name: value for name, value in response.items() if name != "ResponseMetadata"}
    members = _deep_merge(_default_value(shape, operation), overrides)
    validate_parameters(members, shape)
    problems = [
        *_service_model.constraint_violations(shape, members),
        *_invalid_timestamps(shape, members, ""),
    ]
    if problems:
        raise ParamValidationError(report="\n".join(problems))
    parsed = _parse_like_botocore(model, HTTPStatus.OK, {}, members)
    metadata = deep_copy(response.get("ResponseMetadata", {}))
    parsed["ResponseMetadata"] = _deep_merge(parsed["ResponseMetadata"], metadata)
    return StubbedResponse(HTTPStatus.OK, parsed)


def complete_response(
    operation: str, response: StubbedResponse, request_params: Mapping[str, Any]
) -> StubbedResponse:
    """Return a response with the members that depend on the request."""
    if operation != "StartAttachmentUpload":
        return response
    parsed = deep_copy(response.parsed)
    headers = parsed["UploadMetadata"]["HeadersToInclude"]
    overridden = {name.lower() for name in headers}
    for name, value in _upload_headers(request_params).items():
        if name.lower() not in overridden:
            headers[name] = value
    return StubbedResponse(HTTPStatus.OK, parsed)


def _upload_headers(params: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that the service signs, without those that name the account."""
    name = quote(params["AttachmentName"], safe="", errors="replace")
    return {
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
        "Content-Length": str(params["AttachmentSizeInBytes"]),
        "Content-Type": params["ContentType"],
        "x-amz-acl": "bucket-owner-full-control",
    }


def error_response(
    operation: str, code: str, message: str | None, *, unmodeled: bool
) -> StubbedResponse:
    """Build an error response with the HTTP status and members that the model declares.

    Raises:
        ValueError: The operation does not declare `code` and `unmodeled` is false, or `code` is
            a number but not an HTTP error status.
    """
    if not unmodeled:
        declared = _service_model.error_codes(operation)
        hint = "; pass unmodeled=True to inject it anyway"
        _service_model.check_error_code(operation, code, declared, hint=hint)
    body: dict[str, Any] = {}
    if code.isdigit():
        status, headers = int(code), {}
        if status not in range(HTTPStatus.BAD_REQUEST, 600):
            raise ValueError(f"error_code {code!r} is not an HTTP error status; pass 400 to 599")
    else:
        status, headers = HTTPStatus.BAD_REQUEST, {"x-amzn-errortype": code}
        shape = _service_model.error_shape(code)
        if shape is not None:
            status, body = _service_model.error_status(code), _default_value(shape, code)
    body["Message"] = message or f"{code} injected by attach_confirm_stubs"
    return StubbedResponse(
        status, _parse_like_botocore(_service_model.operation(operation), status, headers, body)
    )


def _parse_like_botocore(
    model: OperationModel, status: int, headers: Mapping[str, str], members: Mapping[str, Any]
) -> dict[str, Any]:
    body = json.dumps(members).encode()
    http_response = {
        "status_code": int(status),
        "headers": {
            "x-amzn-requestid": str(uuid4()),
            "content-type": "application/json",
            "content-length": str(len(body)),
            **headers,
        },
        "body": body,
    }
    parser: Any = create_parser("rest-json")
    parsed: dict[str, Any] = parser.parse(http_response, model.output_shape)
    error_shape = _service_model.error_shape(parsed["Error"]["Code"]) if "Error" in parsed else None
    if error_shape is not None:
        parsed.update(parser.parse(http_response, error_shape))
    parsed["ResponseMetadata"]["RetryAttempts"] = 0
    return parsed


def _default_value(shape: Shape, name: str) -> Any:
    """Return a complete value of a shape, but without a NextToken: the page is the last one."""
    if shape.type_name == "structure":
        members = cast("StructureShape", shape).members
        return {n: _default_value(s, n) for n, s in members.items() if n != "NextToken"}
    if shape.type_name == "list":
        return [_default_value(cast("ListShape", shape).member, name)]
    if shape.type_name == "map":
        return {}
    if shape.type_name == "string":
        return _default_string(shape, name)
    return {"boolean": True}.get(shape.type_name, 1)


def _default_string(shape: Shape, name: str) -> str:
    if name in _DEFAULT_STRINGS:
        return _DEFAULT_STRINGS[name]
    choices = shape.metadata.get("enum")
    if choices:
        return str(choices[0])
    if shape.name in _TIMESTAMP_SHAPES:
        return _DEFAULT_EXPIRY if "Expiry" in name else _DEFAULT_TIMESTAMP
    if name == "Url":
        return _WEBSOCKET_URL if shape.name == "PreSignedConnectionUrl" else _PRESIGNED_URL
    if name.endswith("Url"):
        return f"https://stub.{_DOMAIN}/{name}"
    return str(uuid4()) if name.endswith("Id") else name


def _deep_merge(base: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `overrides` merged into it.

    Each item of a list is merged into the default list's only item.
    """
    merged = dict(base)
    for name, value in overrides.items():
        default = merged.get(name)
        if isinstance(value, list) and isinstance(default, list):
            merged[name] = [_merge_value(default[0], item) for item in value]
        else:
            merged[name] = _merge_value(default, value)
    return merged


def _merge_value(base: Any, value: Any) -> Any:
    both_dicts = isinstance(base, dict) and isinstance(value, dict)
    return _deep_merge(base, value) if both_dicts else value


def _invalid_timestamps(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if shape.type_name == "structure":
        for name, member in cast("StructureShape", shape).members.items():
            if name in value:
                yield from _invalid_timestamps(member, value[name], f"{path}.{name}".lstrip("."))
    elif shape.type_name == "list":
        for item in value:
            yield from _invalid_timestamps(cast("ListShape", shape).member, item, f"{path}.member")
    elif shape.name in _TIMESTAMP_SHAPES and not _is_timestamp(value):
        yield f"Value at '{path}' is not an ISO 8601 timestamp with a time zone: {value!r}"


def _is_timestamp(text: str) -> bool:
    # Python 3.10's fromisoformat does not accept the "Z" that the service sends.
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).tzinfo is not None
    except ValueError:
        return False
