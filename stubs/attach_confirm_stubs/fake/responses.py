"""Handles requests to the Participant Service, invokes the backend, returns responses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from attach_confirm_stubs import _service_model
from attach_confirm_stubs.fake import _operations, _patterns, _websocket_urls, exceptions
from attach_confirm_stubs.fake._service_response import ServiceResponse
from attach_confirm_stubs.fake.models import all_backends, get_backend
from attach_confirm_stubs.fake.models._idempotency import raise_if_set
from attach_confirm_stubs.fake.models._transcript import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from attach_confirm_stubs.fake._http import Request
    from attach_confirm_stubs.fake.models import ConnectParticipantBackend

_TOKEN_HEADER = "x-amz-bearer"  # noqa: S105


class ConnectParticipantResponse(ServiceResponse):
    """Handles one request to the Participant Service, with one method per operation."""

    def __init__(
        self,
        backend: ConnectParticipantBackend,
        request: Request,
        operation: str,
        path_params: Mapping[str, str],
    ) -> None:
        super().__init__(backend, request, operation, path_params)
        token = request.headers.get(_TOKEN_HEADER)
        if token:
            model = _operations.operation_model(operation)
            self.params[_service_model.token_member_name(model)] = token
        self.instance_id = backend.instance_id_for(token)

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
            join=connect or ("WEBSOCKET" in types and backend.assumptions.joined_early),
        )
        members = backend.connection_members(token, expires_at, types)
        return json.dumps(_websocket_urls.for_client(members, self.request))

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


def backend_for(request: Request) -> ConnectParticipantBackend | None:
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
    return get_backend(region_name=region)
