"""A program that uses every public name. mypy --strict checks it; it does not run."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from unittest.mock import call

import boto3
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError
from botocore.stub import ANY, Stubber
from typing_extensions import assert_never, assert_type

import attach_confirm
from attach_confirm_stubs import (
    Call,
    CallList,
    ConnectParticipantServer,
    ConnectParticipantStubber,
    FailureCase,
    FakeAttachment,
    FakeConnectParticipant,
    UnexpectedCallError,
    failure_cases,
    fake_connectparticipant,
    modeled_errors,
    serve_connectparticipant,
)

if TYPE_CHECKING:
    from pathlib import Path

    from types_boto3_connectparticipant.client import ConnectParticipantClient


def create_clients() -> ConnectParticipantClient:
    """Create clients with every combination of arguments."""
    session = boto3.Session(region_name="us-west-2")
    config = Config(retries={"total_max_attempts": 5})
    attach_confirm.client()
    attach_confirm.client("us-west-2", session=session, config=config)
    attach_confirm.client(session=None, config=None, endpoint_url="http://127.0.0.1", verify=False)
    client = attach_confirm.client(region_name=None)
    client.complete_attachment_upload(AttachmentIds=["a"], ConnectionToken="b", ClientToken="c")
    return client


def run_readme_example(client: ConnectParticipantClient, participant_token: str) -> str:
    """Run the README's example."""
    connection = attach_confirm.connect(client, participant_token)
    assert_type(connection, attach_confirm.Connection)
    assert_type(connection.token, str)
    assert_type(connection.expires_at, datetime)
    upload = attach_confirm.upload(client, "receipt.pdf", connection.token)
    assert_type(upload, attach_confirm.Upload)
    assert_type(upload.name, str)
    assert_type(upload.size, int)
    assert_type(upload.content_type, str)
    assert_type(upload.put_attempts, int)
    confirmation: attach_confirm.Confirmation = upload
    status = attach_confirm.wait(client, confirmation.attachment_id, connection.token, timeout=60)
    assert_type(status, attach_confirm.AttachmentStatus)
    return status.value


def upload_every_source(client: ConnectParticipantClient, token: str, path: Path) -> None:
    """Upload every type of source."""
    byte_counts: list[int] = []
    attach_confirm.upload(client, path, token, callback=byte_counts.append)
    attach_confirm.upload(client, b"abc", token, name="a.txt", content_type="text/plain")
    attach_confirm.upload(client, io.BytesIO(b"abc"), token, name="a.txt", client_token="id-1")
    with path.open("rb") as file:
        attach_confirm.upload(
            client, file, token, callback=lambda count: byte_counts.append(-count)
        )


class MyJournal:
    """A journal of the user's own; the protocol needs no base class."""

    def get(self, key: str) -> attach_confirm.JournalEntry | None:
        """Return the entry of a key, or None."""

    def claim(self, key: str, entry: attach_confirm.JournalEntry) -> attach_confirm.JournalEntry:
        """Return the entry."""
        assert_type(key, str)
        assert_type(entry.attachment_id, str)
        assert_type(entry.name, str)
        assert_type(entry.size, int)
        assert_type(entry.content_type, str)
        assert_type(entry.confirmed, bool)
        return entry

    def mark_confirmed(self, key: str) -> None:
        """Do nothing."""

    def delete(self, key: str) -> None:
        """Do nothing."""


def upload_with_journals(client: ConnectParticipantClient, token: str, path: Path) -> None:
    """Upload with every journal and a time limit."""
    journals: list[attach_confirm.Journal] = [
        MyJournal(),
        attach_confirm.SQLiteJournal(path),
        attach_confirm.SQLiteJournal("journal.db"),
        attach_confirm.DynamoDBJournal("uploads"),
    ]
    for journal in journals:
        attach_confirm.upload(
            client,
            io.BytesIO(b"abc"),
            token,
            name="a.txt",
            size=3,
            client_token="chat/1",
            journal=journal,
            timeout=25,
        )
    attach_confirm.upload(client, path, token, size=None, journal=None, timeout=None)
    attach_confirm.upload(client, path, token, timeout=2.5)
    attach_confirm.upload(client, path, token, journal=path)  # type: ignore[arg-type]
    attach_confirm.upload(client, path, token, timeout="5")  # type: ignore[arg-type]


