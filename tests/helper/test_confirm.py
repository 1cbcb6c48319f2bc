"""`confirm` confirms an attachment exactly once, even if it is repeated or responses are lost."""

import logging
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid5

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    ReadTimeoutError,
)
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

import attach_confirm
from attach_confirm import Action, Confirmation, InvalidInputError, UnexpectedResponseError, advise

COMPLETE = "connectparticipant.CompleteAttachmentUpload"
GET_TRANSCRIPT = "connectparticipant.GetTranscript"
APPROVED_ITEM = {"Attachments": [{"AttachmentId": "att-1", "Status": "APPROVED"}]}
NAMESPACE = UUID("5a8e5d5c-7a0f-4d0e-9d5b-0f5b1c1f6c1e")
CONFLICT = (409, {"Message": "no"}, {"x-amzn-ErrorType": "ConflictException"})


@pytest.fixture
def attachment_id(fake, token):
    """Upload a file without confirming it, and return the attachment's ID."""
    pending = attach_confirm.start(
        fake.client, name="a.txt", size=3, content_type="text/plain", connection_token=token
    )
    attach_confirm.put(fake.client, pending, b"abc")
    return pending.attachment_id


def lose_responses(client, *errors):
    """Raise these errors in place of the first responses to CompleteAttachmentUpload."""
    remaining = list(errors)

    def handler(event_name, **_):
        if event_name.endswith(COMPLETE) and remaining:
            raise remaining.pop(0)

    # Handlers of the unqualified event run last, after the fake's.
    client.meta.events.register_last("before-send", handler)


class TestRequest:
    """The request and the returned confirmation."""

    def test_confirm_sends_one_request(self, fake, token, attachment_id, recorded_requests):
        requests = recorded_requests(fake.client)
        confirmation = attach_confirm.confirm(fake.client, attachment_id, token)
        (request,) = requests
        assert request.operation == "CompleteAttachmentUpload"
        assert request.body == {
            "AttachmentIds": [attachment_id],
            "ClientToken": confirmation.client_token,
        }
        assert request.headers["X-Amz-Bearer"] == token.encode()
        assert "Authorization" not in request.headers
        assert fake.attachments[0].state == "APPROVED"

    def test_confirm_returns_confirmation(self, fake, token, attachment_id):
        confirmation = attach_confirm.confirm(
            fake.client, attachment_id, token, client_token="mine"
        )
        assert confirmation == Confirmation(
            attachment_id=attachment_id,
            client_token="mine",
            attempts=1,
            request_id=confirmation.request_id,
            already_confirmed=False,
        )
        assert confirmation.request_id

    def test_confirm_rejects_list_of_ids(self, client, recorded_requests):
        requests = recorded_requests(client)
        with pytest.raises(InvalidInputError) as raised:
            attach_confirm.confirm(client, ["att-1", "att-2"], "token")
        assert raised.value.parameter == "attachment_id"
        assert requests == []

    def test_confirm_with_botocore_stubber(self):
        """The response has no ResponseMetadata."""
        client = attach_confirm.client("us-west-2")
        params = {
            "AttachmentIds": ["att-1"],
            "ClientToken": "2f2f8a2e",
            "ConnectionToken": "token",
        }
        with Stubber(client) as stubber:
            stubber.add_response("complete_attachment_upload", {}, params)
            confirmation = attach_confirm.confirm(client, "att-1", "token", client_token="2f2f8a2e")
            stubber.assert_no_pending_responses()
        assert confirmation == Confirmation("att-1", "2f2f8a2e", 1, None, already_confirmed=False)


class TestClientToken:
    """The ClientToken, which makes repeated confirmations idempotent."""

    def test_client_token_is_derived_from_attachment_id(self, client, scripted_responses):
        """The value is that of past releases, so that their confirmations can be repeated."""
        scripted_responses(client, COMPLETE, (200, {}, {}))
        client_token = attach_confirm.confirm(client, "att-1", "token").client_token
        assert client_token == attach_confirm.confirm(client, "att-1", "other-token").client_token
        assert client_token == "bce07c74-f9f7-54f1-9cc7-8bb8cde42e0a"
        assert UUID(client_token).version == 5

    def test_confirm_in_many_threads_confirms_once(
        self, fake, token, attachment_id, recorded_requests
    ):
        requests = recorded_requests(fake.client)
        with ThreadPoolExecutor(8) as pool:
            futures = [
                pool.submit(attach_confirm.confirm, fake.client, attachment_id, token)
                for _ in range(8)
            ]
        assert not any(future.result().already_confirmed for future in futures)
        assert len(requests) == 8
        assert all(request.body == requests[0].body for request in requests)
        assert len(fake.transcript) == 1

    @given(ids=st.lists(st.text("abc-019", min_size=1, max_size=256), min_size=2, unique=True))
    def test_client_token_property(self, client, scripted_responses, ids):
        """Different attachments have different tokens of a valid length: UUIDs of version 5."""
        scripted_responses(client, COMPLETE, (200, {}, {}))
        client_tokens = {
            attach_confirm.confirm(client, attachment_id, "token").client_token
            for attachment_id in ids
        }
        assert len(client_tokens) == len(ids)
        assert client_tokens == {str(uuid5(NAMESPACE, attachment_id)) for attachment_id in ids}
        assert all(1 <= len(client_token) <= 500 for client_token in client_tokens)


