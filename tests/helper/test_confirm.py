"""One CompleteAttachmentUpload for one attachment, whatever becomes of its answers."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

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
TRANSCRIPT = "connectparticipant.GetTranscript"
CONFLICT = (409, {"Message": "no"}, {"x-amzn-ErrorType": "ConflictException"})


@pytest.fixture
def uploaded(fake, token):
    """Upload a file without confirming it, and return its id."""
    pending = attach_confirm.start(
        fake.client, name="a.txt", size=3, content_type="text/plain", connection_token=token
    )
    attach_confirm.put(fake.client, pending, b"abc")
    return pending.attachment_id


class LostAnswer:
    """Loses the answers to the first requests, after the service has done what they ask."""

    def __init__(self, *errors):
        self.errors = list(errors)

    def __call__(self, request, **_):
        """Lose one."""
        if request.url.endswith("/complete-attachment-upload") and self.errors:
            raise self.errors.pop(0)


class TestOneCall:
    """What goes out."""

    def test_exactly_one(self, fake, token, uploaded, recorded_requests):
        """One request, with the one attachment, its token in the header alone."""
        sent = recorded_requests(fake.client)
        done = attach_confirm.confirm(fake.client, uploaded, token)
        (request,) = sent
        assert request.operation == "CompleteAttachmentUpload"
        assert request.body == {"AttachmentIds": [uploaded], "ClientToken": done.client_token}
        assert request.headers["X-Amz-Bearer"] == token.encode()
        assert "Authorization" not in request.headers
        assert fake.attachments[0].state == "APPROVED"

    def test_what_it_returns(self, fake, token, uploaded):
        """It tells what was confirmed, under which token, and that once was enough."""
        done = attach_confirm.confirm(fake.client, uploaded, token, client_token="mine")
        assert done == Confirmation(
            attachment_id=uploaded,
            client_token="mine",
            attempts=1,
            request_id=done.request_id,
            already_confirmed=False,
        )
        assert done.request_id

    @pytest.mark.parametrize("wrong", [["att-1"], ["att-1", "att-2"], ("att-1",), None, {"att-1"}])
    def test_one_id(self, client, recorded_requests, wrong):
        """A list where the one id belongs is refused, one of two ids above all."""
        sent = recorded_requests(client)
        with pytest.raises(InvalidInputError) as refused:
            attach_confirm.confirm(client, wrong, "token")
        assert str(refused.value) == f"attachment_id: must be one str, not {type(wrong).__name__}"
        assert sent == []

    def test_a_clients_default_parameters(self):
        """It can be asserted as one call with botocore's own Stubber."""
        client = attach_confirm.client("us-west-2")
        with Stubber(client) as stubber:
            wanted = {
                "AttachmentIds": ["att-1"],
                "ClientToken": "2f2f8a2e",
                "ConnectionToken": "token",
            }
            stubber.add_response("complete_attachment_upload", {}, wanted)
            done = attach_confirm.confirm(client, "att-1", "token", client_token="2f2f8a2e")
            stubber.assert_no_pending_responses()
        assert (done.attempts, done.request_id, done.already_confirmed) == (1, None, False)


