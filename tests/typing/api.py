"""A user's program that names everything public; checked by mypy --strict, never run."""

from __future__ import annotations

import io
from collections.abc import Mapping
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


def clients() -> ConnectParticipantClient:
    """Make clients in every way."""
    session = boto3.Session(region_name="us-west-2")
    config = Config(retries={"total_max_attempts": 5})
    attach_confirm.client()
    attach_confirm.client("us-west-2", session=session, config=config)
    attach_confirm.client(session=None, config=None, endpoint_url="http://127.0.0.1", verify=False)
    made = attach_confirm.client(region_name=None)
    made.complete_attachment_upload(AttachmentIds=["a"], ConnectionToken="b", ClientToken="c")
    return made


def flow(client: ConnectParticipantClient, participant_token: str) -> str:
    """Go through the documentation's four lines."""
    connection = attach_confirm.connect(client, participant_token)
    assert_type(connection, attach_confirm.Connection)
    assert_type(connection.token, str)
    assert_type(connection.expires_at, datetime)
    sent = attach_confirm.upload(client, "receipt.pdf", connection.token)
    assert_type(sent, attach_confirm.Upload)
    assert_type(sent.name, str)
    assert_type(sent.size, int)
    assert_type(sent.content_type, str)
    confirmation: attach_confirm.Confirmation = sent
    found = attach_confirm.wait(client, confirmation.attachment_id, connection.token, timeout=60)
    assert_type(found, attach_confirm.AttachmentStatus)
    return found.value


def sources(client: ConnectParticipantClient, token: str, path: Path) -> None:
    """Upload from all that can be a source."""
    heard: list[int] = []
    attach_confirm.upload(client, path, token, callback=heard.append)
    attach_confirm.upload(client, b"abc", token, name="a.txt", content_type="text/plain")
    attach_confirm.upload(client, io.BytesIO(b"abc"), token, name="a.txt", client_token="mine")
    with path.open("rb") as file:
        attach_confirm.upload(client, file, token, callback=lambda count: heard.append(-count))


def steps(client: ConnectParticipantClient, token: str) -> attach_confirm.Confirmation:
    """Take the steps one by one."""
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
    done = attach_confirm.confirm(
        client, pending.attachment_id, token, client_token="mine", on_conflict=policy
    )
    assert_type(done, attach_confirm.Confirmation)
    assert_type(done.attachment_id, str)
    assert_type(done.client_token, str)
    assert_type(done.attempts, int)
    assert_type(done.request_id, str | None)
    assert_type(done.already_confirmed, bool)
    return done


def look(client: ConnectParticipantClient, attachment_id: str, token: str) -> bool:
    """Ask for the status, and know all that it can be."""
    found = attach_confirm.status(client, attachment_id, token)
    assert_type(found, attach_confirm.AttachmentStatus | None)
    if found is None or found is attach_confirm.AttachmentStatus.IN_PROGRESS:
        return False
    if found is attach_confirm.AttachmentStatus.APPROVED:
        return True
    assert_type(found, Literal[attach_confirm.AttachmentStatus.REJECTED])
    return False


def errors(client: ConnectParticipantClient, token: str) -> str:
    """Catch what an upload can raise, and read what it says."""
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
        return error.attachment_id
    except client.exceptions.ConflictException as error:
        return error.operation_name
    return ""


def late_errors(client: ConnectParticipantClient, token: str) -> str:
    """Catch what waiting can raise, and everything of this library's at last."""
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


def advice(error: BaseException) -> str:
    """Follow the advice, and have mypy know that no action is left out."""
    given = attach_confirm.advise(error)
    assert_type(given, attach_confirm.Advice)
    assert_type(given.reason, str)
    assert_type(given.attachment_id, str | None)
    match given.action:
        case attach_confirm.Action.RETRY:
            return "retry"
        case attach_confirm.Action.CHECK:
            return "check"
        case attach_confirm.Action.RECONNECT:
            return "reconnect"
        case attach_confirm.Action.FIX | attach_confirm.Action.STOP:
            return "give up"
    assert_never(given.action)