def run_steps(client: ConnectParticipantClient, token: str) -> attach_confirm.Confirmation:
    """Call the steps one by one."""
    pending = attach_confirm.start(
        client,
        name="a.txt",
        size=3,
        content_type="text/plain",
        connection_token=token,
        client_token=None,
    )
    assert_type(pending, attach_confirm.PendingUpload)
    assert_type(pending.attachment_id, str)
    assert_type(pending.url, str)
    assert_type(pending.headers, Mapping[str, str])
    assert_type(pending.expires_at, datetime)
    attach_confirm.put(client, pending, b"abc", callback=None)
    policy: Literal["raise", "check"] = "check"
    confirmation = attach_confirm.confirm(
        client, pending.attachment_id, token, client_token="id-1", on_conflict=policy
    )
    assert_type(confirmation, attach_confirm.Confirmation)
    assert_type(confirmation.attachment_id, str)
    assert_type(confirmation.client_token, str)
    assert_type(confirmation.attempts, int)
    assert_type(confirmation.request_id, str | None)
    assert_type(confirmation.already_confirmed, bool)
    return confirmation


def is_approved(client: ConnectParticipantClient, attachment_id: str, token: str) -> bool:
    """Get the status, and handle every value."""
    status = attach_confirm.status(client, attachment_id, token)
    assert_type(status, attach_confirm.AttachmentStatus | None)
    if status is None or status is attach_confirm.AttachmentStatus.IN_PROGRESS:
        return False
    if status is attach_confirm.AttachmentStatus.APPROVED:
        return True
    assert_type(status, Literal[attach_confirm.AttachmentStatus.REJECTED])
    return False


def receive_files(client: ConnectParticipantClient, token: str, folder: Path) -> int:
    """List the attachments of a chat, and download them to every type of target."""
    listed = attach_confirm.attachments(client, token)
    assert_type(listed, Iterator[attach_confirm.ChatAttachment])
    size = 0
    for attachment in listed:
        assert_type(attachment.attachment_id, str)
        assert_type(attachment.name, str)
        assert_type(attachment.content_type, str)
        assert_type(attachment.status, attach_confirm.AttachmentStatus)
        assert_type(attachment.participant_role, str)
        assert_type(attachment.display_name, str)
        assert_type(attachment.sent_at, datetime)
        result = attach_confirm.download(client, attachment.attachment_id, token, folder)
        assert_type(result, attach_confirm.Download)
        assert_type(result.attachment_id, str)
        assert_type(result.path, "Path | None")
        assert_type(result.name, str)
        assert_type(result.size, int)
        assert_type(result.content_type, str | None)
        assert_type(result.attempts, int)
        attach_confirm.download(
            client,
            attachment.attachment_id,
            token,
            str(folder / "a.pdf"),
            max_bytes=100,
            timeout=60,
            callback=lambda count: count,
        )
        file = io.BytesIO()
        attach_confirm.download(client, attachment.attachment_id, token, file, max_bytes=None)
        attach_confirm.download(client, attachment.attachment_id, token, b"a")  # type: ignore[arg-type]
        size += result.size
    return size


def handle_download_errors(client: ConnectParticipantClient, token: str) -> bool:
    """Catch the error of a download, and read its attributes."""
    try:
        attach_confirm.download(client, "att-1", token, "a.pdf")
    except attach_confirm.DownloadFailedError as error:
        assert_type(error.attachment_id, str)
        assert_type(error.reason, str)
        assert_type(error.status_code, int | None)
        assert_type(error.error_code, str | None)
        return error.retryable
    return False


def handle_upload_errors(client: ConnectParticipantClient, token: str) -> str:
    """Catch the errors of an upload, and read their attributes."""
    try:
        attach_confirm.upload(client, "receipt.pdf", token)
    except attach_confirm.InvalidInputError as error:
        value_error: ValueError = error
        return error.parameter + error.reason + str(value_error)
    except attach_confirm.UnexpectedResponseError as error:
        return error.operation + error.reason
    except attach_confirm.PutFailedError as error:
        assert_type(error.status_code, int)
        assert_type(error.error_code, str | None)
        assert_type(error.request_id, str | None)
        return error.error_code or "unknown"
    except attach_confirm.UploadUrlExpiredError as error:
        assert_type(error.expires_at, datetime)
        assert_type(error.server_time, datetime | None)
        assert_type(error.attempts, int)
        assert_type(error.retry_after, float | None)
        return error.attachment_id
    except client.exceptions.ConflictException as error:
        return error.operation_name
    return ""


