"""What a test can set in the fake, and the history that it reads."""

import logging
import re
import time
from contextlib import suppress
from dataclasses import fields
from datetime import timedelta

import boto3
import botocore.endpoint
import pytest
import requests
import tenacity.nap
from botocore.config import Config

import attach_confirm
from attach_confirm_stubs import ConnectTimeout, fake_connectparticipant
from attach_confirm_stubs.fake._assumptions import Assumptions

AGAIN = "22222222-2222-4222-8222-222222222222"


def upload(fake, token, name="a.txt", data=b"1"):
    """Send a file the whole way."""
    return attach_confirm.upload(
        fake.client, data, token, name=name, content_type="text/plain"
    ).attachment_id


def start(fake, token, **params):
    """Announce a file."""
    return attach_confirm.start(
        fake.client,
        **{"name": "a", "size": 1, "content_type": "text/plain", **params},
        connection_token=token,
    )


class TestClock:
    """The clock moves when it is told to, and what has a time goes by it."""

    def test_a_connection_ends_after_a_day(self, fake, token):
        """A token is taken for a day, by the fake's clock."""
        fake.clock.advance(24 * 3600 - 10)
        fake.client.get_transcript(ConnectionToken=token)
        fake.clock.advance(10)
        with pytest.raises(fake.client.exceptions.AccessDeniedException):
            fake.client.get_transcript(ConnectionToken=token)

    def test_a_participant_connects_within_five_minutes(self, fake):
        """A participant who never connected cannot any more; one who did may again."""
        late, early = fake.participant_token(), fake.participant_token()
        attach_confirm.connect(fake.client, early)
        fake.clock.advance(300)
        attach_confirm.connect(fake.client, early)
        with pytest.raises(fake.client.exceptions.AccessDeniedException):
            attach_confirm.connect(fake.client, late)

    def test_a_chat_ends_after_25_hours(self, fake):
        """A chat that nobody ended does not go on for ever."""
        participant = fake.participant_token()
        attach_confirm.connect(fake.client, participant)
        fake.clock.advance(25 * 3600)
        with pytest.raises(fake.client.exceptions.AccessDeniedException):
            attach_confirm.connect(fake.client, participant)

    def test_a_download_url_expires(self, fake, token):
        """What GetAttachment gave works until its time is up."""
        there = fake.client.get_attachment(
            AttachmentId=upload(fake, token), ConnectionToken=token, UrlExpiryInSeconds=5
        )
        assert requests.get(there["Url"], timeout=5).content == b"1"
        fake.clock.advance(5)
        late = requests.get(there["Url"], timeout=5)
        assert (late.status_code, "Request has expired" in late.text) == (403, True)

    def test_wait_waits_by_it(self, fake, token):
        """The pauses of `wait` take none of the test's time, and all of the fake's."""
        fake.scanner.approve(after=60)
        attachment_id = upload(fake, token)
        attach_confirm.wait(fake.client, attachment_id, token)
        assert fake.clock.offset_seconds >= 60

    def test_a_pause_is_not_slept(self, fake):
        """Botocore and tenacity sleep by the fake's clock; the rest of `time` is as it was."""
        for module in (botocore.endpoint, tenacity.nap):
            pause = module.time.sleep
            pause(1000)
        assert fake.clock.offset_seconds == 2000
        assert botocore.endpoint.time.monotonic() < time.monotonic() + 1000

    def test_it_goes_forward_only(self, fake):
        """What has expired stays expired."""
        for seconds in (-1, float("nan")):
            with pytest.raises(ValueError, match="cannot move backwards; pass 0 or more"):
                fake.clock.advance(seconds)

    def test_it_ends_with_the_block(self):
        """The next block begins with the machine's time, whatever the last one did."""
        with fake_connectparticipant() as first:
            first.clock.advance(1000)
            now = first.clock.now()
        with fake_connectparticipant() as second:
            assert second.clock.offset_seconds == 0
            assert now - second.clock.now() > timedelta(seconds=900)


