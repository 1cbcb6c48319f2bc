"""Run the code in docs/set-deadlines-in-a-lambda.md."""

from types import SimpleNamespace

import boto3
import pytest

import attach_confirm
from attach_confirm_stubs import ConnectionReset, Latency, Throttle
from tests.docs.markdown import code_blocks, code_spans, read, table_rows
from tests.support.stubs import NonSeekableStream, skew_clock

PAGE = read("docs/set-deadlines-in-a-lambda.md")
BLOCKS = code_blocks(PAGE, "python")
FILE = b"%PDF-1.4 a receipt"


@pytest.fixture
def function(fake, monkeypatch):  # noqa: ARG001
    """Load the functions of the page, in the order of the page."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    namespace = {}
    for block in BLOCKS:
        exec(block, namespace)
    return namespace


@pytest.fixture
def event(token, tmp_path):
    path = tmp_path / "receipt.pdf"
    path.write_bytes(FILE)
    return {"path": str(path), "connection_token": token, "client_token": "contact/4711"}


@pytest.fixture
def s3_event(token):
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="amzn-s3-demo-bucket")
    s3.put_object(Bucket="amzn-s3-demo-bucket", Key="receipt.pdf", Body=FILE)
    return {
        "bucket": "amzn-s3-demo-bucket",
        "key": "receipt.pdf",
        "name": "receipt.pdf",
        "connection_token": token,
        "client_token": "contact/4711",
    }


def context(fake, seconds):
    """Return a Lambda context whose remaining time follows the fake's clock."""
    end = fake.clock.monotonic() + seconds
    return SimpleNamespace(
        get_remaining_time_in_millis=lambda: int((end - fake.clock.monotonic()) * 1000)
    )


def approved(fake):
    """Return the data of the approved attachments."""
    return [attachment.data for attachment in fake.attachments if attachment.state == "APPROVED"]


def test_handler_sends_file(fake, function, event):
    result = function["handler"](event, context(fake, 60))
    assert result == {"next": None, "attachment_id": fake.attachments[0].attachment_id}
    assert approved(fake) == [FILE]


@pytest.mark.parametrize("remaining", [0.5, 20, 60])
def test_handler_returns_before_function_timeout(fake, function, event, remaining):
    fake.inject("PutObject", *[ConnectionReset()] * 100)
    started_at = fake.clock.monotonic()
    result = function["handler"](event, context(fake, remaining))
    assert result["next"] == "upload"
    assert fake.clock.monotonic() - started_at < max(1, remaining - function["RESERVE"] + 1)
    fake.reset_faults()
    assert function["handler"](event, context(fake, 60))["next"] is None
    assert approved(fake) == [FILE]


@pytest.mark.parametrize("next_handler", ["confirm_handler", "handler"])
def test_acknowledged_upload_is_continued(fake, function, event, next_handler):
    fake.inject("PutObject", Latency(50))
    result = function["handler"](event, context(fake, 60))
    assert result == {"next": "confirm", "attachment_id": fake.attachments[0].attachment_id}
    assert approved(fake) == []
    final = function[next_handler]({**event, **result}, context(fake, 60))
    assert final == {"next": None, "attachment_id": result["attachment_id"]}
    assert approved(fake) == [FILE]


def test_acknowledged_upload_with_journal_sends_bytes_once(fake, event, tmp_path):
    journal = attach_confirm.SQLiteJournal(tmp_path / "journal.db")
    arguments = {"client_token": event["client_token"], "journal": journal, "timeout": 60}
    fake.inject("PutObject", Latency(70))
    with pytest.raises(attach_confirm.UploadTimeoutError) as raised:
        attach_confirm.upload(fake.client, event["path"], event["connection_token"], **arguments)
    assert raised.value.acknowledged
    attach_confirm.upload(fake.client, event["path"], event["connection_token"], **arguments)
    assert len(fake.calls("PutObject")) == 1
    assert approved(fake) == [FILE]


def test_reserve_covers_client_timeouts(function):
    config = function["client"].meta.config
    assert function["RESERVE"] >= config.connect_timeout + config.read_timeout


