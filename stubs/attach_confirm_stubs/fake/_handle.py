"""The handle that tests use to control and inspect the fake."""

from __future__ import annotations

import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any

from moto.core.models import DEFAULT_ACCOUNT_ID

import attach_confirm
from attach_confirm_stubs._session import shared_session
from attach_confirm_stubs.fake.models import connectparticipant_backends
from attach_confirm_stubs.fake.responses import DEFAULT_REGION

if TYPE_CHECKING:
    from types_boto3_connectparticipant.client import ConnectParticipantClient

    from attach_confirm_stubs._calls import CallList
    from attach_confirm_stubs.fake._assumptions import Assumptions
    from attach_confirm_stubs.fake._clock import Clock
    from attach_confirm_stubs.fake._faults import Fault
    from attach_confirm_stubs.fake._history import RecordedCall
    from attach_confirm_stubs.fake._quotas import Quotas
    from attach_confirm_stubs.fake.models import ConnectParticipantBackend
    from attach_confirm_stubs.fake.models._scanner import Scanner
    from attach_confirm_stubs.fake.models._snapshot import FakeAttachment


class FakeConnectParticipant:
    """Controls and inspects the fake service in one region of moto's default account.

    Attributes:
        region_name: The region.
    """

    def __init__(self, region_name: str = DEFAULT_REGION) -> None:
        self.region_name = region_name

    @cached_property
    def client(self) -> ConnectParticipantClient:
        """A client of the fake, created by `attach_confirm.client`."""
        return attach_confirm.client(self.region_name, session=shared_session())

    def participant_token(
        self,
        *,
        contact_id: str | None = None,
        role: str = "CUSTOMER",
        display_name: str = "Customer",
    ) -> str:
        """Add a participant to a chat, and return the participant token.

        Args:
            contact_id: The contact ID of an existing chat. By default a new chat is started.
            role: CUSTOMER, AGENT, SYSTEM, CUSTOM_BOT or SUPERVISOR.
            display_name: The name that the chat's other participants see.

        Raises:
            ValueError: `contact_id` is unknown.
        """
        backend = self._backend
        with backend.lock:
            chat = backend.get_chat(contact_id) if contact_id else backend.start_chat()
            return backend.add_participant(chat, role, display_name).token

    def connection_token(
        self,
        *,
        contact_id: str | None = None,
        role: str = "CUSTOMER",
        display_name: str = "Customer",
    ) -> str:
        """Add a participant to a chat, connect the participant, and return the connection token.

        Unlike CreateParticipantConnection, this does not add an item to the transcript.

        Args:
            contact_id: The contact ID of an existing chat. By default a new chat is started.
            role: CUSTOMER, AGENT, SYSTEM, CUSTOM_BOT or SUPERVISOR.
            display_name: The name that the chat's other participants see.

        Raises:
            ValueError: `contact_id` is unknown.
        """
        participant_token = self.participant_token(
            contact_id=contact_id, role=role, display_name=display_name
        )
        token, _ = self._backend.create_participant_connection(participant_token)
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
        return self._backend.start_authentication(connection_token)

    def inject(self, operation: str, *faults: Fault) -> None:
        """Queue faults for an operation, one for each attempt.

        Args:
            operation: The operation's name in the API, for example `CompleteAttachmentUpload`, or
                `PutObject`.
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
        return self._backend.list_attachments()

    @property
    def transcript(self) -> list[dict[str, Any]]:
        """A copy of the items of all chats, oldest first, with the members of GetTranscript."""
        return copy.deepcopy(self._backend.all_items())

    @property
    def calls(self) -> CallList[RecordedCall]:
        """A snapshot of the received calls, in order, with all of their attempts.

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
        return connectparticipant_backends[DEFAULT_ACCOUNT_ID][self.region_name]
