"""A `stub_<operation>` method for each operation of the service.

Each method accepts the operation's parameters under the names that boto3 uses. A parameter that is
passed must be equal to the parameter of the call (`==`, so `botocore.stub.ANY` or any object with
`__eq__` works). A parameter that is not passed matches any value. The ClientToken is compared as it
is sent, even if botocore generated it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from typing_extensions import Unpack


class StubOptions(TypedDict, total=False):
    """Options of every stub, in addition to the operation's parameters.

    Attributes:
        response: Members that override those of the complete default response, checked against
            the service model; or a callable that gets the request parameters and returns such
            members (None for the default response) or raises.
        error_code: Code of the error to raise. The operation must declare it, unless `unmodeled` is
            True.
        error_message: Message of that error.
        unmodeled: Whether `error_code` may be any code, or an HTTP status as a string for a
            response without an error code. The default is False.
        error: An exception to raise, for example `ReadTimeoutError(endpoint_url="")`.
        exact_params: Whether the call must not pass other parameters. The default is False.
        times: Number of calls that the stub matches. The default is 1.
        optional: Whether the stub may remain unused. The default is False.
    """

    response: Mapping[str, Any] | Callable[[dict[str, Any]], Mapping[str, Any] | None] | None
    error_code: str | None
    error_message: str
    unmodeled: bool
    error: BaseException | None
    exact_params: bool
    times: int
    optional: bool


class _Unset:
    """The default of a parameter that matches any value."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Any = _Unset()


class StubMethods(ABC):
    """The `stub_<operation>` methods."""

    @abstractmethod
    def _stub(self, operation: str, options: StubOptions, **params: Any) -> None:
        """Add a stub; a parameter that is UNSET matches any value."""

    def stub_cancel_participant_authentication(
        self,
        *,
        SessionId: str | Any = UNSET,
        ConnectionToken: str | Any = UNSET,
        **options: Unpack[StubOptions],
    ) -> None:
        """Stub CancelParticipantAuthentication."""
        self._stub(
            "CancelParticipantAuthentication",
            options,
            SessionId=SessionId,
            ConnectionToken=ConnectionToken,
        )

    def stub_complete_attachment_upload(
        self,
        *,
        AttachmentIds: Sequence[str] | Any = UNSET,
        ClientToken: str | Any = UNSET,
        ConnectionToken: str | Any = UNSET,
        **options: Unpack[StubOptions],
    ) -> None:
        """Stub CompleteAttachmentUpload."""
        self._stub(
            "CompleteAttachmentUpload",
            options,
            AttachmentIds=AttachmentIds,
            ClientToken=ClientToken,
            ConnectionToken=ConnectionToken,
        )

    def stub_create_participant_connection(
        self,
        *,
        Type: Sequence[str] | Any = UNSET,
        ParticipantToken: str | Any = UNSET,
        ConnectParticipant: bool | Any = UNSET,
        **options: Unpack[StubOptions],
    ) -> None:
        """Stub CreateParticipantConnection."""
        self._stub(
            "CreateParticipantConnection",
            options,
            Type=Type,
            ParticipantToken=ParticipantToken,
            ConnectParticipant=ConnectParticipant,
        )

    def stub_describe_view(
        self,
        *,
        ViewToken: str | Any = UNSET,
        ConnectionToken: str | Any = UNSET,
        **options: Unpack[StubOptions],
    ) -> None:
        """Stub DescribeView."""
        self._stub(
            "DescribeView",
            options,
            ViewToken=ViewToken,
            ConnectionToken=ConnectionToken,
        )

    def stub_disconnect_participant(
        self,
        *,
        ClientToken: str | Any = UNSET,
        ConnectionToken: str | Any = UNSET,
        **options: Unpack[StubOptions],
    ) -> None:
        """Stub DisconnectParticipant."""
        self._stub(
            "DisconnectParticipant",
            options,
            ClientToken=ClientToken,
            ConnectionToken=ConnectionToken,
        )

    def stub_get_attachment(
        self,
        *,
        AttachmentId: str | Any = UNSET,
        ConnectionToken: str | Any = UNSET,
        UrlExpiryInSeconds: int | Any = UNSET,
        UrlContentDisposition: str | Any = UNSET,
        **options: Unpack[StubOptions],
    ) -> None:
        """Stub GetAttachment."""
        self._stub(
            "GetAttachment",
            options,
            AttachmentId=AttachmentId,
            ConnectionToken=ConnectionToken,
            UrlExpiryInSeconds=UrlExpiryInSeconds,
            UrlContentDisposition=UrlContentDisposition,
        )

    def stub_get_authentication_url(
        self,
        *,
        SessionId: str | Any = UNSET,
        RedirectUri: str | Any = UNSET,
        ConnectionToken: str | Any = UNSET,
        **options: Unpack[StubOptions],
    ) -> None:
        """Stub GetAuthenticationUrl."""
        self._stub(
            "GetAuthenticationUrl",
            options,
            SessionId=SessionId,
            RedirectUri=RedirectUri,
            ConnectionToken=ConnectionToken,
        )

    def stub_get_transcript(
        self,
        *,
        ContactId: str | Any = UNSET,
        MaxResults: int | Any = UNSET,
        NextToken: str | Any = UNSET,
        ScanDirection: str | Any = UNSET,
        SortOrder: str | Any = UNSET,
        StartPosition: Mapping[str, Any] | Any = UNSET,
        ConnectionToken: str | Any = UNSET,
        **options: Unpack[StubOptions],
    ) -> None:
        """Stub GetTranscript."""
        self._stub(
            "GetTranscript",
            options,
            ContactId=ContactId,
            MaxResults=MaxResults,
            NextToken=NextToken,
            ScanDirection=ScanDirection,
            SortOrder=SortOrder,
            StartPosition=StartPosition,
            ConnectionToken=ConnectionToken,
        )

    def stub_send_event(
        self,
        *,
        ContentType: str | Any = UNSET,
        Content: str | Any = UNSET,
        ClientToken: str | Any = UNSET,
        ConnectionToken: str | Any = UNSET,
        **options: Unpack[StubOptions],
    ) -> None:
        """Stub SendEvent."""
        self._stub(
            "SendEvent",
            options,
            ContentType=ContentType,
            Content=Content,
            ClientToken=ClientToken,
            ConnectionToken=ConnectionToken,
        )

    def stub_send_message(
        self,
        *,
        ContentType: str | Any = UNSET,
        Content: str | Any = UNSET,
        ClientToken: str | Any = UNSET,
        ConnectionToken: str | Any = UNSET,
        **options: Unpack[StubOptions],
    ) -> None:
        """Stub SendMessage."""
        self._stub(
            "SendMessage",
            options,
            ContentType=ContentType,
            Content=Content,
            ClientToken=ClientToken,
            ConnectionToken=ConnectionToken,
        )

    def stub_start_attachment_upload(
        self,
        *,
        ContentType: str | Any = UNSET,
        AttachmentSizeInBytes: int | Any = UNSET,
        AttachmentName: str | Any = UNSET,
        ClientToken: str | Any = UNSET,
        ConnectionToken: str | Any = UNSET,
        **options: Unpack[StubOptions],
    ) -> None:
        """Stub StartAttachmentUpload."""
        self._stub(
            "StartAttachmentUpload",
            options,
            ContentType=ContentType,
            AttachmentSizeInBytes=AttachmentSizeInBytes,
            AttachmentName=AttachmentName,
            ClientToken=ClientToken,
            ConnectionToken=ConnectionToken,
        )