def handle_source_errors(client: ConnectParticipantClient, token: str) -> str:
    """Catch the errors that concern the source and the time limit."""
    try:
        attach_confirm.upload(client, "receipt.pdf", token, timeout=5)
    except attach_confirm.SourceReadError as error:
        assert_type(error.retryable, bool)
        assert_type(error.changed, bool)
        return error.reason
    except attach_confirm.UploadTimeoutError as error:
        timeout_error: TimeoutError = error
        assert_type(error.timeout, float)
        assert_type(error.attachment_id, str | None)
        assert_type(error.acknowledged, bool)
        return str(timeout_error)
    return ""


def handle_wait_errors(client: ConnectParticipantClient, token: str) -> str:
    """Catch the errors of `wait`, then the base class of all errors."""
    try:
        attach_confirm.wait(client, "att-1", token)
    except attach_confirm.AttachmentRejectedError as error:
        return error.attachment_id
    except attach_confirm.WaitTimeoutError as error:
        timeout_error: TimeoutError = error
        assert_type(error.status, attach_confirm.AttachmentStatus | None)
        assert_type(error.timeout, float)
        return error.attachment_id + str(timeout_error)
    except attach_confirm.AttachConfirmError as error:
        return str(error)
    return ""


def follow_advice(error: BaseException) -> str:
    """Handle every action; mypy reports one that is missing."""
    advice = attach_confirm.advise(error)
    assert_type(advice, attach_confirm.Advice)
    assert_type(advice.reason, str)
    assert_type(advice.attachment_id, str | None)
    assert_type(advice.retry_after, float | None)
    match advice.action:
        case attach_confirm.Action.RETRY:
            return "retry"
        case attach_confirm.Action.CHECK:
            return "check"
        case attach_confirm.Action.RECONNECT:
            return "reconnect"
        case attach_confirm.Action.FIX | attach_confirm.Action.STOP:
            return "stop"
        case attach_confirm.Action.UNRELATED:
            raise error
    assert_never(advice.action)


def make_type_errors(client: ConnectParticipantClient, token: str) -> None:
    """Make mistakes that mypy must detect; it reports an unused `type: ignore` as an error."""
    attach_confirm.confirm(client, ["a", "b"], token)  # type: ignore[arg-type]
    attach_confirm.confirm(client, "a", token, "mine")  # type: ignore[call-arg]
    attach_confirm.confirm(client, "a", token, on_conflict="ignore")  # type: ignore[arg-type]
    attach_confirm.upload(client, io.StringIO("abc"), token)  # type: ignore[arg-type]
    attach_confirm.connect(client, token).token = token  # type: ignore[misc]


def use_fake() -> bytes:
    """Use the fake as a context manager."""
    with fake_connectparticipant() as fake:
        assert_type(fake, FakeConnectParticipant)
        assert_type(fake.participant_token(), str)
        assert_type(fake.connection_token(), str)
        assert_type(fake.transcript, list[dict[str, Any]])
        client: ConnectParticipantClient = fake.client
        attach_confirm.upload(client, b"abc", fake.connection_token(), name="a.txt")
        (attachment,) = fake.attachments
        assert_type(attachment, FakeAttachment)
        assert_type(attachment.attachment_id, str)
        assert_type(attachment.name, str)
        assert_type(attachment.content_type, str)
        assert_type(attachment.size, int)
        assert_type(attachment.data, bytes)
        state: str = attachment.state
        return attachment.data + state.encode()


