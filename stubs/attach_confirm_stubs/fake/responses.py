"""Requests into calls of the backend, and what it returns into answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from moto.core.models import DEFAULT_ACCOUNT_ID

from attach_confirm_stubs import _service_model
from attach_confirm_stubs.fake import _attempts, exceptions
from attach_confirm_stubs.fake._faults import PUT_OBJECT
from attach_confirm_stubs.fake._http import Request, Response
from attach_confirm_stubs.fake.models import (
    ConnectParticipantBackend,
    all_backends,
    connectparticipant_backends,
)
from attach_confirm_stubs.fake.models._transcript import timestamp

if TYPE_CHECKING:
    from botocore.model import Shape

Params: TypeAlias = Mapping[str, Any]
Respond: TypeAlias = Callable[[ConnectParticipantBackend, dict[str, Any], Request], Any]

DEFAULT_REGION = "us-east-1"

_BEARER = "x-amz-bearer"
_INVOCATION = "amz-sdk-invocation-id"
_HOST = re.compile(r"https?://participant\.connect(?:-fips)?\.([^.]+)\.")
_BUCKET = re.compile(r"connect-attachments-([0-9]{12})-([a-z0-9-]+)")


def create_participant_connection(
    backend: ConnectParticipantBackend, params: Params, _: Request
) -> dict[str, Any]:
    """Answer CreateParticipantConnection."""
    kinds = params["Type"]
    if "WEBRTC_CONNECTION" in kinds:
        message = "WEBRTC_CONNECTION is not supported for chats."
        raise exceptions.ServiceError(backend.assumptions.webrtc, message)
    join = params.get("ConnectParticipant", False) or "WEBSOCKET" in kinds
    token, expires_at = backend.create_participant_connection(params["ParticipantToken"], join=join)
    answer = {}
    if "CONNECTION_CREDENTIALS" in kinds:
        answer["ConnectionCredentials"] = {
            "ConnectionToken": token,
            "Expiry": timestamp(expires_at),
        }
    if "WEBSOCKET" in kinds:
        url, closes_at = backend.websocket(token)
        answer["Websocket"] = {"Url": url, "ConnectionExpiry": timestamp(closes_at)}
    return answer


def disconnect_participant(backend: ConnectParticipantBackend, params: Params, _: Request) -> Any:
    """Answer DisconnectParticipant."""
    backend.disconnect_participant(params)
    return {}


def send_message(backend: ConnectParticipantBackend, params: Params, _: Request) -> Any:
    """Answer SendMessage."""
    said = backend.send_message(params)
    return {"Id": said["Id"], "AbsoluteTime": said["AbsoluteTime"]}


def send_event(backend: ConnectParticipantBackend, params: Params, _: Request) -> Any:
    """Answer SendEvent."""
    told = backend.send_event(params)
    return {"Id": told["Id"], "AbsoluteTime": told["AbsoluteTime"]}


def get_transcript(backend: ConnectParticipantBackend, params: Params, _: Request) -> Any:
    """Answer GetTranscript."""
    contact_id, items, next_token = backend.get_transcript(params)
    answer = {"InitialContactId": contact_id, "Transcript": items}
    return answer | ({"NextToken": next_token} if next_token else {})


def start_attachment_upload(
    backend: ConnectParticipantBackend, params: Params, request: Request
) -> dict[str, Any]:
    """Answer StartAttachmentUpload."""
    attachment = backend.start_attachment_upload(params, request.base_url)
    upload = attachment.upload_url
    return {
        "AttachmentId": attachment.attachment_id,
        "UploadMetadata": {
            "Url": upload.url,
            "UrlExpiry": upload.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "HeadersToInclude": upload.headers,
        },
    }


def complete_attachment_upload(
    backend: ConnectParticipantBackend, params: Params, _: Request
) -> None:
    """Answer CompleteAttachmentUpload: with nothing."""
    backend.complete_attachment_upload(params)


def get_attachment(
    backend: ConnectParticipantBackend, params: Params, request: Request
) -> dict[str, Any]:
    """Answer GetAttachment."""
    signed, attachment = backend.get_attachment(params, request.base_url)
    return {
        "Url": signed.url,
        "UrlExpiry": timestamp(signed.expires_at),
        "AttachmentSizeInBytes": attachment.size,
    }


def describe_view(backend: ConnectParticipantBackend, params: Params, _: Request) -> Any:
    """Answer DescribeView."""
    return {"View": backend.describe_view(params)}


def get_authentication_url(backend: ConnectParticipantBackend, params: Params, _: Request) -> Any:
    """Answer GetAuthenticationUrl."""
    return {"AuthenticationUrl": backend.get_authentication_url(params)}


def cancel_participant_authentication(
    backend: ConnectParticipantBackend, params: Params, _: Request
) -> Any:
    """Answer CancelParticipantAuthentication."""
    backend.cancel_participant_authentication(params)
    return {}


OPERATIONS: dict[str, Respond] = {
    "CancelParticipantAuthentication": cancel_participant_authentication,
    "CompleteAttachmentUpload": complete_attachment_upload,
    "CreateParticipantConnection": create_participant_connection,
    "DescribeView": describe_view,
    "DisconnectParticipant": disconnect_participant,
    "GetAttachment": get_attachment,
    "GetAuthenticationUrl": get_authentication_url,
    "GetTranscript": get_transcript,
    "SendEvent": send_event,
    "SendMessage": send_message,
    "StartAttachmentUpload": start_attachment_upload,
}


def dispatch(request: Request) -> Response:
    """Answer a request to the service.

    Raises:
        exceptions.ResponseNotDelivered: The answer does not reach the caller.
    """
    found = _route(request)
    if found is None:
        return exceptions.ServiceError("UnknownOperationException", "Unknown operation").response
    operation, params = found
    token, malformed = request.headers.get(_BEARER), _read(request, params)
    if token:
        params[_service_model.token_member_name(_service_model.operation(operation))] = token
    backend = _backend(request, token)
    if backend is None:
        return exceptions.AccessDeniedException().response
    return _attempts.attempt(
        backend,
        backend.history.call(operation, params, request.headers.get(_INVOCATION)),
        partial(_answer, backend, operation, params, request, malformed),
        request.wait,
        client_token=params.get("ClientToken"),
        instance_id=backend.instance_of(token),
    )


def dispatch_s3(request: Request, bucket: str, key: str) -> Response:
    """Answer a request with a pre-signed URL, to the place where the attachments lie.

    Args:
        request: The request.
        bucket: The name of the bucket.
        key: What in the bucket is meant.

    Raises:
        exceptions.ResponseNotDelivered: The answer does not reach the caller.
    """
    place = _BUCKET.fullmatch(bucket)
    backend = _service(place[1], place[2]) if place else None
    if backend is None:
        return exceptions.SignatureDoesNotMatch().response
    if request.method != "PUT":
        return _refusable(partial(_get_object, backend, key, request))
    params = {"Bucket": bucket, "Key": key, "ContentLength": len(request.body)}
    return _attempts.attempt(
        backend,
        backend.history.call(PUT_OBJECT, params, key),
        partial(_refusable, partial(_put_object, backend, key, request)),
        request.wait,
    )


def _put_object(backend: ConnectParticipantBackend, key: str, request: Request) -> Response:
    etag = backend.put_object(key.rpartition("/")[2], request)
    return Response(200, {"etag": etag, "x-amz-request-id": _request_id()})


def _get_object(backend: ConnectParticipantBackend, key: str, request: Request) -> Response:
    stored = backend.get_object(key, request)
    if stored is None:
        raise exceptions.S3Error("NoSuchKey", "The specified key does not exist.", Key=key)
    headers = {"etag": stored.etag, "x-amz-request-id": _request_id()}
    return Response(200, headers | dict(stored.metadata.items()), stored.value)


def _refusable(act: Callable[[], Response]) -> Response:
    try:
        return act()
    except exceptions.ErrorResponse as refused:
        return refused.response


def _answer(
    backend: ConnectParticipantBackend,
    operation: str,
    params: dict[str, Any],
    request: Request,
    malformed: str | None,
) -> Response:
    def act() -> Response:
        if malformed:
            raise exceptions.ServiceError("SerializationException", malformed)
        shape = cast("Shape", _service_model.operation(operation).input_shape)
        problems = list(_service_model.constraint_violations(shape, params))
        if problems:
            told = f"{len(problems)} validation error(s) detected: {'; '.join(problems)}"
            raise exceptions.ValidationException(told)
        answer = OPERATIONS[operation](backend, params, request)
        body = b"" if answer is None else json.dumps(answer).encode()
        headers = {"content-type": "application/json", "x-amzn-requestid": str(uuid4())}
        return Response(200, headers, body)

    return _refusable(act)


def _route(request: Request) -> tuple[str, dict[str, Any]] | None:
    """Return the operation that a request is for, and what of its parameters is in the path."""
    path = urlsplit(request.url).path
    for operation, method, pattern in _routes():
        matched = pattern.fullmatch(path)
        if matched and method == request.method:
            return operation, {name: unquote(value) for name, value in matched.groupdict().items()}
    return None


@cache
def _routes() -> list[tuple[str, str, re.Pattern[str]]]:
    routes = []
    for operation in OPERATIONS:
        http = _service_model.operation(operation).http
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", http["requestUri"])
        routes.append((operation, http["method"], re.compile(pattern)))
    return routes


def _read(request: Request, params: dict[str, Any]) -> str | None:
    """Add the members of a request's body to its parameters, or return what is wrong with it."""
    try:
        members = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        return "The request body is not JSON."
    if not isinstance(members, dict):
        return "The request body is not a JSON object."
    params |= {name: value for name, value in members.items() if value is not None}
    return None


def _backend(request: Request, token: str | None) -> ConnectParticipantBackend | None:
    """Return the service that a request is for, or None in a region that there is not.

    The token says so, whoever signed the request; what nobody knows is for the default account
    to refuse. A server serves all regions at one place.
    """
    host = _HOST.match(request.url)
    region = host[1] if host and not request.base_url else None
    for backend in all_backends():
        if region in {None, backend.region_name} and backend.instance_of(token):
            return backend
    return _service(DEFAULT_ACCOUNT_ID, region or DEFAULT_REGION)


def _service(account_id: str, region_name: str) -> ConnectParticipantBackend | None:
    regions = connectparticipant_backends[account_id]
    return regions[region_name] if region_name in regions else None  # noqa: SIM401


def _request_id() -> str:
    return uuid4().hex[:16].upper()
