"""The fake's handle over HTTP, for tests that are not in Python.

JSON in and out, as `application/json`; a request that cannot be done is answered with 400 and a
`message` that says why. `?region=` names another region than `us-east-1`.

==========================================  =====================================================
Request                                     What it does
==========================================  =====================================================
GET /_fake/state                            the `chats`, `attachments`, `transcript` and `calls`
                                            of all regions; tokens are redacted
POST /_fake/reset                           forgets everything
POST /_fake/participant_token               `contact_id`, `role`, `display_name`, each optional
POST /_fake/connection_token                likewise
POST /_fake/view_token                      any members of the view
POST /_fake/authentication_session          `connection_token`
GET /_fake/faults                           the faults that wait, by operation
POST /_fake/faults                          `operation`, and `faults` such as
                                            `[{"fault": "ReadTimeout", "after_commit": true}]`
DELETE /_fake/faults                        drops them
POST /_fake/scanner                         `order`: approve, reject or hold; `name` and `after`
                                            seconds, both optional
DELETE /_fake/scanner                       forgets the orders
GET /_fake/clock                            `now` and by how many seconds it was `advanced`
POST /_fake/clock                           `advance`: seconds
POST /_fake/quotas                          `enabled`; `real_time`, true if not given
GET /_fake/assumptions                      the switches of `Assumptions`, times in seconds
POST /_fake/assumptions                     sets some of them
==========================================  =====================================================
"""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, Field, asdict, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from moto.core.models import DEFAULT_ACCOUNT_ID

from attach_confirm_stubs._redaction import to_plain_json
from attach_confirm_stubs.fake import _faults, exceptions
from attach_confirm_stubs.fake._assumptions import Assumptions
from attach_confirm_stubs.fake._handle import FakeConnectParticipant
from attach_confirm_stubs.fake._http import Response
from attach_confirm_stubs.fake.models import (
    all_backends,
    connectparticipant_backends,
    reset_all,
)
from attach_confirm_stubs.fake.responses import DEFAULT_REGION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from attach_confirm_stubs.fake._http import Request
    from attach_confirm_stubs.fake.models import ConnectParticipantBackend

_FAULTS = {
    fault.__name__: fault
    for fault in (
        _faults.ConnectTimeout,
        _faults.ConnectionReset,
        _faults.Latency,
        _faults.ModeledError,
        _faults.ProxyPage,
        _faults.ReadTimeout,
        _faults.ServerError,
        _faults.Throttle,
        _faults.TruncatedResponse,
    )
}
_KINDS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "bool": (bool, "true or false"),
    "dict": (dict, "an object"),
    "float": ((int, float), "a number"),
    "int": (int, "a whole number"),
    "list": (list, "a list"),
    "str": (str, "a string"),
}
# A century: what is later than that is beyond what times can be written.
_SECONDS = 100 * 365 * 86_400


class _Wrong(ValueError):
    """A request that cannot be done."""


def respond(request: Request) -> Response:
    """Answer a request to the control."""
    url = urlsplit(request.url)
    name = url.path.removeprefix("/_fake").strip("/")
    if name not in _ACTS:
        return _told(404, f"There is no /_fake/{name}; there are {', '.join(_ACTS)}.")
    if request.method not in _ACTS[name]:
        return _told(405, f"/_fake/{name} takes {', '.join(_ACTS[name])}.")
    try:
        params = _params(request) if request.method == "POST" else {}
        answer = _ACTS[name][request.method](_handle(url.query), params)
    except ValueError as error:
        return _told(400, str(error))
    except exceptions.ErrorResponse as refused:
        return refused.response
    return _json(200, answer or {})


def _state(_: FakeConnectParticipant, __: dict[str, Any]) -> dict[str, Any]:
    state: dict[str, list[Any]] = {"chats": [], "attachments": [], "transcript": [], "calls": []}
    for backend in all_backends():
        state["chats"] += _chats(backend)
        state["attachments"] += [
            {
                field.name: getattr(attachment, field.name)
                for field in fields(attachment)
                if field.name != "data"
            }
            for attachment in backend.list_attachments()
        ]
        state["transcript"] += backend.all_items()
        state["calls"] += _calls(backend)
    return state


