"""The fake, with a handle for tests."""

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
    from attach_confirm_stubs.fake._scanner import Scanner
    from attach_confirm_stubs.fake.models import ConnectParticipantBackend
    from attach_confirm_stubs.fake.models._snapshot import FakeAttachment


class FakeConnectParticipant:
    """A handle on the fake service in one region.

    It looks at moto's default account. What it shows is the fake's state at that moment.

    Attributes:
        region_name: The region.
    """

    def __init__(self, region_name: str = DEFAULT_REGION) -> None:
        self.region_name = region_name

    @cached_property
    def client(self) -> ConnectParticipantClient:
        """A client of the fake, as `attach_confirm.client` makes them."""
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
            contact_id: The contact of the chat; they get a chat of their own if not given.
            role: CUSTOMER, AGENT, SYSTEM, CUSTOM_BOT or SUPERVISOR.
            display_name: The name that the others see.

        Raises:
            ValueError: There is no such chat.
        """
        backend = self._backend
        with backend.lock:
            chat = backend.chat(contact_id) if contact_id else backend.start_chat()
            return backend.add_participant(chat, role, display_name).token

    def connection_token(
        self,
        *,
        contact_id: str | None = None,
        role: str = "CUSTOMER",
        display_name: str = "Customer",
    ) -> str:
        """Add a participant, connect them, and return the connection token.

        The transcript does not tell of it, other than of a connection by the API. The arguments
        are those of `participant_token`.
        """
        participant_token = self.participant_token(
            contact_id=contact_id, role=role, display_name=display_name
        )
        token, _ = self._backend.create_participant_connection(participant_token)
        return token

    def view_token(self, **view: Any) -> str:
        """Show a view in a chat, and return the token that DescribeView takes.

        Args:
            **view: What DescribeView answers: `Id`, `Arn`, `Name`, `Version` or `Content`.
        """
        return self._backend.create_view(view)

    def authentication_session(self, connection_token: str) -> str:
        """Ask a customer to sign in, and return the session's id.

        Args:
            connection_token: The customer's.
        """
        return self._backend.start_authentication(connection_token)

    def inject(self, operation: str, *faults: Fault) -> None:
        """Queue faults for an operation, one for each attempt.

        Args:
            operation: Its name in the API, such as `CompleteAttachmentUpload`, or `PutObject`.
            *faults: In the order in which the attempts get them. Attempts after the last one
                get none.

        Raises:
            TypeError: One is no fault.
            ValueError: There is no such operation, or it does not declare the error.
        """
        self._backend.faults.inject(operation, *faults)

    def reset_faults(self) -> None:
        """Drop the faults that are left."""
        self._backend.faults.clear()

    @property
    def attachments(self) -> list[FakeAttachment]:
        """The attachments that were started, of all chats, the oldest first."""
        return self._backend.list_attachments()

    @property
    def transcript(self) -> list[dict[str, Any]]:
        """The items of all chats, the oldest first, with the members that GetTranscript gives."""
        return copy.deepcopy(self._backend.all_items())

    @property
    def calls(self) -> CallList[RecordedCall]:
        """The calls that came in, in their order, with every attempt.

        `fake.calls("CompleteAttachmentUpload")` are those of one operation.
        """
        return self._backend.history.snapshot()

    @property
    def scanner(self) -> Scanner:
        """The attachment scanner, whose verdicts can be set."""
        return self._backend.scanner

    @property
    def clock(self) -> Clock:
        """The time of the fake, of all regions."""
        return self._backend.clock

    @property
    def quotas(self) -> Quotas:
        """The throttling quotas, which can be enabled."""
        return self._backend.quotas

    @property
    def assumptions(self) -> Assumptions:
        """The switches for what no public source tells of the service."""
        return self._backend.assumptions

    @property
    def _backend(self) -> ConnectParticipantBackend:
        return connectparticipant_backends[DEFAULT_ACCOUNT_ID][self.region_name]
