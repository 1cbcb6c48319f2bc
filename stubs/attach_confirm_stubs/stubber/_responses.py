"""What a stubbed call gives: a complete answer or a declared error, as the wire would."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ParamValidationError
from botocore.parsers import create_parser
from botocore.validate import validate_parameters

from attach_confirm_stubs import _service_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.model import ListShape, OperationModel, Shape, StructureShape

_TIMES = frozenset({"ISO8601Datetime", "Instant"})
_TIME = "2024-01-01T00:00:00.000Z"
_EXPIRY = "2099-12-31T23:59:59.000Z"
_COPIED = (dict, list)


class StubbedResponse:
    """An HTTP answer and what botocore parses it into.

    Attributes:
        parsed: The answer as the client returns it, or as ClientError's `response`.
        http: The HTTP answer, for botocore, which looks at its status.
    """

    def __init__(self, status: int, parsed: Mapping[str, Any], raw: Any = None) -> None:
        make_http: Any = AWSResponse
        self.parsed = parsed
        self.http: AWSResponse = make_http(None, status, {}, raw)

    def result(self, client: Any, operation: str, *, last: bool) -> Any:
        """Return what the call returns, or the exception that it raises.

        Args:
            client: Knows the exceptions.
            operation: The operation called.
            last: Whether nobody else will use the answer, so that no copy is needed.
        """
        parsed = self.parsed if last else snapshot(self.parsed)
        if self.http.status_code < HTTPStatus.MULTIPLE_CHOICES:
            return parsed
        return client.exceptions.from_code(parsed["Error"]["Code"])(parsed, operation)


def snapshot(value: Any) -> Any:
    """Return a copy, down to what is neither a dict nor a list: a body may be a stream."""
    if isinstance(value, dict):
        copied = dict(value)
        for name, item in copied.items():
            if isinstance(item, _COPIED):
                copied[name] = snapshot(item)
        return copied
    return [snapshot(item) for item in value] if isinstance(value, list) else value


def success(operation: str, response: Mapping[str, Any]) -> StubbedResponse:
    """Make an answer: the complete default one with a response merged over it.

    Raises:
        TypeError: The response is no dict.
        ParamValidationError: It does not fit the operation's output.
    """
    if not isinstance(response, Mapping):
        raise TypeError(f"response is a dict, or a callable that returns one, not {response!r}")
    model = _service_model.operation(operation)
    shape = cast("StructureShape", model.output_shape)
    given = {name: value for name, value in response.items() if name != "ResponseMetadata"}
    members = _merged(_default(shape, operation), given)
    validate_parameters(members, shape)
    problems = [
        *_service_model.constraint_violations(shape, members),
        *_wrong_times(shape, members, ""),
    ]
    if problems:
        raise ParamValidationError(report="\n".join(problems))
    parsed = _on_the_wire(model, HTTPStatus.OK, {}, members)
    metadata = snapshot(response.get("ResponseMetadata", {}))
    parsed["ResponseMetadata"] = _merged(parsed["ResponseMetadata"], metadata)
    return StubbedResponse(HTTPStatus.OK, parsed)


def failure(operation: str, code: str, message: str | None, *, unmodeled: bool) -> StubbedResponse:
    """Make an error answer with the status and members that the model gives it.

    Raises:
        ValueError: The operation does not declare the error, and it is not called unmodeled.
    """
    declared = _service_model.error_codes(operation)
    if code not in declared and not unmodeled:
        raise ValueError(
            f"{operation} does not declare {code}; it declares {', '.join(declared)}."
            " Give unmodeled=True to inject it all the same"
        )
    body: dict[str, Any] = {}
    if code.isdigit():
        status, headers = int(code), {}
        if status not in range(HTTPStatus.BAD_REQUEST, 600):
            raise ValueError(f"{code} is not the HTTP status of an error")
    else:
        status, headers = HTTPStatus.BAD_REQUEST, {"x-amzn-errortype": code}
        shape = _service_model.error_shape(code)
        if shape is not None:
            status, body = _service_model.error_status(code), _default(shape, code)
    body["Message"] = message or f"{code} injected by attach_confirm_stubs"
    return StubbedResponse(
        status, _on_the_wire(_service_model.operation(operation), status, headers, body)
    )


def _on_the_wire(
    model: OperationModel, status: int, headers: Mapping[str, str], members: Mapping[str, Any]
) -> dict[str, Any]:
    body = json.dumps(members).encode()
    wire = {
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
    parsed: dict[str, Any] = parser.parse(wire, model.output_shape)
    shape = _service_model.error_shape(parsed["Error"]["Code"]) if "Error" in parsed else None
    if shape is not None:
        parsed.update(parser.parse(wire, shape))
    parsed["ResponseMetadata"]["RetryAttempts"] = 0
    return parsed


def _default(shape: Shape, name: str) -> Any:
    """Return a complete value of a shape. Of a token for a next page there is none."""
    if shape.type_name == "structure":
        members = cast("StructureShape", shape).members
        return {n: _default(s, n) for n, s in members.items() if n != "NextToken"}
    if shape.type_name == "list":
        return [_default(cast("ListShape", shape).member, name)]
    if shape.type_name == "map":
        return {"Content-Type": "application/octet-stream"}
    if shape.type_name == "string":
        return _default_text(shape, name)
    return {"boolean": True}.get(shape.type_name, 1)


def _default_text(shape: Shape, name: str) -> str:
    choices = shape.metadata.get("enum")
    if choices:
        return str(choices[0])
    if shape.name in _TIMES:
        return _EXPIRY if "Expiry" in name else _TIME
    if name.endswith("Url"):
        return f"https://example.com/{name}"
    return str(uuid4()) if name.endswith("Id") else name


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return the one with the other over it; each item of a list goes over the default item."""
    both = dict(base)
    for name, value in over.items():
        below = both.get(name)
        if isinstance(value, list) and isinstance(below, list):
            both[name] = [_over(below[0], item) for item in value]
        else:
            both[name] = _over(below, value)
    return both


def _over(below: Any, value: Any) -> Any:
    both_are = isinstance(below, dict) and isinstance(value, dict)
    return _merged(below, value) if both_are else value


def _wrong_times(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if shape.type_name == "structure":
        for name, member in cast("StructureShape", shape).members.items():
            if name in value:
                yield from _wrong_times(member, value[name], f"{path}.{name}".lstrip("."))
    elif shape.type_name == "list":
        for item in value:
            yield from _wrong_times(cast("ListShape", shape).member, item, f"{path}.member")
    elif shape.name in _TIMES and not _is_time(value):
        yield f"Value at '{path}' is no ISO 8601 time with a zone: {value!r}"


def _is_time(text: str) -> bool:
    # The "Z" that the service writes is too new for Python 3.10's fromisoformat.
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).tzinfo is not None
    except ValueError:
        return False
