"""The admin API: the fake's handle over HTTP, for tests that are not written in Python.

Request and response bodies are JSON (`application/json`). An invalid request returns 400 with a
`message` that states the problem. `?region=` selects the region; the default is `us-east-1`.

==========================================  =====================================================
Request                                     Behaviour
==========================================  =====================================================
GET /_fake/state                            Return the `chats`, `attachments`, `transcript` and
                                            `calls` of all regions. Tokens are redacted.
POST /_fake/reset                           Delete all state.
POST /_fake/participant_token               Add a participant and return the participant token.
                                            Optional: `contact_id`, `role`, `display_name`.
POST /_fake/connection_token                Add a connected participant and return the connection
                                            token. Same parameters.
POST /_fake/view_token                      Create a view from its members and return the token.
POST /_fake/authentication_session          Start an authentication session for
                                            `connection_token` and return the session ID.
GET /_fake/faults                           Return the pending faults by operation.
POST /_fake/faults                          Queue faults. Required: `operation`, and `faults`, for
                                            example
                                            `[{"fault": "ReadTimeout", "after_commit": true}]`.
DELETE /_fake/faults                        Remove all pending faults.
POST /_fake/scanner                         Add a scanner rule. Required: `rule` (approve, reject
                                            or hold). Optional: the attachment's `name`, and
                                            `after` in seconds (not with hold).
DELETE /_fake/scanner                       Remove all scanner rules.
GET /_fake/clock                            Return the time `now`, and `offset_seconds`: by how
                                            much the clock was advanced.
POST /_fake/clock                           Advance the clock by `advance` seconds.
POST /_fake/quotas                          Set `enabled`. Optional: `real_time` (default true).
GET /_fake/assumptions                      Return the settings of `Assumptions`. Durations are
                                            in seconds.
POST /_fake/assumptions                     Change settings of `Assumptions`.
==========================================  =====================================================
"""

from __future__ import annotations

import json
from dataclasses import MISSING, asdict, fields, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

from moto.core.models import DEFAULT_ACCOUNT_ID

