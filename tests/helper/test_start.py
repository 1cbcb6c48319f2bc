"""`start`: the headers of the PUT, and the log."""

import pytest

import attach_confirm
from attach_confirm import UnexpectedResponseError

START = "connectparticipant.StartAttachmentUpload"


@pytest.fixture
def start(client, scripted_responses):
    """Return a function that starts an upload whose response has the given headers."""

    def run(headers):
        metadata = {
            "Url": "https://bucket.example/k?X-Amz-Signature=5eed",
            "UrlExpiry": "2026-11-22T08:15:46Z",
            "HeadersToInclude": headers,
        }
        body = {"AttachmentId": "att-1", "UploadMetadata": metadata}
        scripted_responses(client, START, (200, body, {}))
        return attach_confirm.start(
            client, name="a.txt", size=3, content_type="text/plain", connection_token="t0ken"
        )

    return run


def test_numeric_header_value_is_accepted(start):
    headers = start(
        {"Content-Length": 3, "x-amz-meta-a": 1.5, "Content-Type": "text/plain"}
    ).headers
    assert headers == {"Content-Length": "3", "x-amz-meta-a": "1.5", "Content-Type": "text/plain"}


@pytest.mark.parametrize("value", [True, None, ["3"], {"a": "b"}], ids=repr)
def test_header_value_of_other_type_raises(start, value):
    with pytest.raises(UnexpectedResponseError) as raised:
        start({"X-A": value})
    assert str(raised.value) == (
        "StartAttachmentUpload: unexpected or truncated response:"
        f" the header 'X-A' is of type {type(value).__name__}"
    )


def test_start_is_logged(start, caplog):
    caplog.set_level("INFO", logger="attach_confirm")
    start({})
    (record,) = caplog.records
    assert record.getMessage() == "start: attachment att-1: 3 bytes, text/plain"
    assert record.levelname == "INFO"