def _chats(backend: ConnectParticipantBackend) -> list[dict[str, Any]]:
    chats: dict[str, dict[str, Any]] = {}
    with backend.lock:
        for participant in backend.participants.values():
            chat = chats.setdefault(
                participant.chat.contact_id,
                {
                    "contact_id": participant.chat.contact_id,
                    "instance_id": participant.chat.instance_id,
                    "account_id": backend.account_id,
                    "region": backend.region_name,
                    "ends_at": participant.chat.expires_at.isoformat(),
                    "participants": [],
                },
            )
            chat["participants"].append(
                {
                    "participant_id": participant.participant_id,
                    "role": participant.role,
                    "display_name": participant.display_name,
                    "connected": participant.connected,
                    "left": participant.disconnected,
                }
            )
    return list(chats.values())


def _calls(backend: ConnectParticipantBackend) -> Iterator[dict[str, Any]]:
    for call in backend.history.snapshot():
        attempts = [
            {
                "client_token": attempt.client_token,
                "status": attempt.status,
                "error_code": attempt.error_code,
                "fault": attempt.fault and _fault_told(attempt.fault),
                "committed": attempt.committed,
            }
            for attempt in call.attempts
        ]
        params = to_plain_json(call.params)
        yield {"operation": call.operation, "params": params, "attempts": attempts}


def _reset(_: FakeConnectParticipant, params: dict[str, Any]) -> None:
    _checked(params)
    reset_all()


def _participant_token(fake: FakeConnectParticipant, params: dict[str, Any]) -> dict[str, Any]:
    return {"participant_token": fake.participant_token(**_participant(params))}


def _connection_token(fake: FakeConnectParticipant, params: dict[str, Any]) -> dict[str, Any]:
    return {"connection_token": fake.connection_token(**_participant(params))}


def _participant(params: dict[str, Any]) -> Any:
    return _checked(params, contact_id="str", role="str", display_name="str")


def _view_token(fake: FakeConnectParticipant, params: dict[str, Any]) -> dict[str, Any]:
    return {"view_token": fake.view_token(**params)}


def _session(fake: FakeConnectParticipant, params: dict[str, Any]) -> dict[str, Any]:
    given = _checked(params, "connection_token", connection_token="str")  # noqa: S106
    return {"session_id": fake.authentication_session(given["connection_token"])}


def _waiting(fake: FakeConnectParticipant, _: dict[str, Any]) -> dict[str, Any]:
    backend = connectparticipant_backends[DEFAULT_ACCOUNT_ID][fake.region_name]
    waiting = backend.faults.pending()
    return {name: [_fault_told(fault) for fault in queue] for name, queue in waiting.items()}


def _inject(fake: FakeConnectParticipant, params: dict[str, Any]) -> None:
    given = _checked(params, "operation", "faults", operation="str", faults="list")
    fake.inject(given["operation"], *map(_fault, given["faults"]))


def _fault(told: Any) -> _faults.Fault:
    if not isinstance(told, dict) or str(told.get("fault")) not in _FAULTS:
        raise _Wrong(
            'A fault is an object such as {"fault": "Throttle"}, and its name one of'
            f" {', '.join(_FAULTS)}."
        )
    kind = _FAULTS[told["fault"]]
    kinds = {field.name: str(field.type) for field in fields(kind)}
    required = [field.name for field in fields(kind) if field.default is MISSING]
    return kind(**_checked({n: v for n, v in told.items() if n != "fault"}, *required, **kinds))


def _fault_told(fault: _faults.Fault) -> dict[str, Any]:
    return {"fault": type(fault).__name__, **asdict(fault)}


def _scan(fake: FakeConnectParticipant, params: dict[str, Any]) -> None:
    given = _checked(params, "order", order="str", name="str", after="float")
    after = {"after": given["after"]} if "after" in given else {}
    match given["order"]:
        case "approve":
            fake.scanner.approve(given.get("name"), **after)
        case "reject":
            fake.scanner.reject(given.get("name"), **after)
        case "hold" if not after:
            fake.scanner.hold(given.get("name"))
        case _:
            raise _Wrong("'order' is approve, reject or hold; hold takes no 'after'.")


def _time(fake: FakeConnectParticipant, _: dict[str, Any]) -> dict[str, Any]:
    return {"now": fake.clock.now().isoformat(), "advanced": fake.clock.offset_seconds}


def _advance(fake: FakeConnectParticipant, params: dict[str, Any]) -> dict[str, Any]:
    seconds = _checked(params, "advance", advance="float")["advance"]
    if fake.clock.offset_seconds + seconds > _SECONDS:
        raise _Wrong("The clock cannot be advanced by more than 100 years.")
    fake.clock.advance(seconds)
    return _time(fake, {})