class TestScanner:
    """The verdicts are the test's."""

    def states(self, fake):
        """Return the state of each attachment by its name."""
        return {a.name: (a.state, a.data) for a in fake.attachments}

    def test_it_approves_by_itself(self, fake, token):
        """Without orders, what is confirmed is approved."""
        upload(fake, token)
        assert self.states(fake) == {"a.txt": ("APPROVED", b"1")}

    def test_it_rejects_by_name(self, fake, token):
        """The bytes of a rejected attachment are gone, and nobody gets them."""
        fake.scanner.reject("b.txt")
        upload(fake, token, "a.txt")
        rejected = upload(fake, token, "b.txt")
        assert self.states(fake) == {"a.txt": ("APPROVED", b"1"), "b.txt": ("REJECTED", b"")}
        with pytest.raises(attach_confirm.AttachmentRejectedError):
            attach_confirm.wait(fake.client, rejected, token)
        with pytest.raises(fake.client.exceptions.ValidationException):
            fake.client.get_attachment(AttachmentId=rejected, ConnectionToken=token)

    def test_it_rejects_by_what_is_in_it(self, fake, token):
        """A predicate sees the attachment with its bytes."""
        fake.scanner.reject(lambda attachment: b"EICAR" in attachment.data)
        upload(fake, token, "a.txt", b"EICAR!")
        upload(fake, token, "b.txt")
        assert {k: v[0] for k, v in self.states(fake).items()} == {
            "a.txt": "REJECTED",
            "b.txt": "APPROVED",
        }

    def test_it_can_take_for_ever(self, fake, token):
        """A held attachment stays IN_PROGRESS until another order comes, and `wait` gives up."""
        fake.scanner.hold()
        held = upload(fake, token)
        with pytest.raises(attach_confirm.WaitTimeoutError):
            attach_confirm.wait(fake.client, held, token)
        assert attach_confirm.status(fake.client, held, token) == "IN_PROGRESS"
        fake.scanner.approve("a.txt")
        assert attach_confirm.status(fake.client, held, token) == "APPROVED"

    def test_a_verdict_is_final(self, fake, token):
        """An order is about what has no verdict yet."""
        upload(fake, token)
        fake.scanner.reject()
        assert self.states(fake)["a.txt"][0] == "APPROVED"

    def test_the_last_order_counts(self, fake, token):
        """Of the orders that apply, it is the last one; after a reset none is left."""
        fake.scanner.reject()
        fake.scanner.approve("a.txt")
        upload(fake, token, "a.txt")
        upload(fake, token, "b.txt")
        fake.scanner.reset()
        upload(fake, token, "c.txt")
        states = {k: v[0] for k, v in self.states(fake).items()}
        assert states == {"a.txt": "APPROVED", "b.txt": "REJECTED", "c.txt": "APPROVED"}

    def test_a_rejection_can_be_late(self, fake, token):
        """An order with `after` is due so long after the confirmation."""
        fake.scanner.reject(after=30)
        late = upload(fake, token)
        fake.clock.advance(20)
        assert attach_confirm.status(fake.client, late, token) == "IN_PROGRESS"
        fake.clock.advance(10)
        assert attach_confirm.status(fake.client, late, token) == "REJECTED"


