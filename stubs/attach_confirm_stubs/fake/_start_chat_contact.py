"""StartChatContact of Amazon Connect, from which participant tokens come."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from moto.iam.models import get_account_id_from

from attach_confirm_stubs.fake import _limits, exceptions
from attach_confirm_stubs.fake._http import Response
from attach_confirm_stubs.fake.models import connectparticipant_backends

if TYPE_CHECKING:
    from attach_confirm_stubs.fake._http import Request
    from attach_confirm_stubs.fake.models import ConnectParticipantBackend

# Source: the API reference of StartChatContact.
_MINUTES = range(60, 10_081)
_CREDENTIAL = re.compile(r"Credential=([^/]+)/[0-9]{8}/([^/]+)/connect/aws4_request")


def respond(request: Request) -> Response:
    """Answer StartChatContact, for the account and region that its signature names.

    Any InstanceId and ContactFlowId is taken: moto's own `connect` holds the instances, and
    nobody the flows.
    """
    signed = _CREDENTIAL.search(request.headers.get("authorization", ""))
    if signed is None:
        error = "MissingAuthenticationTokenException", "Missing Authentication Token"
        return exceptions.ServiceError(*error).response
    try:
        backend = connectparticipant_backends[get_account_id_from(signed[1])][signed[2]]
        answer = _start(backend, json.loads(request.body or b"{}"))
    except (ValueError, LookupError, TypeError, AttributeError):
        message = "The request is not one for StartChatContact."
        return exceptions.ServiceError("InvalidRequestException", message).response
    headers = {"content-type": "application/json", "x-amzn-requestid": str(uuid4())}
    return Response(200, headers, json.dumps(answer).encode())


def _start(backend: ConnectParticipantBackend, params: dict[str, Any]) -> dict[str, str]:
    """Start a chat; the same ClientToken starts it once.

    Raises:
        LookupError, TypeError, ValueError: A parameter is missing or is none.
    """
    name, _ = params["ParticipantDetails"]["DisplayName"], params["ContactFlowId"]
    minutes = params.get("ChatDurationInMinutes", 25 * 60)
    if minutes not in _MINUTES:
        raise ValueError(minutes)
    with backend.lock:
        request = params["InstanceId"], params.get("ClientToken") or str(uuid4())
        if request not in backend.chats_started:
            chat = backend.start_chat(
                instance_id=params["InstanceId"],
                duration=timedelta(minutes=minutes),
                content_types=frozenset(params.get("SupportedMessagingContentTypes", ()))
                & _limits.MESSAGES
                | {"text/plain"},
            )
            participant = backend.add_participant(chat, display_name=name)
            first = params.get("InitialMessage")
            if first:
                backend.say(
                    participant,
                    "MESSAGE",
                    ContentType=first["ContentType"],
                    Content=first["Content"],
                )
            backend.chats_started[request] = participant
        participant = backend.chats_started[request]
    return {
        "ContactId": participant.chat.contact_id,
        "ParticipantId": participant.participant_id,
        "ParticipantToken": participant.token,
    }
