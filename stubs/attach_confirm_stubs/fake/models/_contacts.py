"""The operations of Amazon Connect with which a business starts and changes chats."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from attach_confirm_stubs.fake import _limits, exceptions
from attach_confirm_stubs.fake._clock import clock
from attach_confirm_stubs.fake.models._chats import ChatsBackend
from attach_confirm_stubs.fake.models._idempotency import run_once
from attach_confirm_stubs.fake.models._streams import StreamsBackend

if TYPE_CHECKING:
    from collections.abc import Mapping

    from attach_confirm_stubs.fake.models._entities import Chat, Participant, Stream

_ATTRIBUTE_NAME = re.compile("[A-Za-z0-9_-]+")
_INTERACTIVE = "application/vnd.amazonaws.connect.message.interactive"
_GUIDE_CONTENT_TYPES = {_INTERACTIVE, f"{_INTERACTIVE}.response"}


class ContactsBackend(ChatsBackend, StreamsBackend):
    """The contacts of one account and region."""

    def start_chat_contact(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Start a chat, and return the members of the response.

        A repeated ClientToken returns the first response, but after the end of the chat without
        the URL of a websocket.
        """

        def start() -> dict[str, Any]:
            content_types = self._chat_content_types(params)
            message = self._initial_message(params, content_types)
            self._check_guide(params, content_types)
            source = self._source_chat(params)
            attributes = self._checked_attributes(params.get("Attributes", {}))
            streaming = params.get("ChatStreamingConfiguration")
            if streaming:
                self.check_topic_arn(streaming["StreamingEndpointArn"])
            minutes = params.get("ChatDurationInMinutes")
            chat = self.start_chat(
                instance_id=params["InstanceId"],
                duration=timedelta(minutes=minutes) if minutes else _limits.CHAT_DURATION,
                content_types=content_types & _limits.MESSAGE_CONTENT_TYPES,
                attributes=attributes,
                details=_contact_details(params, source),
                continued_from=source,
            )
            display_name = params["ParticipantDetails"]["DisplayName"]
            customer = self.add_participant(chat, display_name=display_name)
            result = {
                "ContactId": chat.contact_id,
                "ParticipantId": customer.participant_id,
                "ParticipantToken": customer.token,
            }
            if source:
                result["ContinuedFromContactId"] = source.contact_id
            if streaming:
                stream = self.start_stream(chat, streaming["StreamingEndpointArn"])
                result["StreamingId"] = stream.streaming_id
            if message:
                self.add_item(customer, "MESSAGE", **message)
            return result | self._connection_info(customer, params.get("ConnectionTypes", ()))

        with self.lock:
            scope = f"StartChatContact {params['InstanceId']}"
            result = run_once(self.contact_results, scope, params, start, self.assumptions)
            if not self.chats[result["ContactId"]].is_active(clock.now()):
                return {name: value for name, value in result.items() if name != "Websocket"}
            return result

    def stop_contact(self, params: Mapping[str, Any]) -> None:
        """End a chat."""
        with self.lock:
            chat = self._find_contact(params, "ContactId")
            if chat is None or not chat.is_active(clock.now()):
                raise exceptions.ServiceError(
                    "ContactNotFoundException", "The contact does not exist, or has ended."
                )
            self.end_chat(chat)

    def create_participant(self, params: Mapping[str, Any]) -> Participant:
        """Add a participant to a chat. Only the role CUSTOM_BOT is valid in a chat."""

        def create() -> Participant:
            chat = self.get_active_contact(params)
            details = params["ParticipantDetails"]
            if details.get("ParticipantRole") != "CUSTOM_BOT":
                raise self._invalid("ParticipantRole must be CUSTOM_BOT for a chat.")
            if "DisplayName" not in details:
                raise self._invalid("DisplayName is required.")
            return self.add_participant(chat, "CUSTOM_BOT", details["DisplayName"])

        with self.lock:
            scope = f"CreateParticipant {params['ContactId']}"
            return run_once(self.contact_results, scope, params, create, self.assumptions)

    def update_contact_attributes(self, params: Mapping[str, Any]) -> None:
        """Add attributes to a contact, or change them. The chat may have ended."""
        with self.lock:
            chat = self.get_contact(params, "InitialContactId")
            chat.attributes = self._checked_attributes({**chat.attributes, **params["Attributes"]})
            chat.updated_at = clock.now()

    def get_contact_attributes(self, params: Mapping[str, Any]) -> dict[str, str]:
        """Return the attributes of a contact."""
        with self.lock:
            return dict(self.get_contact(params, "InitialContactId").attributes)

    def describe_contact(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the members of a contact."""
        with self.lock:
            chat, now = self.get_contact(params, "ContactId"), clock.now()
            arn = (
                f"arn:{self.partition}:connect:{self.region_name}:{self.account_id}"
                f":instance/{chat.instance_id}/contact/{chat.contact_id}"
            )
            contact = {
                "Arn": arn,
                "Id": chat.contact_id,
                "InitialContactId": chat.contact_id,
                "InitiationMethod": "API",
                "Channel": "CHAT",
                "InitiationTimestamp": chat.started_at.timestamp(),
                "LastUpdateTimestamp": chat.updated_at.timestamp(),
                "Attributes": chat.attributes,
                "SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:Chat"}},
                **chat.details,
            }
            if not chat.is_active(now):
                contact["DisconnectTimestamp"] = chat.expires_at.timestamp()
            return contact

    def start_contact_streaming(self, params: Mapping[str, Any]) -> Stream:
        """Publish a chat's items to an SNS topic from now on."""
        topic_arn = params["ChatStreamingConfiguration"]["StreamingEndpointArn"]
        with self.lock:
            return run_once(
                self.contact_results,
                f"StartContactStreaming {params['ContactId']}",
                params,
                lambda: self.start_stream(self.get_active_contact(params), topic_arn),
                self.assumptions,
            )

    def stop_contact_streaming(self, params: Mapping[str, Any]) -> None:
        """Stop publishing a chat's items."""
        with self.lock:
            for stream in self.get_contact(params, "ContactId").streams:
                if stream.streaming_id == params["StreamingId"]:
                    stream.active = False
                    return
        raise exceptions.ServiceError("ResourceNotFoundException", "The stream was not found.")

    def get_contact(self, params: Mapping[str, Any], id_member: str) -> Chat:
        """Return the chat of a contact.

        Raises:
            exceptions.ServiceError: The instance has no contact with this ID.
        """
        chat = self._find_contact(params, id_member)
        if chat is None:
            raise exceptions.ServiceError(
                "ResourceNotFoundException", "The contact was not found in the instance."
            )
        return chat

    def get_active_contact(self, params: Mapping[str, Any]) -> Chat:
        """Return the chat of a contact.

        Raises:
            exceptions.ServiceError: The instance has no contact with this ID, or it has ended.
        """
        chat = self.get_contact(params, "ContactId")
        if not chat.is_active(clock.now()):
            raise exceptions.ServiceError(self.assumptions.ended_contact, "The chat has ended.")
        return chat

    def _find_contact(self, params: Mapping[str, Any], id_member: str) -> Chat | None:
        chat = self.chats.get(params[id_member])
        return chat if chat and chat.instance_id == params["InstanceId"] else None

    def _connection_info(self, customer: Participant, types: list[str]) -> dict[str, Any]:
        """Return the members of a response for `ConnectionTypes`."""
        if not {"WEBSOCKET", "CONNECTION_CREDENTIALS"} & set(types):
            return {}
        token, expires_at = self.create_participant_connection(
            customer.token, join="WEBSOCKET" in types and self.assumptions.joined_early
        )
        return self.connection_members(token, expires_at, types)

    def _chat_content_types(self, params: Mapping[str, Any]) -> frozenset[str]:
        content_types = frozenset(params.get("SupportedMessagingContentTypes", ["text/plain"]))
        unknown = content_types - _limits.MESSAGE_CONTENT_TYPES - {_INTERACTIVE}
        if unknown or "text/plain" not in content_types:
            raise self._invalid(
                "SupportedMessagingContentTypes must contain text/plain and only supported types."
            )
        return content_types

    def _initial_message(
        self, params: Mapping[str, Any], content_types: frozenset[str]
    ) -> dict[str, str] | None:
        message: dict[str, str] | None = params.get("InitialMessage")
        if message:
            if message["ContentType"] not in content_types & _limits.MESSAGE_CONTENT_TYPES:
                raise self._invalid("The chat does not support the InitialMessage's ContentType.")
            if len(message["Content"].encode("utf-8", "replace")) > _limits.MESSAGE_BYTES:
                raise self._invalid(f"Content must not exceed {_limits.MESSAGE_BYTES} bytes.")
        return message

    def _check_guide(self, params: Mapping[str, Any], content_types: frozenset[str]) -> None:
        subtype = params.get("SegmentAttributes", {}).get("connect:Subtype", {})
        is_guide = subtype.get("ValueString") == "connect:Guide"
        if is_guide and not content_types >= _GUIDE_CONTENT_TYPES:
            raise self._invalid("connect:Guide requires the interactive content types.")

    def _source_chat(self, params: Mapping[str, Any]) -> Chat | None:
        """Return the chat that a persistent chat continues, or None."""
        persistent = params.get("PersistentChat")
        if not persistent:
            return None
        if "RelatedContactId" in params:
            raise self._invalid("RelatedContactId and PersistentChat exclude each other.")
        if not {"RehydrationType", "SourceContactId"} <= persistent.keys():
            raise self._invalid("PersistentChat needs RehydrationType and SourceContactId.")
        contact = {"InstanceId": params["InstanceId"], **persistent}
        source = self.get_contact(contact, "SourceContactId")
        if source.is_active(clock.now()):
            raise self._invalid("The chat of SourceContactId has not ended.")
        return source

    def _checked_attributes(self, attributes: Mapping[str, Any]) -> dict[str, str]:
        size = 0
        for name, value in attributes.items():
            if not isinstance(value, str) or not _ATTRIBUTE_NAME.fullmatch(name):
                raise self._invalid(
                    "Attributes must be strings, with names of letters, digits, '-' and '_'."
                )
            size += len(name) + len(value.encode("utf-8", "replace"))
        if size > _limits.ATTRIBUTES_BYTES:
            raise self._invalid(f"Attributes must not exceed {_limits.ATTRIBUTES_BYTES} bytes.")
        return dict(attributes)

    def _invalid(self, message: str) -> exceptions.ServiceError:
        return exceptions.ServiceError(self.assumptions.invalid_request, message)


def _contact_details(params: Mapping[str, Any], source: Chat | None) -> dict[str, Any]:
    names = ("CustomerId", "RelatedContactId", "SegmentAttributes")
    details = {name: params[name] for name in names if name in params}
    return details | ({"RelatedContactId": source.contact_id} if source else {})
