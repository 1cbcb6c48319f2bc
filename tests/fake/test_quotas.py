"""The throttling quotas."""

from contextlib import suppress

import boto3
import pytest
from botocore.config import Config

import attach_confirm
from tests.fake.uploads import start_pending


@pytest.fixture
def count_throttled():
    """Return a function that sends GetTranscript without retries, and counts throttled requests."""
    config = Config(retries={"total_max_attempts": 1})
    client = attach_confirm.client("us-east-1", config=config)

    def is_throttled(token):
        with suppress(client.exceptions.ThrottlingException):
            client.get_transcript(ConnectionToken=token)
            return False
        return True

    return lambda token, requests: sum(is_throttled(token) for _ in range(requests))


def test_bucket_has_burst_and_refills_with_clock(fake, token, count_throttled):
    """GetTranscript has a burst of 12 and 8 requests per second."""
    assert count_throttled(token, 40) == 0
    fake.quotas.enable()
    assert count_throttled(token, 20) == 8
    fake.clock.advance(1)
    assert count_throttled(token, 20) == 12
    fake.clock.advance(100)
    assert count_throttled(token, 20) == 8
    fake.quotas.disable()
    assert count_throttled(token, 20) == 0


def test_backoff_of_botocore_refills_bucket(fake, token):
    fake.quotas.limits["StartAttachmentUpload"] = (1e9, 5)
    fake.quotas.enable()
    for number in range(10):
        start_pending(fake, token, name=str(number))
    assert len(fake.attachments) == 10
    assert any(len(call.attempts) > 1 for call in fake.calls("StartAttachmentUpload"))


def test_instances_have_separate_buckets(fake, token, count_throttled):
    fake.quotas.enable()
    chat = boto3.client("connect", "us-east-1").start_chat_contact(
        InstanceId="other", ContactFlowId="flow", ParticipantDetails={"DisplayName": "Jane"}
    )
    other_token = attach_confirm.connect(fake.client, chat["ParticipantToken"]).token
    assert count_throttled(token, 12) == 0
    assert count_throttled(fake.connection_token(), 1) == 1
    assert count_throttled(other_token, 12) == 0


def test_send_event_shares_quota_of_send_message(fake, token):
    fake.quotas.limits["SendMessage"] = (1e9, 2)
    fake.quotas.enable()
    message = {"ContentType": "text/plain", "Content": "Hi", "ConnectionToken": token}
    fake.client.send_message(**message)
    event = "application/vnd.amazonaws.connect.event.typing"
    fake.client.send_event(ContentType=event, ConnectionToken=token)
    fake.client.send_message(**message)
    first, second = fake.calls("SendMessage")
    assert len(first.attempts) == 1
    assert second.attempts[0].error_code == "ThrottlingException"


def test_undocumented_quota_and_unknown_token_are_not_throttled(fake, token):
    fake.quotas.enable()
    view_token = fake.view_token(Name="form")
    for _ in range(30):
        fake.client.describe_view(ViewToken=view_token, ConnectionToken=token)
        with pytest.raises(fake.client.exceptions.AccessDeniedException):
            fake.client.get_transcript(ConnectionToken="unknown")


def test_real_time_refills_bucket(fake, token, count_throttled):
    fake.quotas.limits["GetTranscript"] = (1e9, 1)
    fake.quotas.enable(real_time=True)
    assert count_throttled(token, 5) == 0