class TestRetries:
    """Lost responses, and botocore's retries."""

    @pytest.mark.parametrize("error_class", [ReadTimeoutError, ConnectionClosedError])
    def test_confirm_retry_reuses_client_token(
        self, fake, token, attachment_id, recorded_requests, error_class
    ):
        lose_responses(fake.client, error_class(endpoint_url="https://x"))
        requests = recorded_requests(fake.client)
        confirmation = attach_confirm.confirm(fake.client, attachment_id, token)
        assert (confirmation.attempts, confirmation.already_confirmed) == (2, False)
        assert requests[0].body == requests[1].body
        assert fake.attachments[0].state == "APPROVED"
        assert len(fake.transcript) == 1

    def test_confirm_raises_after_last_attempt(self, fake, token, attachment_id, recorded_requests):
        """Repeating the call is safe, because the ClientToken is the same."""
        lose_responses(fake.client, *[ReadTimeoutError(endpoint_url="https://x")] * 3)
        requests = recorded_requests(fake.client)
        with pytest.raises(ReadTimeoutError) as raised:
            attach_confirm.confirm(fake.client, attachment_id, token)
        assert len(requests) == 3
        assert advise(raised.value).action is Action.RETRY
        assert attach_confirm.confirm(fake.client, attachment_id, token).attempts == 1
        assert len({request.body["ClientToken"] for request in requests}) == 1
        assert len(fake.transcript) == 1

    def test_confirm_does_not_add_retries(self, scripted_responses, sleeps):
        client = attach_confirm.client(
            "us-west-2", config=Config(retries={"total_max_attempts": 1})
        )
        requests = scripted_responses(
            client, COMPLETE, ConnectTimeoutError(endpoint_url="https://x")
        )
        with pytest.raises(ConnectTimeoutError):
            attach_confirm.confirm(client, "att-1", "token")
        assert len(requests) == 1
        assert sleeps == []

    def test_attempts_is_number_of_requests(self, client, scripted_responses):
        internal_error = (500, {"Message": "busy"}, {})
        requests = scripted_responses(
            client, COMPLETE, internal_error, internal_error, (200, {}, {})
        )
        confirmation = attach_confirm.confirm(client, "att-1", "token")
        assert confirmation.attempts == len(requests) == 3
        assert confirmation.request_id == "req-1"


