"""The handle that tests use to control and inspect the fake."""

from __future__ import annotations

import copy
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from moto.core.models import DEFAULT_ACCOUNT_ID

import attach_confirm
from attach_confirm_stubs._session import shared_session
from attach_confirm_stubs.fake._fake_chat import FakeChat
from attach_confirm_stubs.fake.models import (
    DEFAULT_REGION,
    all_backends,
    connectparticipant_backends,
)
from attach_confirm_stubs.fake.models._entities import check_role

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from types_boto3_connectparticipant.client import ConnectParticipantClient

    from attach_confirm_stubs._calls import CallList
    from attach_confirm_stubs.fake._assumptions import Assumptions
    from attach_confirm_stubs.fake._clock import Clock
    from attach_confirm_stubs.fake._faults import Fault
    from attach_confirm_stubs.fake._history import RecordedCall
    from attach_confirm_stubs.fake._operations import FaultOperation
    from attach_confirm_stubs.fake._quotas import Quotas
    from attach_confirm_stubs.fake.models import ConnectParticipantBackend
    from attach_confirm_stubs.fake.models._entities import Participant, Role
    from attach_confirm_stubs.fake.models._replies import Replies
    from attach_confirm_stubs.fake.models._scanner import Scanner
    from attach_confirm_stubs.fake.models._snapshot import FakeAttachment, FakeStream


