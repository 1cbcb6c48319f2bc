"""StartChatContact of Amazon Connect, which creates participant tokens."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from moto.iam.models import get_account_id_from

from attach_confirm_stubs.fake import _limits, exceptions
from attach_confirm_stubs.fake._http import json_response, parse_json_object
from attach_confirm_stubs.fake.models import connectparticipant_backends

if TYPE_CHECKING:
    from attach_confirm_stubs.fake._http import Request, Response
    from attach_confirm_stubs.fake.models import ConnectParticipantBackend

_CREDENTIAL = re.compile(r"Credential=([^/]+)/[0-9]{8}/([^/]+)/connect/aws4_request")


def respond(request: Request) -> Response:
    """Return the response to StartChatContact.

    The signature selects the account and region. Any InstanceId and ContactFlowId is accepted,
    because instances belong to moto's `connect` and contact flows are not implemented.
    """
    credential = _CREDENTIAL.search(request.headers.get("authorization", ""))
    if credential is None:
        code, message = "MissingAuthenticationTokenException", "Missing Authentication Token"
        return exceptions.ServiceError(code, message).response
    try:
        backend = connectparticipant_backends[get_account_id_from(credential[1])][credential[2]]
        result = _start_chat(backend, parse_json_object(request.body))
    except (ValueError, LookupError, TypeError, AttributeError):
        code, message = "InvalidRequestException", "The StartChatContact request is not valid."
        return exceptions.ServiceError(code, message).response
    return json_response(json.dumps(result))


def _start_chat(backend: ConnectParticipantBackend, params: dict[str, Any]) -> dict[str, str]:
    """Start a chat, or return the chat that the same ClientToken has started.

    Raises:
        LookupError, TypeError, ValueError: A parameter is missing or invalid.
    """
    display_name, _ = params["ParticipantDetails"]["DisplayName"], params["ContactFlowId"]
    minutes = params.get("ChatDurationInMinutes", _limits.CHAT_DURATION // timedelta(minutes=1))
    if minutes not in _limits.CHAT_DURATION_MINUTES:
        raise ValueError(minutes)
    with backend.lock:
        request_key = params["InstanceId"], params.get("ClientToken") or str(uuid4())
        participant = backend.started_chats.get(request_key)
        if participant is None:
            chat = backend.start_chat(
                instance_id=params["InstanceId"],
                duration=timedelta(minutes=minutes),
                content_types=frozenset(params.get("SupportedMessagingContentTypes", ()))
                & _limits.MESSAGE_CONTENT_TYPES
                | {"text/plain"},
            )
            participant = backend.add_participant(chat, display_name=display_name)
            initial_message = params.get("InitialMessage")
            if initial_message:
                backend.add_item(
                    participant,
                    "MESSAGE",
                    ContentType=initial_message["ContentType"],
                    Content=initial_message["Content"],
                )
            backend.started_chats[request_key] = participant
    return {
        "ContactId": participant.chat.contact_id,
        "ParticipantId": participant.participant_id,
        "ParticipantToken": participant.token,
    }
