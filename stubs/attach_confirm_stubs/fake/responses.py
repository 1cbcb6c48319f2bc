"""Handles incoming requests, invokes the backend, returns responses."""

from __future__ import annotations

import json
import re
from email.utils import format_datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from botocore import xform_name
from moto.core.models import DEFAULT_ACCOUNT_ID

from attach_confirm_stubs import _service_model
from attach_confirm_stubs.fake import _attempts, _patterns, exceptions
from attach_confirm_stubs.fake._clock import clock
from attach_confirm_stubs.fake._faults import PUT_OBJECT
from attach_confirm_stubs.fake._http import (
    Request,
    Response,
    json_response,
    new_s3_request_id,
    parse_json_object,
)
from attach_confirm_stubs.fake.models import (
    ConnectParticipantBackend,
    all_backends,
    connectparticipant_backends,
)
from attach_confirm_stubs.fake.models._base import raise_if_set
from attach_confirm_stubs.fake.models._transcript import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from botocore.model import Shape

DEFAULT_REGION = "us-east-1"

_TOKEN_HEADER = "x-amz-bearer"  # noqa: S105
_INVOCATION_ID_HEADER = "amz-sdk-invocation-id"


class ConnectParticipantResponse:
    """Handles one request to the service, with one method per operation.

    It has the shape of a moto `BaseResponse` but does not inherit from it: moto selects the
    account by the signature's credentials, and participants do not sign.

    Args:
        backend: The backend that owns the request's token.
        request: The request.
        operation: The operation's name in the API.
        path_params: The parameters in the URL's path.
    """

    def __init__(
        self,
        backend: ConnectParticipantBackend,
        request: Request,
        operation: str,
        path_params: Mapping[str, str],
    ) -> None:
        self.connectparticipant_backend = backend
        self.request = request
        self.operation = operation
        self.params: dict[str, Any] = dict(path_params)
        self.body_error: str | None = None
        try:
            members = parse_json_object(request.body)
            self.params |= {name: value for name, value in members.items() if value is not None}
        except ValueError as error:
            self.body_error = str(error)
        self.token = request.headers.get(_TOKEN_HEADER)
        if self.token:
            model = _service_model.operation(operation)
            self.params[_service_model.token_member_name(model)] = self.token

    def dispatch(self) -> Response:
        """Return the response, with faults and quotas applied, and record the attempt.

        Raises:
            exceptions.ResponseNotDelivered: An injected fault affects the connection.
        """
        backend = self.connectparticipant_backend
        invocation_id = self.request.headers.get(_INVOCATION_ID_HEADER)
        return _attempts.run_attempt(
            backend,
            backend.history.get_or_create(self.operation, self.params, invocation_id),
            partial(_to_response, self.call_action),
            self.request.sleep,
            client_token=self.params.get("ClientToken"),
            instance_id=backend.instance_id_for(self.token),
        )

    def call_action(self) -> Response:
        """Validate the parameters, and invoke the operation's method.

        Raises:
            exceptions.ErrorResponse: The request is rejected.
        """
        if self.body_error:
            raise exceptions.ServiceError("SerializationException", self.body_error)
        shape = cast("Shape", _service_model.operation(self.operation).input_shape)
        violations = list(_service_model.constraint_violations(shape, self.params))
        if violations:
            raise exceptions.ValidationException(
                f"{len(violations)} validation error(s) detected: {'; '.join(violations)}"
            )
        method: Callable[[], str] = getattr(self, xform_name(self.operation))
        return json_response(method())

    def cancel_participant_authentication(self) -> str:
        """Cancel an authentication session."""
        self.connectparticipant_backend.cancel_participant_authentication(self.params)
        return "{}"

    def complete_attachment_upload(self) -> str:
        """Confirm an upload. The body of the response is empty."""
        self.connectparticipant_backend.complete_attachment_upload(self.params)
        return ""

    def create_participant_connection(self) -> str:
        """Connect a participant, and return the requested token and websocket URL.

        AWS SDKs document `Type` as optional, earlier API references only with ConnectParticipant.
        """
        backend, types = self.connectparticipant_backend, self.params.get("Type", ())
        connect = self.params.get("ConnectParticipant", False)
        if not types and not connect:
            raise_if_set(
                backend.assumptions.no_connection_type, "Type or ConnectParticipant is required."
            )
        if "WEBRTC_CONNECTION" in types:
            message = "WEBRTC_CONNECTION is not supported for chats."
            raise exceptions.ServiceError(backend.assumptions.webrtc, message)
        token, expires_at = backend.create_participant_connection(
            self.params["ParticipantToken"],
            join=connect or "WEBSOCKET" in types,
        )
        result = {}
        if "CONNECTION_CREDENTIALS" in types:
            result["ConnectionCredentials"] = {
                "ConnectionToken": token,
                "Expiry": format_timestamp(expires_at),
            }
        if "WEBSOCKET" in types:
            url, url_expires_at = backend.create_websocket_url(token)
            result["Websocket"] = {
                "Url": url,
                "ConnectionExpiry": format_timestamp(url_expires_at),
            }
        return json.dumps(result)

    def describe_view(self) -> str:
        """Return a view."""
        view = self.connectparticipant_backend.describe_view(self.params)
        return json.dumps({"View": view})

    def disconnect_participant(self) -> str:
        """Disconnect a participant from the chat."""
        self.connectparticipant_backend.disconnect_participant(self.params)
        return "{}"

    def get_attachment(self) -> str:
        """Return the download URL of an attachment."""
        download_url, attachment = self.connectparticipant_backend.get_attachment(
            self.params, self.request.base_url
        )
        return json.dumps(
            {
                "Url": download_url.url,
                "UrlExpiry": format_timestamp(download_url.expires_at),
                "AttachmentSizeInBytes": attachment.size,
            }
        )

    def get_authentication_url(self) -> str:
        """Return the URL at which the customer signs in."""
        url = self.connectparticipant_backend.get_authentication_url(self.params)
        return json.dumps({"AuthenticationUrl": url})

    def get_transcript(self) -> str:
        """Return a page of the transcript."""
        contact_id, items, next_token = self.connectparticipant_backend.get_transcript(self.params)
        result = {"InitialContactId": contact_id, "Transcript": items}
        return json.dumps(result | ({"NextToken": next_token} if next_token else {}))

    def send_event(self) -> str:
        """Send an event, and return its ID and time."""
        item = self.connectparticipant_backend.send_event(self.params)
        return json.dumps({"Id": item["Id"], "AbsoluteTime": item["AbsoluteTime"]})

    def send_message(self) -> str:
        """Send a message, and return its ID and time."""
        item = self.connectparticipant_backend.send_message(self.params)
        return json.dumps({"Id": item["Id"], "AbsoluteTime": item["AbsoluteTime"]})

    def start_attachment_upload(self) -> str:
        """Start an upload, and return the presigned URL and its headers."""
        attachment = self.connectparticipant_backend.start_attachment_upload(
            self.params, self.request.base_url
        )
        upload_url = attachment.upload_url
        return json.dumps(
            {
                "AttachmentId": attachment.attachment_id,
                "UploadMetadata": {
                    "Url": upload_url.url,
                    "UrlExpiry": upload_url.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "HeadersToInclude": upload_url.headers,
                },
            }
        )