def mistakes(client: ConnectParticipantClient, token: str) -> None:
    """Make mistakes that mypy is to see: an ignore that is not needed is an error."""
    attach_confirm.confirm(client, ["a", "b"], token)  # type: ignore[arg-type]
    attach_confirm.confirm(client, "a", token, "mine")  # type: ignore[call-arg]
    attach_confirm.confirm(client, "a", token, on_conflict="ignore")  # type: ignore[arg-type]
    attach_confirm.upload(client, io.StringIO("abc"), token)  # type: ignore[arg-type]
    attach_confirm.connect(client, token).token = token  # type: ignore[misc]


def doubles() -> bytes:
    """Use the fake, as a block and as a decorator."""
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
        label: str = attachment.state
        return attachment.data + label.encode()


def scripts(client: ConnectParticipantClient) -> None:
    """Stub calls in every way, and ask what was called."""
    with ConnectParticipantStubber(client, any_order=True, strict=True) as stubber:
        assert_type(stubber, ConnectParticipantStubber)
        upstream: Stubber = stubber
        upstream.add_response("send_message", {"Id": "1"}, {"Content": ANY})
        upstream.add_client_error("send_message", "ThrottlingException", http_status_code=429)
        stubber.stub_complete_attachment_upload(
            AttachmentIds=["att-1"],
            ClientToken=ANY,
            error_code="ConflictException",
            error_message="Twice.",
            times=2,
            optional=True,
        )
        stubber.stub_send_message(Content="Hello", response={"Id": "1"}, exact_params=True)
        stubber.stub_send_message(response=lambda params: {"Id": params["Content"]})
        stubber.stub_send_message(error=ReadTimeoutError(endpoint_url=""))
        stubber.stub_send_message(error_code="418", unmodeled=True)
        stubber.stub_get_transcript_pages([{"Id": "1"}], [], ContactId="contact-1")
        stubber.stub_put_object(Body=b"abc", ContentType=ANY, status=403, error_code="AccessDenied")
        stubber.stub_put_object(error=ReadTimeoutError(endpoint_url=""), times=2, optional=True)
        stubber.stub_send_message(Contents="Hello")  # type: ignore[call-arg]
        stubber.stub_send_message(times="2")  # type: ignore[arg-type]
        stubber.stub_send_message("Hello")  # type: ignore[call-arg]
    stubber.assert_no_pending_responses()
    stubber.assert_no_unexpected_calls()
    stubber.verify()
    history(stubber.calls)


def history(calls: CallList[Call]) -> None:
    """Read what was called, and assert it."""
    for made in calls("SendMessage"):
        assert_type(made, Call)
        assert_type(made.operation, str)
        assert_type(made.params, dict[str, Any])
        assert_type(made.result, Any)
    calls.assert_called("SendMessage")
    calls.assert_called_once("SendMessage")
    calls.assert_called_with("SendMessage", Content="Hello")
    calls.assert_called_once_with("SendMessage", Content="Hello")
    calls.assert_any_call("SendMessage", Content="Hello")
    calls.assert_not_called()
    calls.assert_has_calls([call.SendMessage(Content="Hello")], any_order=True)


def failures(stubber: ConnectParticipantStubber) -> None:
    """Go through every way to fail."""
    assert_type(modeled_errors("SendMessage"), list[str])
    for failure in failure_cases("StartAttachmentUpload", "PutObject", "CompleteAttachmentUpload"):
        assert_type(failure, FailureCase)
        assert_type(failure.before, tuple[str, ...])
        assert_type(failure.operation, str)
        assert_type(failure.error_code, str)
        failure.stub(stubber, ConnectionToken="token")
    unexpected: AssertionError = UnexpectedCallError("No stub allows this call")
    raise unexpected


def served() -> str:
    """Serve the fake, and use its handle as any other."""
    with serve_connectparticipant("localhost", 0, region_name="us-west-2") as server:
        assert_type(server, ConnectParticipantServer)
        fake: FakeConnectParticipant = server
        client: ConnectParticipantClient = server.client
        attach_confirm.upload(client, b"abc", fake.connection_token(), name="a.txt")
        return server.endpoint_url


@serve_connectparticipant()
def decorated_served(text: str) -> int:
    """Keep the signature under the decorator."""
    return len(text)


assert_type(decorated_served("abc"), int)


@fake_connectparticipant("eu-central-1")
def decorated(text: str) -> int:
    """Keep the signature under the decorator."""
    return len(text)


assert_type(decorated("abc"), int)