class TestQuotas:
    """Throttling is off, until it is on."""

    @pytest.fixture
    def throttled(self):
        """Return a way to tell how many of some calls without retries are throttled."""
        config = Config(retries={"total_max_attempts": 1})
        client = attach_confirm.client("us-east-1", config=config)

        def ask(token):
            with suppress(client.exceptions.ThrottlingException):
                client.get_transcript(ConnectionToken=token)
                return False
            return True

        return lambda token, many: sum(ask(token) for _ in range(many))

    def test_they_are_off(self, token, throttled):
        """By default a test may ask as often as it likes."""
        assert throttled(token, 40) == 0

    def test_a_burst_passes_and_the_rest_does_not(self, fake, token, throttled):
        """GetTranscript has a burst of 12 and 8 a second; the clock refills the bucket."""
        fake.quotas.enable()
        assert throttled(token, 20) == 8
        fake.clock.advance(1)
        assert throttled(token, 20) == 12
        fake.clock.advance(100)
        assert throttled(token, 20) == 8
        fake.quotas.disable()
        assert throttled(token, 20) == 0

    def test_botocore_gets_through(self, fake, token):
        """The pauses of botocore's retries refill the bucket, so that all calls succeed."""
        fake.quotas.limits["StartAttachmentUpload"] = (1e9, 5)
        fake.quotas.enable()
        for number in range(10):
            start(fake, token, name=str(number))
        assert len(fake.attachments) == 10
        assert any(len(call.attempts) > 1 for call in fake.calls("StartAttachmentUpload"))

    def test_instances_keep_apart(self, fake, token, throttled):
        """One instance's chats share a quota; another instance has its own."""
        fake.quotas.enable()
        connect = boto3.client("connect", "us-east-1")
        other = connect.start_chat_contact(
            InstanceId="other", ContactFlowId="flow", ParticipantDetails={"DisplayName": "Jane"}
        )
        elsewhere = attach_confirm.connect(fake.client, other["ParticipantToken"]).token
        assert throttled(token, 12) == 0
        assert throttled(fake.connection_token(), 1) == 1
        assert throttled(elsewhere, 12) == 0

    def test_messages_and_events_are_counted_together(self, fake, token):
        """SendMessage and SendEvent share 10 a second and a burst of 15; a limit can be set."""
        fake.quotas.limits["SendMessage"] = (1e9, 2)
        fake.quotas.enable()
        say = {"ContentType": "text/plain", "Content": "Hi", "ConnectionToken": token}
        fake.client.send_message(**say)
        event = "application/vnd.amazonaws.connect.event.typing"
        fake.client.send_event(ContentType=event, ConnectionToken=token)
        fake.client.send_message(**say)
        first, second = fake.calls("SendMessage")
        assert len(first.attempts) == 1
        assert second.attempts[0].error_code == "ThrottlingException"

    def test_what_has_no_quota_is_not_throttled(self, fake, token):
        """Operations whose quota is not documented always pass; so does a token of nobody."""
        fake.quotas.enable()
        view = fake.view_token(Name="form")
        for _ in range(30):
            fake.client.describe_view(ViewToken=view, ConnectionToken=token)
            with pytest.raises(fake.client.exceptions.AccessDeniedException):
                fake.client.get_transcript(ConnectionToken="nobody's")

    def test_real_time_fills_the_bucket_too(self, fake, token, throttled):
        """In real time the bucket fills by the fake's whole clock, the machine's part included."""
        fake.quotas.limits["GetTranscript"] = (1e9, 1)
        fake.quotas.enable(real_time=True)
        assert throttled(token, 5) == 0


