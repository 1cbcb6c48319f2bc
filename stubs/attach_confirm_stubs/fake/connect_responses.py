"""Handles requests to Amazon Connect that start or change a chat; see `responses`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from moto.iam.models import get_account_id_from

from attach_confirm_stubs.fake import _websocket_urls, exceptions
from attach_confirm_stubs.fake._service_response import ServiceResponse
from attach_confirm_stubs.fake.models import get_backend
from attach_confirm_stubs.fake.models._transcript import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from attach_confirm_stubs.fake._http import Request, Response
    from attach_confirm_stubs.fake.models import ConnectParticipantBackend

_CREDENTIAL = re.compile(r"Credential=([^/]+)/[0-9]{8}/([^/]+)/connect/aws4_request")


class ConnectResponse(ServiceResponse):
    """Handles one request to Amazon Connect, with one method per operation.

    Any InstanceId and ContactFlowId is accepted, because instances belong to moto's `connect` and
    flows are not implemented.
    """

    def __init__(
        self,
        backend: ConnectParticipantBackend,
        request: Request,
        operation: str,
        path_params: Mapping[str, str],
    ) -> None:
        super().__init__(backend, request, operation, path_params)
        code = backend.assumptions.invalid_request
        self.invalid_body_code = self.invalid_params_code = code
        self.instance_id = self.params.get("InstanceId")

    def create_participant(self) -> str:
        """Add a participant to a chat, and return the participant token."""
        participant = self.connectparticipant_backend.create_participant(self.params)
        credentials = {
            "ParticipantToken": participant.token,
            "Expiry": format_timestamp(participant.chat.expires_at),
        }
        return json.dumps(
            {
                "ParticipantCredentials": credentials,
                "ParticipantId": participant.participant_id,
            }
        )

    def describe_contact(self) -> str:
        """Return a contact."""
        contact = self.connectparticipant_backend.describe_contact(self.params)
        return json.dumps({"Contact": contact})

    def get_contact_attributes(self) -> str:
        """Return the attributes of a contact."""
        attributes = self.connectparticipant_backend.get_contact_attributes(self.params)
        return json.dumps({"Attributes": attributes})

    def start_chat_contact(self) -> str:
        """Start a chat, and return the customer's participant token."""
        members = self.connectparticipant_backend.start_chat_contact(self.params)
        return json.dumps(_websocket_urls.for_client(members, self.request))

    def start_contact_streaming(self) -> str:
        """Publish a chat's items to an SNS topic from now on."""
        stream = self.connectparticipant_backend.start_contact_streaming(self.params)
        return json.dumps({"StreamingId": stream.streaming_id})

    def stop_contact(self) -> str:
        """End a chat."""
        self.connectparticipant_backend.stop_contact(self.params)
        return "{}"

    def stop_contact_streaming(self) -> str:
        """Stop publishing a chat's items."""
        self.connectparticipant_backend.stop_contact_streaming(self.params)
        return "{}"

    def update_contact_attributes(self) -> str:
        """Add attributes to a contact, or change them."""
        self.connectparticipant_backend.update_contact_attributes(self.params)
        return "{}"


def dispatch(request: Request, operation: str, path_params: Mapping[str, str]) -> Response:
    """Return the response to a request. The signature selects the account and the region.

    Raises:
        exceptions.ResponseNotDelivered: An injected fault affects the connection.
    """
    credential = _CREDENTIAL.search(request.headers.get("authorization", ""))
    if credential is None:
        code, message = "MissingAuthenticationTokenException", "Missing Authentication Token"
        return exceptions.ServiceError(code, message).response
    backend = get_backend(get_account_id_from(credential[1]), credential[2])
    if backend is None:
        message = f"The region {credential[2]} is unknown."
        return exceptions.ServiceError("InvalidRequestException", message).response
    return ConnectResponse(backend, request, operation, path_params).dispatch()