def test_timeouts_table_names_errors(fake, token, tmp_path):
    """Each function raises the documented error if the service throttles all requests."""
    client = fake.client
    sent = attach_confirm.upload(client, FILE, token, name="a.pdf")
    pending = attach_confirm.start(
        client, name="a.pdf", size=3, content_type="application/pdf", connection_token=token
    )
    calls = {
        "put": lambda: attach_confirm.put(client, pending, b"abc", timeout=5),
        "upload": lambda: attach_confirm.upload(client, FILE, token, name="a.pdf", timeout=5),
        "download": lambda: attach_confirm.download(
            client, sent.attachment_id, token, tmp_path, timeout=0
        ),
        "wait": lambda: attach_confirm.wait(client, "unknown", token, timeout=5),
    }
    for names, errors in table_rows(PAGE, "function"):
        (error,) = code_spans(errors)
        for name in code_spans(names):
            fake.inject("PutObject", *[Throttle()] * 20)
            with pytest.raises(getattr(attach_confirm, error)):
                calls.pop(name)()
            fake.reset_faults()
    assert calls == {}


def test_default_client_timeouts_are_documented():
    config = attach_confirm.client("us-east-1").meta.config
    text = f"{config.connect_timeout} seconds for connecting and {config.read_timeout} seconds for"
    assert text in " ".join(PAGE.split())


def test_stream_is_sent_without_temporary_file(fake, function, s3_event, monkeypatch):
    monkeypatch.setattr("tempfile.TemporaryFile", None)
    function["stream_handler"](s3_event, context(fake, 60))
    assert approved(fake) == [FILE]


def test_stream_is_sent_once_and_can_be_opened_again(fake, function, s3_event):
    fake.inject("PutObject", ConnectionReset())
    with pytest.raises(Exception, match="Connection was closed") as raised:
        function["stream_handler"](s3_event, context(fake, 60))
    assert attach_confirm.advise(raised.value).action is attach_confirm.Action.RETRY
    assert len(fake.calls("PutObject")[0].attempts) == 1
    function["stream_handler"](s3_event, context(fake, 60))
    assert approved(fake) == [FILE]


@pytest.fixture
def expired_upload(fake, s3_event):
    """Start the upload of the event's file, and let its URL expire by the fake's clock."""
    attach_confirm.start(
        fake.client,
        name=s3_event["name"],
        size=len(FILE),
        content_type="application/pdf",
        connection_token=s3_event["connection_token"],
        client_token=s3_event["client_token"],
    )
    fake.clock.advance(600)


@pytest.mark.usefixtures("expired_upload")
def test_stream_is_copied_if_the_upload_url_has_expired(fake, function, s3_event, monkeypatch):
    skew_clock(monkeypatch, 600)
    function["stream_handler"](s3_event, context(fake, 60))
    assert approved(fake) == [FILE]


@pytest.mark.usefixtures("expired_upload")
def test_stream_that_must_be_read_twice_is_sent_without_size(fake, function, s3_event):
    """The function's clock is wrong, so it does not know that the URL has expired."""
    with pytest.raises(attach_confirm.UploadUrlExpiredError) as raised:
        function["stream_handler"](s3_event, context(fake, 60))
    assert raised.value.consumed
    assert attach_confirm.advise(raised.value).action is attach_confirm.Action.FIX
    body = function["s3"].get_object(Bucket=s3_event["bucket"], Key=s3_event["key"])["Body"]
    attach_confirm.upload(
        fake.client,
        body,
        s3_event["connection_token"],
        name=s3_event["name"],
        client_token=s3_event["client_token"],
    )
    assert approved(fake) == [FILE]


def test_short_stream_is_not_confirmed(fake, token):
    stream = NonSeekableStream(FILE)
    with pytest.raises(attach_confirm.SourceReadError):
        attach_confirm.upload(fake.client, stream, token, name="a.pdf", size=len(FILE) + 1)
    assert fake.calls("CompleteAttachmentUpload") == []