class TestAssumptions:
    """What no source tells can be switched."""

    def test_docstring_documents_every_setting(self):
        """The class is the only place that documents the settings, besides the docs page."""
        _, attributes = Assumptions.__doc__.split("Attributes:\n")
        documented = re.findall(r"^ {8}(\w+): ", attributes, re.MULTILINE)
        assert documented == [field.name for field in fields(Assumptions)]

    def test_a_confirmation_may_come_before_the_put(self, fake, token):
        """With None, it succeeds and confirms nothing's bytes; with a code, that is raised."""
        started = start(fake, token)
        fake.assumptions.complete_before_put = "ConflictException"
        with pytest.raises(fake.client.exceptions.ConflictException):
            attach_confirm.confirm(fake.client, started.attachment_id, token)
        fake.assumptions.complete_before_put = None
        attach_confirm.confirm(fake.client, started.attachment_id, token)
        assert [(a.state, a.data) for a in fake.attachments] == [("APPROVED", b"")]

    def test_a_second_confirmation_may_succeed(self, fake, token):
        """With None, another ClientToken is as good as the first."""
        fake.assumptions.complete_again = None
        sent = upload(fake, token)
        attach_confirm.confirm(fake.client, sent, token, client_token=AGAIN)
        assert len(fake.transcript) == 1

    @pytest.mark.parametrize("code", ["AccessDeniedException", "SomeException"])
    def test_errors_of_ids(self, fake, token, code):
        """The errors of unknown, foreign and unapproved ids can be others, declared or not."""
        fake.assumptions.unknown_id = fake.assumptions.other_chat = code
        fake.assumptions.not_available = code
        other = start(fake, fake.connection_token()).attachment_id
        mine = start(fake, token).attachment_id
        for attachment_id in ("no-such-id", other, mine):
            with pytest.raises(fake.client.exceptions.ClientError) as refused:
                fake.client.get_attachment(AttachmentId=attachment_id, ConnectionToken=token)
            assert refused.value.response["Error"]["Code"] == code

    def test_a_reused_client_token_may_be_refused(self, fake, token):
        """By default the first answer comes again; with a code, other parameters are refused."""
        first = start(fake, token, name="a", client_token=AGAIN)
        again = start(fake, token, name="b", client_token=AGAIN)
        assert first.attachment_id == again.attachment_id
        fake.assumptions.client_token_reused = "ValidationException"
        assert start(fake, token, name="a", client_token=AGAIN) == first
        with pytest.raises(fake.client.exceptions.ValidationException):
            start(fake, token, name="b", client_token=AGAIN)

    def test_a_client_token_may_be_forgotten(self, fake, token):
        """After its lifetime, a ClientToken is a new one."""
        fake.assumptions.client_token_lifetime = timedelta(minutes=10)
        first = start(fake, token, client_token=AGAIN).attachment_id
        fake.clock.advance(599)
        assert start(fake, token, client_token=AGAIN).attachment_id == first
        fake.clock.advance(1)
        assert start(fake, token, client_token=AGAIN).attachment_id != first

    def test_an_upload_url_lives_as_long_as_is_said(self, fake, token):
        """The lifetime is in the URL, in UrlExpiry and in what is refused."""
        fake.assumptions.upload_url_lifetime = timedelta(seconds=20)
        started = start(fake, token)
        assert "X-Amz-Expires=20&" in started.url
        fake.clock.advance(20)
        with pytest.raises(attach_confirm.UploadUrlExpiredError):
            attach_confirm.put(fake.client, started, b"1")

    def test_the_quota_may_count_what_is_completed(self, fake, token):
        """Started attachments are then free, and the 36th confirmation is refused."""
        fake.assumptions.quota_counts = "completed"
        for _ in range(40):
            start(fake, token)
        for _ in range(35):
            upload(fake, token)
        with pytest.raises(fake.client.exceptions.ServiceQuotaExceededException):
            upload(fake, token)

    def test_a_rejected_item_may_be_bare(self, fake, token):
        """Without its Attachments, an item tells of no attachment."""
        fake.assumptions.rejected_item = False
        fake.scanner.reject()
        sent = upload(fake, token)
        (item,) = fake.client.get_transcript(ConnectionToken=token)["Transcript"]
        assert (item["Type"], "Attachments" in item) == ("ATTACHMENT", False)
        assert attach_confirm.status(fake.client, sent, token) is None

    def test_the_disposition_may_be_another(self, fake, token):
        """The header of an attachment is what the switch makes of its name."""
        fake.assumptions.content_disposition = lambda name: f"inline; filename={name}"
        assert start(fake, token).headers["Content-Disposition"] == "inline; filename=a"

    def test_no_results_may_be_another_number(self, fake, token):
        """MaxResults=0 can stand for any number."""
        fake.assumptions.zero_results = 2
        for _ in range(3):
            upload(fake, token)
        page = fake.client.get_transcript(ConnectionToken=token, MaxResults=0)
        assert len(page["Transcript"]) == 2

    def test_a_position_may_be_left_out(self, fake, token):
        """A StartPosition's item can be the one before the page."""
        for _ in range(3):
            upload(fake, token)
        fake.assumptions.position_included = False
        ids = [item["Id"] for item in fake.transcript]
        page = fake.client.get_transcript(
            ConnectionToken=token, StartPosition={"Id": ids[0]}, SortOrder="ASCENDING"
        )
        assert [item["Id"] for item in page["Transcript"]] == ids[1:]

    def test_they_end_with_the_block(self):
        """The next block begins with what is in the table."""
        with fake_connectparticipant() as first:
            first.assumptions.zero_results = 99
        with fake_connectparticipant() as second:
            assert second.assumptions == Assumptions()