class TestConflicts:
    """Rejected confirmations, and the check of the transcript."""

    def test_conflict_raises_by_default(self, fake, token, attachment_id, recorded_requests):
        attach_confirm.confirm(fake.client, attachment_id, token, client_token="mine")
        requests = recorded_requests(fake.client)
        with pytest.raises(fake.client.exceptions.ConflictException) as raised:
            attach_confirm.confirm(fake.client, attachment_id, token)
        assert [request.operation for request in requests] == ["CompleteAttachmentUpload"]
        assert advise(raised.value).action is Action.CHECK

    def test_conflict_checked_in_transcript(self, fake, token, attachment_id, recorded_requests):
        attach_confirm.confirm(fake.client, attachment_id, token, client_token="mine")
        requests = recorded_requests(fake.client)
        confirmation = attach_confirm.confirm(
            fake.client, attachment_id, token, on_conflict="check"
        )
        operations = [request.operation for request in requests]
        assert operations == ["CompleteAttachmentUpload", "GetTranscript"]
        assert (confirmation.already_confirmed, confirmation.attempts) == (True, 1)
        assert confirmation.request_id

    def test_conflict_not_in_transcript_raises(self, client, scripted_responses, sleeps):
        """An attachment scanner may take 60 seconds."""
        scripted_responses(client, COMPLETE, CONFLICT)
        requests = scripted_responses(client, GET_TRANSCRIPT, (200, {"Transcript": []}, {}))
        with pytest.raises(client.exceptions.ConflictException) as raised:
            attach_confirm.confirm(client, "att-1", "token", on_conflict="check")
        assert sleeps == [0.5, 1, 2, 4, *[5] * 11]
        assert len(requests) == len(sleeps) + 1
        advice = advise(raised.value)
        assert (advice.action, advice.attachment_id) == (Action.CHECK, "att-1")

    def test_conflict_check_finds_item_that_appears_later(self, client, scripted_responses, sleeps):
        """The first scan reads all pages, and the following ones only the newest page."""
        message = {"Id": "m1", "Type": "MESSAGE"}
        attachment_item = {
            "Id": "a1",
            "Attachments": [{"AttachmentId": "att-1", "Status": "APPROVED"}],
        }
        scripted_responses(client, COMPLETE, CONFLICT)
        requests = scripted_responses(
            client,
            GET_TRANSCRIPT,
            (200, {"Transcript": [message], "NextToken": "2"}, {}),
            (200, {"Transcript": [{"Id": "m0"}]}, {}),
            *[(200, {"Transcript": [message], "NextToken": "2"}, {})] * 6,
            (200, {"Transcript": [attachment_item, message], "NextToken": "2"}, {}),
        )
        confirmation = attach_confirm.confirm(client, "att-1", "token", on_conflict="check")
        assert (confirmation.already_confirmed, confirmation.attempts) == (True, 1)
        assert sleeps == [0.5, 1, 2, 4, 5, 5, 5]
        assert len(requests) == 9

    def test_gateway_409_is_checked(self, client, scripted_responses):
        """The response has no error code."""
        scripted_responses(client, COMPLETE, (409, b"", {}))
        scripted_responses(client, GET_TRANSCRIPT, (200, {"Transcript": [APPROVED_ITEM]}, {}))
        assert attach_confirm.confirm(
            client, "att-1", "token", on_conflict="check"
        ).already_confirmed

    def test_conflict_check_counts_request_time(
        self, client, scripted_responses, sleeps, monkeypatch
    ):
        """Each GetTranscript request takes 30 seconds."""
        scripted_responses(client, COMPLETE, CONFLICT)
        requests = scripted_responses(client, GET_TRANSCRIPT, (200, {"Transcript": []}, {}))
        monkeypatch.setattr("attach_confirm._clock.monotonic", lambda: 30.0 * len(requests))
        with pytest.raises(client.exceptions.ConflictException):
            attach_confirm.confirm(client, "att-1", "token", on_conflict="check")
        assert (len(requests), sleeps) == (3, [0.5, 1])

    @pytest.mark.parametrize(
        ("status_code", "code"),
        [
            (400, "ValidationException"),
            (404, "ResourceNotFoundException"),
            (400, None),
            (404, "NotFound"),
        ],
    )
    def test_rejection_after_lost_response_is_checked(
        self, client, scripted_responses, status_code, code
    ):
        """The first attempt may have confirmed the attachment."""
        lost = ReadTimeoutError(endpoint_url="https://x")
        rejection = (status_code, {"Message": "no"}, {"x-amzn-ErrorType": code} if code else {})
        requests = scripted_responses(
            client, GET_TRANSCRIPT, (200, {"Transcript": [APPROVED_ITEM]}, {})
        )
        scripted_responses(client, COMPLETE, lost, rejection)
        confirmation = attach_confirm.confirm(client, "att-1", "token", on_conflict="check")
        assert (confirmation.already_confirmed, confirmation.attempts) == (True, 2)
        scripted_responses(client, COMPLETE, rejection)
        with pytest.raises(ClientError) as raised:
            attach_confirm.confirm(client, "att-1", "token", on_conflict="check")
        scripted_responses(client, COMPLETE, lost, rejection)
        with pytest.raises(ClientError):
            attach_confirm.confirm(client, "att-1", "token", on_conflict="raise")
        assert len(requests) == 1
        advice = advise(raised.value)
        assert (advice.action, advice.attachment_id) == (Action.FIX, "att-1")

    @pytest.mark.parametrize(
        ("status_code", "code"),
        [
            (400, "ThrottlingException"),
            (403, "AccessDeniedException"),
            (402, "ServiceQuotaExceededException"),
            (405, "MethodNotAllowed"),
        ],
    )
    def test_other_rejection_after_lost_response_is_not_checked(
        self, client, scripted_responses, status_code, code
    ):
        lost = ReadTimeoutError(endpoint_url="https://x")
        rejection = (status_code, {"Message": "no"}, {"x-amzn-ErrorType": code})
        requests = scripted_responses(
            client, GET_TRANSCRIPT, (200, {"Transcript": [APPROVED_ITEM]}, {})
        )
        scripted_responses(client, COMPLETE, lost, rejection)
        with pytest.raises(ClientError):
            attach_confirm.confirm(client, "att-1", "token", on_conflict="check")
        assert requests == []

    def test_confirmation_is_logged(self, client, scripted_responses, caplog):
        caplog.set_level(logging.INFO, "attach_confirm")
        scripted_responses(client, COMPLETE, (500, {}, {}), (200, {}, {}), CONFLICT)
        scripted_responses(client, GET_TRANSCRIPT, (200, {"Transcript": [APPROVED_ITEM]}, {}))
        for _ in range(2):
            attach_confirm.confirm(client, "att-1", "secret-token", on_conflict="check")
        assert caplog.record_tuples == [
            (
                "attach_confirm",
                logging.WARNING,
                "CompleteAttachmentUpload: attempt 2 after 0.0 s: HTTP 500",
            ),
            ("attach_confirm", logging.INFO, "confirm: attachment att-1: confirmed, attempts: 2"),
            (
                "attach_confirm",
                logging.WARNING,
                "confirm: attachment att-1: confirmation rejected, checking the transcript",
            ),
            (
                "attach_confirm",
                logging.INFO,
                "confirm: attachment att-1: already confirmed, attempts: 1",
            ),
        ]

    @pytest.mark.parametrize("status", ["APPROVED", "IN_PROGRESS", "REJECTED"])
    def test_conflict_after_lost_response(self, client, scripted_responses, status):
        """An attachment with any status was confirmed."""
        item = {"Attachments": [{"AttachmentId": "att-1", "Status": status}]}
        scripted_responses(client, COMPLETE, ReadTimeoutError(endpoint_url="https://x"), CONFLICT)
        scripted_responses(client, GET_TRANSCRIPT, (200, {"Transcript": [item]}, {}))
        confirmation = attach_confirm.confirm(client, "att-1", "token", on_conflict="check")
        assert (confirmation.already_confirmed, confirmation.attempts) == (True, 2)
        assert confirmation.request_id == "req-1"

    def test_conflict_check_error_propagates(self, client, scripted_responses):
        scripted_responses(client, COMPLETE, CONFLICT)
        scripted_responses(client, GET_TRANSCRIPT, 403)
        with pytest.raises(ClientError) as raised:
            attach_confirm.confirm(client, "att-1", "token", on_conflict="check")
        assert raised.value.operation_name == "GetTranscript"
        assert advise(raised.value).attachment_id == "att-1"
        assert isinstance(raised.value.__context__, client.exceptions.ConflictException)

    def test_error_of_a_handler_has_no_metadata(self, client, scripted_responses):
        """A test double may raise the error before botocore sends the request."""
        error = ClientError({"Error": {"Code": "ConflictException"}}, "CompleteAttachmentUpload")
        scripted_responses(client, COMPLETE, error)
        scripted_responses(client, GET_TRANSCRIPT, (200, {"Transcript": [APPROVED_ITEM]}, {}))
        confirmation = attach_confirm.confirm(client, "att-1", "token", on_conflict="check")
        assert (confirmation.already_confirmed, confirmation.attempts) == (True, 1)
        error.response["Error"]["Code"] = "ValidationException"
        with pytest.raises(ClientError):
            attach_confirm.confirm(client, "att-1", "token", on_conflict="check")

    def test_other_error_is_not_checked(self, client, scripted_responses):
        denied = (403, {"Message": "Access denied"}, {"x-amzn-ErrorType": "AccessDeniedException"})
        scripted_responses(client, COMPLETE, denied)
        requests = scripted_responses(client, GET_TRANSCRIPT, (200, {"Transcript": []}, {}))
        with pytest.raises(client.exceptions.AccessDeniedException):
            attach_confirm.confirm(client, "att-1", "token", on_conflict="check")
        assert requests == []


class TestUnexpectedResponses:
    """A 2xx response that did not come from the service."""

    @pytest.mark.parametrize(
        ("body", "content_type"),
        [(b"<html>Please log in</html>", "text/html"), (b"", "application/xhtml+xml")],
    )
    def test_captive_portal_page_raises(self, client, scripted_responses, body, content_type):
        scripted_responses(client, COMPLETE, (200, body, {"Content-Type": content_type}))
        with pytest.raises(UnexpectedResponseError) as raised:
            attach_confirm.confirm(client, "att-1", "token")
        assert advise(raised.value).action is Action.RETRY

    def test_captive_portal_page_raises_with_plain_boto3_client(self, scripted_responses):
        client = boto3.client(
            "connectparticipant",
            region_name="us-west-2",
            aws_access_key_id="a",
            aws_secret_access_key="b",
        )
        scripted_responses(client, COMPLETE, (200, b"<html>", {"Content-Type": "text/html"}))
        with pytest.raises(UnexpectedResponseError, match="text/html") as raised:
            attach_confirm.confirm(client, "att-1", "token")
        assert raised.value.operation == "CompleteAttachmentUpload"