class FakeConnectParticipant:
    """Controls and inspects the fake service in all regions and accounts.

    The handle of a server is about one region.

    Attributes:
        region_name: The region of `client` and of new chats.
    """

    def __init__(self, region_name: str = DEFAULT_REGION) -> None:
        self.region_name = region_name

    @cached_property
    def client(self) -> ConnectParticipantClient:
        """A client of the fake, created by `attach_confirm.client`."""
        return attach_confirm.client(self.region_name, session=shared_session())

    def start_chat(
        self,
        *,
        display_name: str = "Customer",
        instance_id: str | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> FakeChat:
        """Start a chat with a customer in the region `region_name`.

        Args:
            display_name: The name of the customer that the chat's other participants see.
            instance_id: The Connect instance; by default the same for all chats of the region.
            attributes: The contact's user-defined attributes.
        """
        backend = self._backend
        with backend.lock:
            chat = backend.start_chat(instance_id=instance_id, attributes=dict(attributes or {}))
            backend.add_participant(chat, display_name=display_name)
            return FakeChat(backend, chat)

    @property
    def chats(self) -> list[FakeChat]:
        """The chats, oldest first."""
        chats = [
            (chat.started_at, FakeChat(backend, chat))
            for backend in self._backends()
            for chat in list(backend.chats.values())
        ]
        return [chat for _, chat in sorted(chats, key=itemgetter(0))]

    def participant_token(
        self,
        *,
        contact_id: str | None = None,
        role: Role = "CUSTOMER",
        display_name: str = "Customer",
    ) -> str:
        """Add a participant to a chat, and return the participant token.

        Args:
            contact_id: The contact ID of an existing chat. By default a new chat is started in the
                region `region_name`.
            role: CUSTOMER, AGENT, SYSTEM, CUSTOM_BOT or SUPERVISOR.
            display_name: The name that the chat's other participants see.

        Raises:
            ValueError: `contact_id` or `role` is unknown.
        """
        return self._add_participant(contact_id, role, display_name)[1].token

    def connection_token(
        self,
        *,
        contact_id: str | None = None,
        role: Role = "CUSTOMER",
        display_name: str = "Customer",
    ) -> str:
        """Add a participant to a chat, connect the participant, and return the connection token.

        Unlike CreateParticipantConnection, this does not add an item to the transcript.

        Args:
            contact_id: The contact ID of an existing chat. By default a new chat is started in the
                region `region_name`.
            role: CUSTOMER, AGENT, SYSTEM, CUSTOM_BOT or SUPERVISOR.
            display_name: The name that the chat's other participants see.

        Raises:
            ValueError: `contact_id` or `role` is unknown.
        """
        backend, participant = self._add_participant(contact_id, role, display_name)
        token, _ = backend.create_participant_connection(participant.token)
        return token

    def view_token(self, /, **view: Any) -> str:
        """Add a view, and return the token with which DescribeView returns it.

        Args:
            **view: The members of DescribeView's response: `Id`, `Arn`, `Name`, `Version` or
                `Content`.

        Raises:
            ValueError: A member is unknown, or its value is invalid.
        """
        return self._backend.create_view(view)

    def authentication_session(self, connection_token: str) -> str:
        """Start an authentication session of a customer, and return its SessionId.

        Args:
            connection_token: The customer's connection token.
        """
        for backend in self._backends():
            if connection_token in backend.connections:
                return backend.start_authentication(connection_token)
        return self._backend.start_authentication(connection_token)

    def inject(self, operation: FaultOperation, *faults: Fault) -> None:
        """Queue faults for an operation, one for each attempt.

        Args:
            operation: The operation's name in the API, for example `CompleteAttachmentUpload` or
                `StartChatContact`; `PutObject` for the PUT of an upload, `GetObject` for the GET
                of a download, or `Websocket`.
            *faults: The faults, in the order of the attempts. Later attempts have no fault.

        Raises:
            TypeError: A fault is not an instance of `Fault`.
            ValueError: `operation` is unknown, or does not declare an error of `faults`.
        """
        self._backend.faults.inject(operation, *faults)

    def reset_faults(self) -> None:
        """Remove the faults that no attempt has consumed yet."""
        self._backend.faults.clear()

    @property
    def attachments(self) -> list[FakeAttachment]:
        """A snapshot of the attachments of all chats, oldest first."""
        attachments: list[tuple[datetime, FakeAttachment]] = []
        for backend in self._backends():
            with backend.lock:
                started_at = [attachment.started_at for attachment in backend.attachments.values()]
                attachments += zip(started_at, backend.list_attachments(), strict=True)
        return [attachment for _, attachment in sorted(attachments, key=itemgetter(0))]

    @property
    def transcript(self) -> list[dict[str, Any]]:
        """A copy of the items of all chats, oldest first, with the members of GetTranscript."""
        items: list[dict[str, Any]] = []
        for backend in self._backends():
            with backend.lock:
                items += copy.deepcopy(backend.all_items())
        return sorted(items, key=itemgetter("AbsoluteTime"))

    @property
    def streams(self) -> list[FakeStream]:
        """A snapshot of the streams that publish chats to SNS topics, with failed deliveries."""
        return [stream for backend in self._backends() for stream in backend.list_streams()]

    @property
    def replies(self) -> Replies:
        """Rules for replies to the messages and attachments of customers."""
        return self._backend.controls.replies

    @property
    def calls(self) -> CallList[RecordedCall]:
        """A snapshot of the received calls, in order, with all of their attempts.

        The history keeps the last 50,000 calls.

        `fake.calls("CompleteAttachmentUpload")` returns the calls of one operation.
        """
        return self._backend.history.snapshot()

    @property
    def scanner(self) -> Scanner:
        """The attachment scanner, which approves, rejects or holds attachments."""
        return self._backend.scanner

    @property
    def clock(self) -> Clock:
        """The fake's clock, which all regions share."""
        # moto resets the clock together with a backend, so there must be one.
        return self._backend.clock

    @property
    def quotas(self) -> Quotas:
        """The throttling quotas, which are disabled by default."""
        return self._backend.quotas

    @property
    def assumptions(self) -> Assumptions:
        """Settings for undocumented behaviour of the service."""
        return self._backend.assumptions

    @property
    def _backend(self) -> ConnectParticipantBackend:
        """The backend of the region `region_name`, whose controls other regions may share."""
        return connectparticipant_backends[DEFAULT_ACCOUNT_ID][self.region_name]

    def _backends(self) -> Iterator[ConnectParticipantBackend]:
        """Yield the backends that the handle is about."""
        for backend in all_backends():
            if backend.controls is self._backend.controls:
                yield backend

    def _add_participant(
        self, contact_id: str | None, role: str, display_name: str
    ) -> tuple[ConnectParticipantBackend, Participant]:
        check_role(role)
        backend = self._backend
        if contact_id:
            backend = next((b for b in self._backends() if contact_id in b.chats), backend)
        with backend.lock:
            chat = backend.get_chat(contact_id) if contact_id else backend.start_chat()
            return backend, backend.add_participant(chat, role, display_name)
