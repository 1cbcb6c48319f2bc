"""A `stub_<operation>` method for each operation of the service.

Each method accepts the operation's parameters under the names that boto3 uses. A parameter that is
passed must match the parameter of the call: equal it (`==`, so `botocore.stub.ANY` or any object
with `__eq__` works), be a compiled regular expression that is found in it, or be a function that
returns a true value for it. This also applies to the items of a list and the values of a dict. A
parameter that is not passed matches any value. The ClientToken is compared as it is sent, even if
botocore generated it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, overload

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from typing_extensions import Unpack

    from attach_confirm_stubs.stubber._matching import Match

# The errors that every operation declares.
Error: TypeAlias = Literal[
    "AccessDeniedException",
    "InternalServerException",
    "ThrottlingException",
    "ValidationException",
]


class StubOptions(TypedDict, total=False):
    """Options of every stub, in addition to the operation's parameters and these two.

    `error_code` is the code of an error to raise, which the operation must declare. With
    `unmodeled=True`, it may be any code, or an HTTP status as a string for a response without an
    error code.

    Attributes:
        response: Members that override those of the complete default response, checked against
            the service model; or a callable that gets the request parameters and returns such
            members (None for the default response) or raises.
        error_message: Message of the error.
        error: An exception to raise, for example `ReadTimeoutError(endpoint_url="")`.
        exact_params: Whether the call must not pass other parameters. The default is False.
        times: Number of calls that the stub matches. The default is 1. None means any number, also
            zero.
        optional: Whether the stub may remain unused. The default is False.
    """

    response: Mapping[str, Any] | Callable[[dict[str, Any]], Mapping[str, Any] | None] | None
    error_message: str
    error: BaseException | None
    exact_params: bool
    times: int | None
    optional: bool


OPTIONS = StubOptions.__annotations__.keys() | {"error_code", "unmodeled"}


class StubMethods(ABC):
    """The `stub_<operation>` methods."""

    @abstractmethod
    def _stub(self, operation: str, stub: dict[str, Any]) -> None:
        """Add a stub from the arguments of a `stub_<operation>` method."""

    @overload
    def stub_cancel_participant_authentication(
        self,
        *,
        SessionId: Match[str] = ...,
        ConnectionToken: Match[str] = ...,
        error_code: Error | None = ...,
        **options: Unpack[StubOptions],
    ) -> None: ...
    @overload
    def stub_cancel_participant_authentication(self, *, unmodeled: bool, **stub: Any) -> None: ...
    def stub_cancel_participant_authentication(self, **stub: Any) -> None:
        """Stub CancelParticipantAuthentication."""
        self._stub("CancelParticipantAuthentication", stub)

    @overload
    def stub_complete_attachment_upload(
        self,
        *,
        AttachmentIds: Match[list[Any]] = ...,
        ClientToken: Match[str] = ...,
        ConnectionToken: Match[str] = ...,
        error_code: Error
        | Literal["ConflictException", "ServiceQuotaExceededException"]
        | None = ...,
        **options: Unpack[StubOptions],
    ) -> None: ...
    @overload
    def stub_complete_attachment_upload(self, *, unmodeled: bool, **stub: Any) -> None: ...
    def stub_complete_attachment_upload(self, **stub: Any) -> None:
        """Stub CompleteAttachmentUpload."""
        self._stub("CompleteAttachmentUpload", stub)

    @overload
    def stub_create_participant_connection(
        self,
        *,
        Type: Match[list[Any]] = ...,
        ParticipantToken: Match[str] = ...,
        ConnectParticipant: Match[bool] = ...,
        error_code: Error | None = ...,
        **options: Unpack[StubOptions],
    ) -> None: ...
    @overload
    def stub_create_participant_connection(self, *, unmodeled: bool, **stub: Any) -> None: ...
    def stub_create_participant_connection(self, **stub: Any) -> None:
        """Stub CreateParticipantConnection."""
        self._stub("CreateParticipantConnection", stub)

    @overload
    def stub_describe_view(
        self,
        *,
        ViewToken: Match[str] = ...,
        ConnectionToken: Match[str] = ...,
        error_code: Error | Literal["ResourceNotFoundException"] | None = ...,
        **options: Unpack[StubOptions],
    ) -> None: ...
    @overload
    def stub_describe_view(self, *, unmodeled: bool, **stub: Any) -> None: ...
    def stub_describe_view(self, **stub: Any) -> None:
        """Stub DescribeView."""
        self._stub("DescribeView", stub)

    @overload
    def stub_disconnect_participant(
        self,
        *,
        ClientToken: Match[str] = ...,
        ConnectionToken: Match[str] = ...,
        error_code: Error | None = ...,
        **options: Unpack[StubOptions],
    ) -> None: ...
    @overload
    def stub_disconnect_participant(self, *, unmodeled: bool, **stub: Any) -> None: ...
    def stub_disconnect_participant(self, **stub: Any) -> None:
        """Stub DisconnectParticipant."""
        self._stub("DisconnectParticipant", stub)

    @overload
    def stub_get_attachment(
        self,
        *,
        AttachmentId: Match[str] = ...,
        ConnectionToken: Match[str] = ...,
        UrlExpiryInSeconds: Match[int] = ...,
        UrlContentDisposition: Match[str] = ...,
        error_code: Error | None = ...,
        **options: Unpack[StubOptions],
    ) -> None: ...
    @overload
    def stub_get_attachment(self, *, unmodeled: bool, **stub: Any) -> None: ...
    def stub_get_attachment(self, **stub: Any) -> None:
        """Stub GetAttachment."""
        self._stub("GetAttachment", stub)

    @overload
    def stub_get_authentication_url(
        self,
        *,
        SessionId: Match[str] = ...,
        RedirectUri: Match[str] = ...,
        ConnectionToken: Match[str] = ...,
        error_code: Error | None = ...,
        **options: Unpack[StubOptions],
    ) -> None: ...
    @overload
    def stub_get_authentication_url(self, *, unmodeled: bool, **stub: Any) -> None: ...
    def stub_get_authentication_url(self, **stub: Any) -> None:
        """Stub GetAuthenticationUrl."""
        self._stub("GetAuthenticationUrl", stub)

    @overload
    def stub_get_transcript(
        self,
        *,
        ContactId: Match[str] = ...,
        MaxResults: Match[int] = ...,
        NextToken: Match[str] = ...,
        ScanDirection: Match[str] = ...,
        SortOrder: Match[str] = ...,
        StartPosition: Match[dict[str, Any]] = ...,
        ConnectionToken: Match[str] = ...,
        error_code: Error | None = ...,
        **options: Unpack[StubOptions],
    ) -> None: ...
    @overload
    def stub_get_transcript(self, *, unmodeled: bool, **stub: Any) -> None: ...
    def stub_get_transcript(self, **stub: Any) -> None:
        """Stub GetTranscript."""
        self._stub("GetTranscript", stub)

    @overload
    def stub_send_event(
        self,
        *,
        ContentType: Match[str] = ...,
        Content: Match[str] = ...,
        ClientToken: Match[str] = ...,
        ConnectionToken: Match[str] = ...,
        error_code: Error | Literal["ConflictException"] | None = ...,
        **options: Unpack[StubOptions],
    ) -> None: ...
    @overload
    def stub_send_event(self, *, unmodeled: bool, **stub: Any) -> None: ...
    def stub_send_event(self, **stub: Any) -> None:
        """Stub SendEvent."""
        self._stub("SendEvent", stub)

    @overload
    def stub_send_message(
        self,
        *,
        ContentType: Match[str] = ...,
        Content: Match[str] = ...,
        ClientToken: Match[str] = ...,
        ConnectionToken: Match[str] = ...,
        error_code: Error | None = ...,
        **options: Unpack[StubOptions],
    ) -> None: ...
    @overload
    def stub_send_message(self, *, unmodeled: bool, **stub: Any) -> None: ...
    def stub_send_message(self, **stub: Any) -> None:
        """Stub SendMessage."""
        self._stub("SendMessage", stub)

    @overload
    def stub_start_attachment_upload(
        self,
        *,
        ContentType: Match[str] = ...,
        AttachmentSizeInBytes: Match[int] = ...,
        AttachmentName: Match[str] = ...,
        ClientToken: Match[str] = ...,
        ConnectionToken: Match[str] = ...,
        error_code: Error | Literal["ServiceQuotaExceededException"] | None = ...,
        **options: Unpack[StubOptions],
    ) -> None: ...
    @overload
    def stub_start_attachment_upload(self, *, unmodeled: bool, **stub: Any) -> None: ...
    def stub_start_attachment_upload(self, **stub: Any) -> None:
        """Stub StartAttachmentUpload."""
        self._stub("StartAttachmentUpload", stub)
