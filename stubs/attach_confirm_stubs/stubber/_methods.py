"""A `stub_<operation>` method for each operation of the service.

Every parameter of the operation can be named, by boto3's own name: it must match then, by `==`, so
that `botocore.stub.ANY` or any object with `__eq__` does. What is not named is free. The
ClientToken is compared as it is sent, botocore's own included.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from typing_extensions import Unpack


class StubOptions(TypedDict, total=False):
    """What every stub takes besides the operation's parameters.

    Attributes:
        response: Merged over a complete default answer and checked against the service model;
            or a callable that gets the parameters sent and returns it, or raises.
        error_code: An error that the operation declares, instead of an answer.
        error_message: Its message.
        unmodeled: Whether `error_code` may be one that the operation does not declare. A number
            is an HTTP status without a code.
        error: An exception to raise instead, such as `ReadTimeoutError(endpoint_url="")`.
        exact_params: Whether the call may be given no other parameters.
        times: How often the stub answers; 1 if not given.
        optional: Whether it may stay unused.
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
    """The default of a parameter that a stub does not name."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Any = _Unset()


class StubMethods(ABC):
    """The `stub_<operation>` methods."""

    @abstractmethod
    def _stub(self, operation: str, options: StubOptions, **params: Any) -> None:
        """Add a stub; parameters that are UNSET are not named."""

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
