"""Streams, which publish a chat to an SNS topic."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import boto3
import pytest

from attach_confirm_stubs import fake_connectparticipant
from tests.fake.uploads import expect_error, upload_file

EVENT_PREFIX = "application/vnd.amazonaws.connect.event."
MISSING_TOPIC = "arn:aws:sns:us-east-1:123456789012:missing"


@pytest.fixture
def connect(fake):
    """Return a client of Amazon Connect."""
    return boto3.client("connect", fake.region_name)


@pytest.fixture
def chat(fake):
    """Return a chat."""
    return fake.start_chat()


@pytest.fixture
def token(fake, chat):
    """Return the connection token of the chat's customer."""
    return fake.connection_token(contact_id=chat.contact_id, display_name="Jane")


@pytest.fixture
def topic_arn(fake):
    """Return the ARN of a topic."""
    return boto3.client("sns", fake.region_name).create_topic(Name="chats")["TopicArn"]


def subscribe_queue(topic_arn):
    """Subscribe a queue to a topic, and return a function that returns the received messages."""
    sqs, sns = boto3.client("sqs", "us-east-1"), boto3.client("sns", "us-east-1")
    url = sqs.create_queue(QueueName="chats")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn["QueueArn"])

    def receive():
        received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in received]

    return receive


def start_stream(connect, chat, topic_arn, **params):
    """Start a stream, and return its ID."""
    return connect.start_contact_streaming(
        InstanceId=chat.instance_id,
        ContactId=chat.contact_id,
        ChatStreamingConfiguration={"StreamingEndpointArn": topic_arn},
        **params,
    )["StreamingId"]


def send_message(fake, token, content="Hello"):
    """Send a message."""
    fake.client.send_message(ConnectionToken=token, ContentType="text/plain", Content=content)


def test_message_is_published_as_documented(fake, connect, chat, token, topic_arn):
    receive = subscribe_queue(topic_arn)
    start_stream(connect, chat, topic_arn)
    send_message(fake, token)
    (notification,) = receive()
    assert json.loads(notification["Message"]) == chat.transcript[0]
    assert notification["Type"] == "Notification"
    assert notification["MessageAttributes"] == {
        name: {"Type": "String", "Value": value}
        for name, value in {
            "AccountId": "123456789012",
            "ContactId": chat.contact_id,
            "ContentType": "text/plain",
            "InitialContactId": chat.contact_id,
            "InstanceId": chat.instance_id,
            "MessageVisibility": "ALL",
            "ParticipantRole": "CUSTOMER",
            "Type": "MESSAGE",
        }.items()
    }
    (stream,) = fake.streams
    assert stream.failures == ()
    (record,) = stream.lambda_event()["Records"]
    assert record["EventSource"] == "aws:sns"
    assert record["Sns"]["TopicArn"] == topic_arn
    for name in ("Message", "MessageAttributes", "Type"):
        assert record["Sns"][name] == notification[name]


def test_events_and_verdicts_are_published(fake, connect, chat, token, topic_arn):
    """A typing event is published although it is not in the transcript, but a receipt is not."""
    start_stream(connect, chat, topic_arn)
    fake.scanner.approve(after=30)
    upload_file(fake, token)
    fake.client.send_event(ConnectionToken=token, ContentType=f"{EVENT_PREFIX}typing")
    fake.clock.advance(30)
    send_message(fake, token)
    content = json.dumps({"messageId": chat.transcript[-1]["Id"]})
    agent = fake.connection_token(contact_id=chat.contact_id, role="AGENT")
    # The customer who was added by `start_chat` has not connected.
    receipt = {"ContentType": f"{EVENT_PREFIX}message.read", "Content": content}
    fake.client.send_event(ConnectionToken=agent, **receipt)
    fake.assumptions.streamed_receipts = True
    fake.client.send_event(ConnectionToken=agent, **receipt)
    connect.stop_contact(InstanceId=chat.instance_id, ContactId=chat.contact_id)
    messages = [json.loads(r["Sns"]["Message"]) for r in fake.streams[0].records]
    attributes = [r["Sns"]["MessageAttributes"] for r in fake.streams[0].records]
    types = [message["Type"] for message in messages]
    assert types == ["EVENT", "ATTACHMENT", "MESSAGE", "MESSAGEMETADATA", "EVENT"]
    assert messages[1]["Attachments"][0]["Status"] == "APPROVED"
    assert "ContentType" not in attributes[1]
    assert attributes[4]["ContentType"]["Value"] == f"{EVENT_PREFIX}chat.ended"
    assert "ParticipantRole" not in attributes[4]