class TestClientToken:
    """The token that makes two confirmations the same one."""

    def test_of_an_attachment(self, client, scripted_responses):
        """It comes from the attachment alone; this very one is in the answers of past releases."""
        scripted_responses(client, COMPLETE, (200, {}, {}))
        token = attach_confirm.confirm(client, "att-1", "token").client_token
        assert token == attach_confirm.confirm(client, "att-1", "another-token").client_token
        assert token == "bce07c74-f9f7-54f1-9cc7-8bb8cde42e0a"
        assert UUID(token).version == 5

    def test_from_two_processes(self):
        """Two processes that know nothing of each other confirm under one token."""
        program = (
            "import attach_confirm\n"
            "from botocore.stub import Stubber\n"
            "client = attach_confirm.client('us-west-2')\n"
            "with Stubber(client) as stubber:\n"
            "    stubber.add_response('complete_attachment_upload', {})\n"
            "    print(attach_confirm.confirm(client, 'att-1', 'token').client_token)\n"
        )
        running = [
            subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        tokens = [process.communicate()[0].strip() for process in running]
        assert len(tokens[0]) == 36
        assert tokens[0] == tokens[1]

    def test_called_again(self, fake, token, uploaded, recorded_requests):
        """A second call is the same request, and changes nothing."""
        sent = recorded_requests(fake.client)
        first = attach_confirm.confirm(fake.client, uploaded, token)
        again = attach_confirm.confirm(fake.client, uploaded, token)
        assert first.client_token == again.client_token
        assert sent[0].body == sent[1].body
        assert len(fake.transcript) == 1
        assert not again.already_confirmed

    def test_from_many_threads(self, fake, token, uploaded):
        """However many confirm at once, the attachment is confirmed once."""
        with ThreadPoolExecutor(8) as pool:
            calls = [
                pool.submit(attach_confirm.confirm, fake.client, uploaded, token) for _ in range(8)
            ]
        assert len({call.result().client_token for call in calls}) == 1
        assert len(fake.transcript) == 1

    @given(ids=st.lists(st.text("abc-019", min_size=1, max_size=256), min_size=2, unique=True))
    def test_of_two_attachments(self, client, scripted_responses, ids):
        """Two attachments never share a token, and each is one that the service takes."""
        scripted_responses(client, COMPLETE, (200, {}, {}))
        tokens = {attach_confirm.confirm(client, one, "token").client_token for one in ids}
        assert len(tokens) == len(ids)
        assert all(1 <= len(token) <= 500 for token in tokens)


class TestLostAnswers:
    """The service did it, and nobody heard."""

    @pytest.mark.parametrize("kind", [ReadTimeoutError, ConnectionClosedError])
    def test_sent_again(self, fake, token, uploaded, recorded_requests, kind):
        """A lost answer is asked for again under the same token, and confirms once."""
        error = kind(endpoint_url="https://x")
        fake.client.meta.events.register_last("before-send", LostAnswer(error))
        sent = recorded_requests(fake.client)
        done = attach_confirm.confirm(fake.client, uploaded, token)
        assert done.attempts == 2
        assert not done.already_confirmed
        assert sent[0].body == sent[1].body
        assert fake.attachments[0].state == "APPROVED"
        assert len(fake.transcript) == 1

    def test_all_lost(self, fake, token, uploaded, recorded_requests):
        """If every answer is lost the error is botocore's, and asking again is safe."""
        lost = LostAnswer(*[ReadTimeoutError(endpoint_url="https://x")] * 3)
        fake.client.meta.events.register_last("before-send", lost)
        sent = recorded_requests(fake.client)
        with pytest.raises(ReadTimeoutError) as raised:
            attach_confirm.confirm(fake.client, uploaded, token)
        assert len(sent) == 3
        assert advise(raised.value).action is Action.RETRY
        assert attach_confirm.confirm(fake.client, uploaded, token).attempts == 1
        assert len({request.body["ClientToken"] for request in sent}) == 1
        assert len(fake.transcript) == 1

    def test_nothing_retries_but_botocore(self, scripted_responses, sleeps):
        """A client that is told not to retry does not, and nobody does it for it."""
        once = attach_confirm.client("us-west-2", config=Config(retries={"total_max_attempts": 1}))
        sent = scripted_responses(once, COMPLETE, ConnectTimeoutError(endpoint_url="https://x"))
        with pytest.raises(ConnectTimeoutError):
            attach_confirm.confirm(once, "att-1", "token")
        assert len(sent) == 1
        assert sleeps == []

    @pytest.mark.parametrize("failures", [1, 2])
    def test_attempts(self, client, scripted_responses, failures):
        """The number of attempts is that of the requests, the first one included."""
        busy = (500, {"Message": "busy"}, {})
        sent = scripted_responses(client, COMPLETE, *[busy] * failures, (200, {}, {}))
        done = attach_confirm.confirm(client, "att-1", "token")
        assert done.attempts == len(sent) == failures + 1
        assert done.request_id == "req-1"


class TestConflicts:
    """The service says that it is being done, or was."""

    def test_raised(self, fake, token, uploaded, recorded_requests):
        """By default a conflict is raised as botocore raises it, and nothing more is asked."""
        attach_confirm.confirm(fake.client, uploaded, token, client_token="mine")
        sent = recorded_requests(fake.client)
        with pytest.raises(fake.client.exceptions.ConflictException) as raised:
            attach_confirm.confirm(fake.client, uploaded, token)
        assert [request.operation for request in sent] == ["CompleteAttachmentUpload"]
        assert advise(raised.value).action is Action.CHECK

    def test_checked(self, fake, token, uploaded, recorded_requests):
        """With a check, an attachment that is in the transcript was confirmed, and that is that."""
        attach_confirm.confirm(fake.client, uploaded, token, client_token="mine")
        sent = recorded_requests(fake.client)
        done = attach_confirm.confirm(fake.client, uploaded, token, on_conflict="check")
        operations = [request.operation for request in sent]
        assert operations == ["CompleteAttachmentUpload", "GetTranscript"]
        assert done.already_confirmed
        assert done.attempts == 1
        assert done.request_id

    def test_checked_in_vain(self, client, scripted_responses):
        """An attachment that is not in the transcript was not confirmed: the conflict stands."""
        scripted_responses(client, COMPLETE, CONFLICT)
        looked = scripted_responses(client, TRANSCRIPT, (200, {"Transcript": []}, {}))
        with pytest.raises(client.exceptions.ConflictException):
            attach_confirm.confirm(client, "att-1", "token", on_conflict="check")
        assert len(looked) == 1

    @pytest.mark.parametrize("status", ["APPROVED", "IN_PROGRESS", "REJECTED"])
    def test_checked_whatever_the_status(self, client, scripted_responses, status):
        """Confirmed is confirmed; what the service made of it is another question."""
        item = {"Attachments": [{"AttachmentId": "att-1", "Status": status}]}
        scripted_responses(client, COMPLETE, CONFLICT)
        scripted_responses(client, TRANSCRIPT, (200, {"Transcript": [item]}, {}))
        assert attach_confirm.confirm(
            client, "att-1", "token", on_conflict="check"
        ).already_confirmed

    def test_a_conflict_after_a_lost_answer(self, client, scripted_responses):
        """A repeated confirmation that meets its own first one is a success of two attempts."""
        item = {"Attachments": [{"AttachmentId": "att-1", "Status": "APPROVED"}]}
        scripted_responses(client, COMPLETE, ReadTimeoutError(endpoint_url="https://x"), CONFLICT)
        scripted_responses(client, TRANSCRIPT, (200, {"Transcript": [item]}, {}))
        done = attach_confirm.confirm(client, "att-1", "token", on_conflict="check")
        assert (done.already_confirmed, done.attempts, done.request_id) == (True, 2, "req-1")

    def test_a_conflict_in_an_upload(self, fake, token):
        """An upload looks by itself whether the conflict is its own earlier attempt."""

        def confirm_as_another(request, **_):
            # The service sees the repeated request as somebody else's.
            (attachment,) = fake.attachments
            if attachment.state == "UPLOADED":
                plain = boto3.client("connectparticipant", region_name=fake.region_name)
                plain.complete_attachment_upload(
                    AttachmentIds=[attachment.attachment_id],
                    ConnectionToken=request.headers["X-Amz-Bearer"].decode(),
                )

        event = "before-send.connectparticipant.CompleteAttachmentUpload"
        fake.client.meta.events.register_first(event, confirm_as_another)
        done = attach_confirm.upload(fake.client, b"abc", token, name="a.txt")
        assert done.already_confirmed
        assert len(fake.transcript) == 1

    def test_a_check_that_fails(self, client, scripted_responses):
        """If the transcript cannot be read, its error is raised, the conflict behind it."""
        scripted_responses(client, COMPLETE, CONFLICT)
        scripted_responses(client, TRANSCRIPT, 403)
        with pytest.raises(ClientError) as raised:
            attach_confirm.confirm(client, "att-1", "token", on_conflict="check")
        assert raised.value.operation_name == "GetTranscript"
        assert isinstance(raised.value.__context__, client.exceptions.ConflictException)

    def test_other_errors_are_not_checked(self, client, scripted_responses):
        """Only a conflict is looked into; a refusal is raised as it is."""
        denied = (403, {"Message": "Access denied"}, {"x-amzn-ErrorType": "AccessDeniedException"})
        scripted_responses(client, COMPLETE, denied)
        looked = scripted_responses(client, TRANSCRIPT, (200, {"Transcript": []}, {}))
        with pytest.raises(client.exceptions.AccessDeniedException):
            attach_confirm.confirm(client, "att-1", "token", on_conflict="check")
        assert looked == []


class TestOthersAnswers:
    """A success that the service did not give."""

    @pytest.mark.parametrize(
        "headers", [{"Content-Type": "text/html"}, {"Content-Type": "application/xhtml+xml"}]
    )
    @pytest.mark.parametrize("body", [b"<html>Please log in</html>", b""])
    def test_a_page(self, client, scripted_responses, headers, body):
        """A page of a captive portal confirms nothing."""
        scripted_responses(client, COMPLETE, (200, body, headers))
        with pytest.raises(UnexpectedResponseError) as raised:
            attach_confirm.confirm(client, "att-1", "token")
        assert advise(raised.value).action is Action.RETRY

    def test_a_page_for_a_plain_client(self, scripted_responses):
        """Nor does it for a client that boto3 made."""
        plain = boto3.client(
            "connectparticipant",
            region_name="us-west-2",
            aws_access_key_id="a",
            aws_secret_access_key="b",
        )
        scripted_responses(plain, COMPLETE, (200, b"<html>", {"Content-Type": "text/html"}))
        with pytest.raises(UnexpectedResponseError) as raised:
            attach_confirm.confirm(plain, "att-1", "token")
        assert raised.value.reason == "no request id, and a body of text/html"

    def test_a_page_in_an_upload(self, fake, token, scripted_responses):
        """In an upload it is an error that knows its attachment, as every one at that point."""
        scripted_responses(fake.client, COMPLETE, (200, b"<html>", {"Content-Type": "text/html"}))
        with pytest.raises(UnexpectedResponseError) as raised:
            attach_confirm.upload(fake.client, b"abc", token, name="a.txt")
        assert advise(raised.value).attachment_id == fake.attachments[0].attachment_id