class TestHistory:
    """Every call and every attempt is remembered."""

    def test_the_calls_of_a_flow(self, fake):
        """The calls stand in their order, with what was sent."""
        connection = attach_confirm.connect(fake.client, fake.participant_token())
        sent = upload(fake, connection.token)
        attach_confirm.status(fake.client, sent, connection.token)
        assert [call.operation for call in fake.calls] == [
            "CreateParticipantConnection",
            "StartAttachmentUpload",
            "PutObject",
            "CompleteAttachmentUpload",
            "GetTranscript",
        ]
        (call,) = fake.calls("StartAttachmentUpload")
        assert call.params["AttachmentName"] == "a.txt"
        assert call.params["ConnectionToken"] == connection.token
        assert fake.calls("PutObject")[0].params["ContentLength"] == 1
        fake.calls.assert_called_once_with(
            "CompleteAttachmentUpload",
            AttachmentIds=[sent],
            ConnectionToken=connection.token,
            ClientToken=call.client_token and fake.calls[3].client_token,
        )
        fake.calls.assert_not_called("SendMessage")

    def test_calls_of_one_client_token_are_two(self, fake, token):
        """A call that the code under test repeats is a call of its own."""
        sent = upload(fake, token)
        attach_confirm.confirm(fake.client, sent, token)
        calls = fake.calls("CompleteAttachmentUpload")
        assert len(calls) == 2
        assert calls[0].client_token == calls[1].client_token

    def test_a_refused_call_is_there(self, fake):
        """A call with a token of nobody's, or with nothing that the model takes, is remembered."""
        with pytest.raises(fake.client.exceptions.AccessDeniedException):
            fake.client.get_transcript(ConnectionToken="nobody's")
        (call,) = fake.calls
        assert [(a.status, a.error_code) for a in call.attempts] == [(403, "AccessDeniedException")]
        assert not call.attempts[0].committed

    def test_no_token_is_shown(self, fake, caplog):
        """The repr of a call, a failed assertion and the logs hold no token."""
        caplog.set_level(logging.DEBUG)
        token = fake.connection_token()
        fake.inject("CompleteAttachmentUpload", ConnectTimeout())
        upload(fake, token)
        with pytest.raises(AssertionError) as failed:
            fake.calls.assert_called_once_with("GetTranscript", ConnectionToken=token)
        shown = [repr(fake.calls), str(failed.value), repr(fake.attachments), caplog.text]
        for text in shown:
            assert token not in text
            assert "X-Amz-Signature=" not in text
        assert "CompleteAttachmentUpload(AttachmentIds=" in repr(fake.calls)
        assert "-> no response, 200)" in repr(fake.calls)

    def test_what_a_test_does_with_them_is_its_own(self, fake, token):
        """Changing a call's parameters changes nothing in the fake."""
        upload(fake, token)
        fake.calls[0].params.clear()
        assert fake.calls[0].params