def test_streamed_attachment_type_is_the_content_type(fake, connect, chat, token, topic_arn):
    fake.assumptions.streamed_attachment_type = "application/x"
    start_stream(connect, chat, topic_arn)
    upload_file(fake, token)
    send_message(fake, token)
    values = [r["Sns"]["MessageAttributes"]["ContentType"] for r in fake.streams[0].records]
    assert [value["Value"] for value in values] == ["application/x", "text/plain"]


def test_missing_topic_is_a_failed_delivery(fake, connect, chat, token):
    start_stream(connect, chat, MISSING_TOPIC)
    send_message(fake, token)
    (stream,) = fake.streams
    (failure,) = stream.failures
    assert failure.record == stream.records[0]
    assert failure.reason == "the topic does not exist"


def test_missing_queue_is_a_failed_delivery(fake, connect, chat, token, topic_arn):
    subscribe_queue(topic_arn)
    sqs = boto3.client("sqs", "us-east-1")
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName="chats")["QueueUrl"])
    start_stream(connect, chat, topic_arn)
    send_message(fake, token)
    assert len(chat.transcript) == 1
    assert fake.streams[0].failures[0].reason


def test_stopped_stream_publishes_nothing(fake, connect, chat, token, topic_arn):
    ids = {"InstanceId": chat.instance_id, "ContactId": chat.contact_id}
    streaming_id = start_stream(connect, chat, topic_arn)
    connect.stop_contact_streaming(StreamingId=streaming_id, **ids)
    send_message(fake, token)
    (stream,) = fake.streams
    assert (stream.active, stream.records) == (False, ())
    expect_error(
        connect,
        "ResourceNotFoundException",
        connect.stop_contact_streaming,
        StreamingId="unknown",
        **ids,
    )


def test_contact_has_two_streams_at_most(fake, connect, chat, topic_arn):
    first = start_stream(connect, chat, topic_arn, ClientToken="1")
    assert start_stream(connect, chat, topic_arn, ClientToken="1") == first
    start_stream(connect, chat, topic_arn)
    expect_error(connect, "LimitExceededException", start_stream, connect, chat, topic_arn)
    connect.stop_contact_streaming(
        InstanceId=chat.instance_id, ContactId=chat.contact_id, StreamingId=first
    )
    start_stream(connect, chat, topic_arn)
    assert [stream.active for stream in fake.streams] == [False, True, True]


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:sns:eu-west-1:123456789012:chats",
        "arn:aws:sns:us-east-1:123456789012:chats.fifo",
        "arn:aws:sqs:us-east-1:123456789012:chats",
        "chats",
    ],
)
def test_invalid_topic_rejected(fake, connect, chat, arn):
    expect_error(connect, "InvalidRequestException", start_stream, connect, chat, arn)
    assert fake.streams == []


@pytest.fixture
def subscriber_url(fake, token):
    """Return the URL of a server that calls the fake before it responds."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            fake.client.get_transcript(ConnectionToken=token)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_subscriber_may_call_the_fake(fake, chat, token, topic_arn, subscriber_url):
    """Items are published without the lock, so the request in another thread is not blocked."""
    sns = boto3.client("sns", "us-east-1")
    sns.subscribe(TopicArn=topic_arn, Protocol="http", Endpoint=subscriber_url)
    start_stream(boto3.client("connect", "us-east-1"), chat, topic_arn)
    send_message(fake, token)
    assert fake.streams[0].failures == ()
    fake.calls.assert_called_once("GetTranscript")


def test_streams_end_with_the_block():
    with fake_connectparticipant() as fake:
        chat = fake.start_chat()
        start_stream(boto3.client("connect", "us-east-1"), chat, MISSING_TOPIC)
    with fake_connectparticipant() as fake:
        assert fake.streams == []