def _throttle(fake: FakeConnectParticipant, params: dict[str, Any]) -> None:
    given = _checked(params, "enabled", enabled="bool", real_time="bool")
    if given["enabled"]:
        fake.quotas.enable(real_time=given.get("real_time", True))
    else:
        fake.quotas.disable()


def _assumed(fake: FakeConnectParticipant, _: dict[str, Any]) -> dict[str, Any]:
    values = {name: getattr(fake.assumptions, name) for name in _switches()}
    return {
        name: value.total_seconds() if isinstance(value, timedelta) else value
        for name, value in values.items()
    }


def _assume(fake: FakeConnectParticipant, params: dict[str, Any]) -> dict[str, Any]:
    switches = _switches()
    unknown = [name for name in params if name not in switches]
    if unknown:
        raise _Wrong(f"There is no switch {unknown[0]!r}; there are {', '.join(switches)}.")
    assumed = {name: _switched(switches[name], value) for name, value in params.items()}
    for name, value in assumed.items():
        setattr(fake.assumptions, name, value)
    return _assumed(fake, {})


def _switches() -> dict[str, Field[Any]]:
    """Return the switches whose values JSON can hold."""
    return {field.name: field for field in fields(Assumptions) if "Callable" not in str(field.type)}


def _switched(field: Field[Any], value: Any) -> Any:
    kind, choices = str(field.type), re.findall(r"'(\w+)'", str(field.type))
    if value is None and kind.endswith("| None"):
        return None
    kind = "str" if choices else kind.removesuffix(" | None")
    if kind == "timedelta":
        _checked({field.name: value}, **{field.name: "float"})
        return timedelta(seconds=value)
    _checked({field.name: value}, **{field.name: kind})
    if choices and value not in choices:
        raise _Wrong(f"{field.name!r} is one of {', '.join(choices)}.")
    return value


_ACTS: dict[str, dict[str, Callable[[FakeConnectParticipant, dict[str, Any]], Any]]] = {
    "assumptions": {"GET": _assumed, "POST": _assume},
    "authentication_session": {"POST": _session},
    "clock": {"GET": _time, "POST": _advance},
    "connection_token": {"POST": _connection_token},
    "faults": {
        "GET": _waiting,
        "POST": _inject,
        "DELETE": lambda fake, _: fake.reset_faults(),
    },
    "participant_token": {"POST": _participant_token},
    "quotas": {"POST": _throttle},
    "reset": {"POST": _reset},
    "scanner": {"POST": _scan, "DELETE": lambda fake, _: fake.scanner.reset()},
    "state": {"GET": _state},
    "view_token": {"POST": _view_token},
}


def _handle(query: str) -> FakeConnectParticipant:
    region = parse_qs(query).get("region", [DEFAULT_REGION])[-1]
    if region not in connectparticipant_backends[DEFAULT_ACCOUNT_ID]:
        raise _Wrong(f"There is no region {region!r}.")
    return FakeConnectParticipant(region)


def _params(request: Request) -> dict[str, Any]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise _Wrong("The Content-Type must be application/json.")
    try:
        params = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        raise _Wrong("The request body is not JSON.") from None
    if not isinstance(params, dict):
        raise _Wrong("The request body is not a JSON object.")
    return params


def _checked(params: Mapping[str, Any], *required: str, **kinds: str) -> Any:
    """Return parameters that are of their kinds.

    Raises:
        _Wrong: They are not, or one is missing or not known.
    """
    known = ", ".join(kinds) or "none"
    for name, value in params.items():
        if name not in kinds:
            raise _Wrong(f"There is no parameter {name!r}; there are {known}.")
        kind, described = _KINDS[kinds[name]]
        numeric = kinds[name] in {"float", "int"}
        if not isinstance(value, kind) or (numeric and isinstance(value, bool)):
            raise _Wrong(f"{name!r} must be {described}.")
        if numeric and not _in_reach(value):
            raise _Wrong(f"{name!r} must be between 0 and {_SECONDS}.")
    for name in required:
        if name not in params:
            raise _Wrong(f"{name!r} is missing; the parameters are {known}.")
    return params


def _in_reach(number: Any) -> bool:
    return bool(0 <= number <= _SECONDS)


def _told(status: int, message: str) -> Response:
    return _json(status, {"message": message})


def _json(status: int, answer: Any) -> Response:
    headers = {
        "content-type": "application/json",
        "cache-control": "no-store",
        "cross-origin-resource-policy": "same-origin",
        "x-content-type-options": "nosniff",
    }
    return Response(status, headers, json.dumps(answer).encode())