from attach_confirm_stubs._redaction import to_redacted_json
from attach_confirm_stubs.fake import _faults, exceptions
from attach_confirm_stubs.fake._assumptions import start_again_choices
from attach_confirm_stubs.fake._handle import FakeConnectParticipant
from attach_confirm_stubs.fake._http import Response, parse_json_object
from attach_confirm_stubs.fake.models import (
    DEFAULT_REGION,
    all_backends,
    connectparticipant_backends,
    reset_all,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from attach_confirm_stubs.fake._http import Request
    from attach_confirm_stubs.fake.models import ConnectParticipantBackend

_Parser: TypeAlias = "Callable[[Any], Any]"

# 100 years, because datetime cannot represent years above 9999.
_MAX_SECONDS = 100 * 365 * 86_400


class _BadRequest(ValueError):
    """An invalid request; its message goes into the response."""


def respond(request: Request) -> Response:
    """Return the response to a request to the admin API."""
    url = urlsplit(request.url)
    name = url.path.removeprefix("/_fake").strip("/")
    if name not in _ROUTES:
        return error_response(
            404, f"unknown path /_fake/{name}; expected one of {', '.join(_ROUTES)}"
        )
    if request.method not in _ROUTES[name]:
        return error_response(
            405, f"/_fake/{name} does not support {request.method}; use {', '.join(_ROUTES[name])}"
        )
    try:
        params = _parse_json_body(request) if request.method == "POST" else {}
        result = _ROUTES[name][request.method](_fake_for_region(url.query), params)
    except ValueError as error:
        return error_response(400, str(error))
    except exceptions.ErrorResponse as error:
        return error.response
    return _json_response(200, result or {})


def error_response(status: int, message: str) -> Response:
    """Return an error response with a message."""
    return _json_response(status, {"message": message})


def _json_response(status: int, data: dict[str, Any]) -> Response:
    headers = {
        "content-type": "application/json",
        "cache-control": "no-store",
        "cross-origin-resource-policy": "same-origin",
        "x-content-type-options": "nosniff",
    }
    return Response(status, headers, json.dumps(data).encode())


def _fake_for_region(query: str) -> FakeConnectParticipant:
    region = parse_qs(query).get("region", [DEFAULT_REGION])[-1]
    if region not in connectparticipant_backends[DEFAULT_ACCOUNT_ID]:
        raise _BadRequest(f"unknown region {region!r}")
    return FakeConnectParticipant(region)


def _parse_json_body(request: Request) -> dict[str, Any]:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise _BadRequest("the Content-Type header must be application/json")
    return parse_json_object(request.body)


def _parse_params(
    params: Mapping[str, Any], parsers: Mapping[str, _Parser], *, required: Collection[str] = ()
) -> dict[str, Any]:
    """Return the parsed parameters.

    Args:
        params: The parameters as decoded from JSON.
        parsers: The parser of each known parameter.
        required: The names of the parameters that must be present.

    Raises:
        _BadRequest: A parameter is unknown, missing or invalid.
    """
    parsed = {}
    for name, value in params.items():
        if name not in parsers:
            expected = f"one of {', '.join(parsers)}" if parsers else "none"
            raise _BadRequest(f"unknown parameter {name!r}; expected {expected}")
        try:
            parsed[name] = parsers[name](value)
        except _BadRequest as error:
            raise _BadRequest(f"{name!r} {error}") from None
    for name in required:
        if name not in params:
            raise _BadRequest(f"missing parameter {name!r}")
    return parsed


def _of_type(description: str, *types: type) -> _Parser:
    """Return a parser that accepts values of exactly these types."""

    def parse(value: Any) -> Any:
        # isinstance() would accept true as a number, because bool is a subclass of int.
        if type(value) not in types:
            raise _BadRequest(f"must be {description}")
        return value

    return parse


def _in_range(parse_number: _Parser) -> _Parser:
    def parse(value: Any) -> Any:
        if not 0 <= parse_number(value) <= _MAX_SECONDS:
            raise _BadRequest(f"must be between 0 and {_MAX_SECONDS}")
        return value

    return parse


def _one_of(*choices: str) -> _Parser:
    def parse(value: Any) -> Any:
        if value not in choices:
            raise _BadRequest(f"must be one of {', '.join(choices)}")
        return value

    return parse


def _nullable(parser: _Parser) -> _Parser:
    def parse(value: Any) -> Any:
        return None if value is None else parser(value)

    return parse


_boolean = _of_type("true or false", bool)
_integer = _in_range(_of_type("an integer", int))
_list = _of_type("a list", list)
_number = _in_range(_of_type("a number", int, float))
_string = _of_type("a string", str)


def _strings(value: Any) -> list[str]:
    return [_string(item) for item in _list(value)]


def _duration(value: Any) -> timedelta:
    return timedelta(seconds=_number(value))


_FAULT_PARAMS: dict[type[_faults.Fault], dict[str, _Parser]] = {
    _faults.ConnectTimeout: {},
    _faults.ConnectionReset: {"after_commit": _boolean},
    _faults.Latency: {"seconds": _number},
    _faults.ModeledError: {"code": _string},
    _faults.ProxyPage: {},
    _faults.ReadTimeout: {"after_commit": _boolean},
    _faults.ServerError: {"status": _integer},
    _faults.Throttle: {},
    _faults.TruncatedResponse: {},
}
_FAULTS_BY_NAME = {fault_type.__name__: fault_type for fault_type in _FAULT_PARAMS}

# `content_disposition` is missing, because JSON cannot represent a function.
_SETTINGS: dict[str, _Parser] = {
    "complete_before_put": _nullable(_string),
    "complete_again": _nullable(_string),
    "unknown_id": _string,
    "other_chat": _string,
    "not_available": _string,
    "client_token_reused": _nullable(_string),
    "start_again": _one_of(*start_again_choices()),
    "client_token_lifetime": _nullable(_duration),
    "upload_url_lifetime": _duration,
    "max_attachment_bytes": _integer,
    "attachment_extensions": _nullable(_strings),
    "invalid_attachment": _nullable(_string),
    "scanner_timeout": _nullable(_duration),
    "quota_counts": _one_of("started", "completed"),
    "item_appears": _one_of("completed", "decided"),
    "rejected_item": _boolean,
    "chat_ends_with_customer": _boolean,
    "joined_item": _boolean,
    "typing_item": _boolean,
    "joined_early": _boolean,
    "own_typing": _boolean,
    "before_subscription": _one_of("dropped", "queued"),
    "too_many_websockets": _integer,
    "position_included": _boolean,
    "zero_results": _integer,
    "other_contact": _string,
    "unknown_session": _string,
    "no_connection_type": _nullable(_string),
    "webrtc": _string,
    "invalid_request": _string,
    "ended_contact": _string,
    "streamed_attachment_type": _nullable(_string),
    "streamed_receipts": _boolean,
}


def _get_state(_: FakeConnectParticipant, __: dict[str, Any]) -> dict[str, Any]:
    state: dict[str, list[Any]] = {"chats": [], "attachments": [], "transcript": [], "calls": []}
    for backend in all_backends():
        state["chats"] += _serialize_chats(backend)
        state["attachments"] += [
            {
                field.name: getattr(attachment, field.name)
                for field in fields(attachment)
                if field.name != "data"
            }
            for attachment in backend.list_attachments(with_data=False)
        ]
        state["transcript"] += backend.all_items()
        state["calls"] += _serialize_calls(backend)
    return state


def _serialize_chats(backend: ConnectParticipantBackend) -> list[dict[str, Any]]:
    with backend.lock:
        return [
            {
                "contact_id": chat.contact_id,
                "instance_id": chat.instance_id,
                "account_id": backend.account_id,
                "region": backend.region_name,
                "ends_at": chat.expires_at.isoformat(),
                "participants": [
                    {
                        "participant_id": participant.participant_id,
                        "role": participant.role,
                        "display_name": participant.display_name,
                        "connected": participant.connected,
                        "left": participant.disconnected,
                    }
                    for participant in chat.participants
                ],
            }
            for chat in backend.chats.values()
        ]


def _serialize_calls(backend: ConnectParticipantBackend) -> Iterator[dict[str, Any]]:
    for call in backend.history.snapshot():
        attempts = [
            {
                "client_token": attempt.client_token,
                "status": attempt.status,
                "error_code": attempt.error_code,
                "fault": attempt.fault and _serialize_fault(attempt.fault),
                "committed": attempt.committed,
            }
            for attempt in call.attempts
        ]
        params = to_redacted_json(call.params)
        yield {"operation": call.operation, "params": params, "attempts": attempts}


def _reset(_: FakeConnectParticipant, params: dict[str, Any]) -> None:
    _parse_params(params, {})
    reset_all(separate_regions=True)


def _participant_token(fake: FakeConnectParticipant, params: dict[str, Any]) -> dict[str, Any]:
    return {"participant_token": fake.participant_token(**_participant_args(params))}


def _connection_token(fake: FakeConnectParticipant, params: dict[str, Any]) -> dict[str, Any]:
    return {"connection_token": fake.connection_token(**_participant_args(params))}


def _participant_args(params: dict[str, Any]) -> dict[str, Any]:
    parsers = {"contact_id": _string, "role": _string, "display_name": _string}
    return _parse_params(params, parsers)


def _view_token(fake: FakeConnectParticipant, params: dict[str, Any]) -> dict[str, Any]:
    return {"view_token": fake.view_token(**params)}


def _create_authentication_session(
    fake: FakeConnectParticipant, params: dict[str, Any]
) -> dict[str, Any]:
    parsed = _parse_params(params, {"connection_token": _string}, required=["connection_token"])
    return {"session_id": fake.authentication_session(parsed["connection_token"])}


def _list_faults(fake: FakeConnectParticipant, _: dict[str, Any]) -> dict[str, Any]:
    backend = connectparticipant_backends[DEFAULT_ACCOUNT_ID][fake.region_name]
    pending = backend.faults.pending()
    return {name: [_serialize_fault(fault) for fault in faults] for name, faults in pending.items()}


def _add_faults(fake: FakeConnectParticipant, params: dict[str, Any]) -> None:
    parsers = {"operation": _string, "faults": _list}
    parsed = _parse_params(params, parsers, required=parsers)
    fake.inject(parsed["operation"], *map(_parse_fault, parsed["faults"]))


def _parse_fault(data: Any) -> _faults.Fault:
    fault_type = _FAULTS_BY_NAME.get(str(data.get("fault"))) if isinstance(data, dict) else None
    if fault_type is None:
        raise _BadRequest(
            'invalid fault; expected an object such as {"fault": "Throttle"},'
            f" with one of the names {', '.join(_FAULTS_BY_NAME)}"
        )
    params = {name: value for name, value in data.items() if name != "fault"}
    required = [field.name for field in fields(fault_type) if field.default is MISSING]
    return fault_type(**_parse_params(params, _FAULT_PARAMS[fault_type], required=required))


def _serialize_fault(fault: _faults.Fault) -> dict[str, Any]:
    return {"fault": type(fault).__name__, **asdict(fault)}


def _set_scanner_rule(fake: FakeConnectParticipant, params: dict[str, Any]) -> None:
    parsers = {"rule": _one_of("approve", "reject", "hold"), "name": _string, "after": _number}
    parsed = _parse_params(params, parsers, required=["rule"])
    rule, name, after = parsed["rule"], parsed.get("name"), parsed.get("after", 0)
    if rule == "approve":
        fake.scanner.approve(name, after=after)
    elif rule == "reject":
        fake.scanner.reject(name, after=after)
    elif "after" in parsed:
        raise _BadRequest("'after' cannot be combined with the rule hold")
    else:
        fake.scanner.hold(name)


def _get_clock(fake: FakeConnectParticipant, _: dict[str, Any]) -> dict[str, Any]:
    return {"now": fake.clock.now().isoformat(), "offset_seconds": fake.clock.offset_seconds}


def _advance_clock(fake: FakeConnectParticipant, params: dict[str, Any]) -> dict[str, Any]:
    seconds = _parse_params(params, {"advance": _number}, required=["advance"])["advance"]
    if fake.clock.offset_seconds + seconds > _MAX_SECONDS:
        raise _BadRequest("the clock cannot be advanced by more than 100 years in total")
    fake.clock.advance(seconds)
    return _get_clock(fake, {})


def _set_quotas(fake: FakeConnectParticipant, params: dict[str, Any]) -> None:
    parsers = {"enabled": _boolean, "real_time": _boolean}
    parsed = _parse_params(params, parsers, required=["enabled"])
    if parsed["enabled"]:
        fake.quotas.enable(real_time=parsed.get("real_time", True))
    else:
        fake.quotas.disable()


def _get_assumptions(fake: FakeConnectParticipant, _: dict[str, Any]) -> dict[str, Any]:
    values = {name: getattr(fake.assumptions, name) for name in _SETTINGS}
    return {name: _serialize_setting(value) for name, value in values.items()}


def _serialize_setting(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    return value.total_seconds() if isinstance(value, timedelta) else value


def _set_assumptions(fake: FakeConnectParticipant, params: dict[str, Any]) -> dict[str, Any]:
    parsed = _parse_params(params, _SETTINGS)
    # If a value is not valid, this raises, and no setting changes.
    replace(fake.assumptions, **parsed)
    for name, value in parsed.items():
        setattr(fake.assumptions, name, value)
    return _get_assumptions(fake, {})


_ROUTES: dict[
    str, dict[str, Callable[[FakeConnectParticipant, dict[str, Any]], dict[str, Any] | None]]
] = {
    "assumptions": {"GET": _get_assumptions, "POST": _set_assumptions},
    "authentication_session": {"POST": _create_authentication_session},
    "clock": {"GET": _get_clock, "POST": _advance_clock},
    "connection_token": {"POST": _connection_token},
    "faults": {
        "GET": _list_faults,
        "POST": _add_faults,
        "DELETE": lambda fake, _: fake.reset_faults(),
    },
    "participant_token": {"POST": _participant_token},
    "quotas": {"POST": _set_quotas},
    "reset": {"POST": _reset},
    "scanner": {"POST": _set_scanner_rule, "DELETE": lambda fake, _: fake.scanner.reset()},
    "state": {"GET": _get_state},
    "view_token": {"POST": _view_token},
}