def use_stubber(client: ConnectParticipantClient) -> None:
    """Stub calls with every option, and verify them."""
    with ConnectParticipantStubber(client, any_order=True, strict=True) as stubber:
        assert_type(stubber, ConnectParticipantStubber)
        assert_type(stubber.client.get_transcript(ConnectionToken="a")["InitialContactId"], str)
        botocore_stubber: Stubber = stubber
        botocore_stubber.add_response("send_message", {"Id": "1"}, {"Content": ANY})
        botocore_stubber.add_client_error(
            "send_message", "ThrottlingException", http_status_code=429
        )
        stubber.stub_complete_attachment_upload(
            AttachmentIds=["att-1", re.compile("^att-")],
            ClientToken=ANY,
            error_code="ConflictException",
            error_message="Already confirmed.",
            times=2,
            optional=True,
        )
        stubber.stub_send_message(Content="Hello", response={"Id": "1"}, exact_params=True)
        stubber.stub_send_message(Content=re.compile("^Hel"), times=None)
        stubber.stub_send_message(Content=lambda text: text.startswith("Hel"))
        stubber.stub_get_transcript(
            MaxResults=lambda number: number > 10, StartPosition={"Id": re.compile("^item-")}
        )
        stubber.stub_send_message(response=lambda params: {"Id": params["Content"]})
        stubber.stub_send_message(error=ReadTimeoutError(endpoint_url=""))
        stubber.stub_send_message(error_code="418", unmodeled=True)
        stubber.stub_send_message(error_code=None, error=None, response=None)
        stubber.stub_get_transcript_pages([{"Id": "1"}], [], ContactId="contact-1")
        stubber.stub_put_object(Body=b"abc", ContentType=ANY, status=403, error_code="AccessDenied")
        stubber.stub_put_object(Body=lambda body: len(body) > 3, times=None)
        stubber.stub_put_object(error=ReadTimeoutError(endpoint_url=""), times=2, optional=True)
        stubber.stub_send_message(Contents="Hello")  # type: ignore[call-overload]
        stubber.stub_send_message(times="2")  # type: ignore[call-overload]
        stubber.stub_send_message("Hello")  # type: ignore[call-overload]
        stubber.stub_send_message(error_code="ConflictException")  # type: ignore[call-overload]
        stubber.stub_describe_view(error_code="ResourceNotFound")  # type: ignore[call-overload]
    stubber.assert_no_pending_responses()
    stubber.assert_no_unexpected_calls()
    stubber.verify()
    assert_calls(stubber.calls)


def use_stubber_of_every_client() -> None:
    """Stub the calls of every client."""
    with ConnectParticipantStubber.every_client(any_order=True, passthrough=True) as stubber:
        assert_type(stubber, ConnectParticipantStubber)
        attach_confirm.confirm(stubber.client, "att-1", "token")
        stubber.stub_send_event(error_code="ConflictException")


def assert_calls(calls: CallList[Call]) -> None:
    """Read the recorded calls, and use every assertion."""
    for recorded_call in calls("SendMessage"):
        assert_type(recorded_call, Call)
        assert_type(recorded_call.operation, str)
        assert_type(recorded_call.params, dict[str, Any])
        assert_type(recorded_call.result, Any)
    calls.assert_called("SendMessage")
    calls.assert_called_once("SendMessage")
    calls.assert_called_with("SendMessage", Content="Hello")
    calls.assert_called_once_with("SendMessage", Content="Hello")
    calls.assert_any_call("SendMessage", Content="Hello")
    calls.assert_not_called()
    calls.assert_has_calls([call.SendMessage(Content="Hello")], any_order=True)


def use_failure_cases(stubber: ConnectParticipantStubber) -> None:
    """Stub every failure case."""
    assert_type(modeled_errors("SendMessage"), list[str])
    for case in failure_cases("StartAttachmentUpload", "PutObject", "CompleteAttachmentUpload"):
        assert_type(case, FailureCase)
        assert_type(case.before, tuple[str, ...])
        assert_type(case.operation, str)
        assert_type(case.error_code, str)
        case.stub(stubber, ConnectionToken="token")
    error: AssertionError = UnexpectedCallError("Unexpected call")
    raise error


def use_server() -> str:
    """Serve the fake, and use the server as a handle of the fake."""
    with serve_connectparticipant("localhost", 0, region_name="us-west-2") as server:
        assert_type(server, ConnectParticipantServer)
        fake: FakeConnectParticipant = server
        client: ConnectParticipantClient = server.client
        attach_confirm.upload(client, b"abc", fake.connection_token(), name="a.txt")
        return server.endpoint_url


@serve_connectparticipant()
def decorated_with_server(text: str) -> int:
    """Return a length; the decorator keeps the signature."""
    return len(text)


assert_type(decorated_with_server("abc"), int)


@fake_connectparticipant("eu-central-1")
def decorated_with_fake(text: str) -> int:
    """Return a length; the decorator keeps the signature."""
    return len(text)


assert_type(decorated_with_fake("abc"), int)