def dispatch(request: Request) -> Response:
    """Return the response to a request to the service.

    Raises:
        exceptions.ResponseNotDelivered: An injected fault affects the connection.
    """
    route = _match_route(request)
    if route is None:
        code, message = "UnknownOperationException", "Unknown operation"
        return exceptions.ServiceError(code, message).response
    backend = _backend_for(request)
    if backend is None:
        return exceptions.AccessDeniedException().response
    operation, path_params = route
    return ConnectParticipantResponse(backend, request, operation, path_params).dispatch()


def dispatch_s3(request: Request, bucket: str, key: str) -> Response:
    """Return the response to a request with a presigned URL.

    Args:
        request: The request.
        bucket: The bucket's name.
        key: The object key.

    Raises:
        exceptions.ResponseNotDelivered: An injected fault affects the connection.
    """
    owner = _patterns.parse_bucket_name(bucket)
    backend = _get_backend(*owner) if owner else None
    if backend is None:
        return exceptions.SignatureDoesNotMatch().response
    if request.method != "PUT":
        return _to_response(partial(_get_object, backend, key, request))
    params = {"Bucket": bucket, "Key": key, "ContentLength": request.content_length}
    return _attempts.run_attempt(
        backend,
        backend.history.get_or_create(PUT_OBJECT, params, key),
        partial(_to_response, partial(_put_object, backend, key, request)),
        request.sleep,
    )


def _put_object(backend: ConnectParticipantBackend, key: str, request: Request) -> Response:
    etag = backend.put_object(_patterns.attachment_id_of(key), request)
    headers = {"date": format_datetime(clock.now(), usegmt=True), "etag": etag}
    return Response(200, headers | {"x-amz-request-id": new_s3_request_id()})


def _get_object(backend: ConnectParticipantBackend, key: str, request: Request) -> Response:
    stored = backend.get_object(key, request)
    if stored is None:
        raise exceptions.S3Error("NoSuchKey", "The specified key does not exist.", Key=key)
    headers = {"etag": stored.etag, "x-amz-request-id": new_s3_request_id()}
    return Response(200, headers | dict(stored.metadata.items()), stored.value)


def _to_response(handler: Callable[[], Response]) -> Response:
    """Return the handler's response, or the error response that it raises."""
    try:
        return handler()
    except exceptions.ErrorResponse as error:
        return error.response


def _match_route(request: Request) -> tuple[str, dict[str, str]] | None:
    """Return a request's operation and path parameters, or None if no operation matches."""
    path = urlsplit(request.url).path
    for operation, method, pattern in _routes():
        match = pattern.fullmatch(path)
        if match and method == request.method:
            return operation, {name: unquote(value) for name, value in match.groupdict().items()}
    return None


@cache
def _routes() -> list[tuple[str, str, re.Pattern[str]]]:
    """Return the name, HTTP method and path pattern of each implemented operation."""
    names = _service_model.service_model().operation_names
    implemented = [n for n in names if hasattr(ConnectParticipantResponse, xform_name(n))]
    routes = []
    for operation in implemented:
        http = _service_model.operation(operation).http
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", http["requestUri"])
        routes.append((operation, http["method"], re.compile(pattern)))
    return routes


def _backend_for(request: Request) -> ConnectParticipantBackend | None:
    """Return the backend for a request, or None if the region is unknown.

    The backend is found by token. Unknown tokens go to the default account, which rejects them. A
    served fake has one URL for all regions.
    """
    token = request.headers.get(_TOKEN_HEADER)
    match = _patterns.SERVICE_URL.match(request.url)
    region = match[1] if match and not request.base_url else None
    for backend in all_backends():
        if region in {None, backend.region_name} and backend.instance_id_for(token):
            return backend
    return _get_backend(DEFAULT_ACCOUNT_ID, region or DEFAULT_REGION)


def _get_backend(account_id: str, region_name: str) -> ConnectParticipantBackend | None:
    regions = connectparticipant_backends[account_id]
    return regions[region_name] if region_name in regions else None  # noqa: SIM401
