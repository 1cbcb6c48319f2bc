"""Tokens and signed URLs show in no repr, no error's text and no log line."""

import logging
import pickle
from datetime import datetime, timezone

import pytest

import attach_confirm
from attach_confirm import Connection, PendingUpload

EXPIRY = datetime(2026, 11, 22, 8, 15, 46, tzinfo=timezone.utc)
URL = "https://bucket.example/staging/att-1?X-Amz-Algorithm=A&X-Amz-Signature=5ec2e7"


def test_a_connections_repr():
    """A connection shows when it ends, and not its token."""
    connection = Connection(token="s3cr3t", expires_at=EXPIRY)
    assert repr(connection) == f"Connection(expires_at={EXPIRY!r})"
    assert str(connection) == f"{connection}" == repr(connection)


def test_a_pending_uploads_repr():
    """A pending upload shows its id, and neither its URL nor its headers."""
    pending = PendingUpload(
        attachment_id="att-1", url=URL, headers={"x-amz-meta-a": "hidden"}, expires_at=EXPIRY
    )
    assert repr(pending) == f"PendingUpload(attachment_id='att-1', expires_at={EXPIRY!r})"


def test_values_carry_what_they_hide():
    """What does not show is there, and goes to another process with the rest."""
    connection = Connection(token="s3cr3t", expires_at=EXPIRY)
    pending = PendingUpload(
        attachment_id="att-1", url=URL, headers={"Content-Length": "3"}, expires_at=EXPIRY
    )
    for value in (connection, pending):
        assert pickle.loads(pickle.dumps(value)) == value
    assert connection.token == "s3cr3t"
    assert (pending.url, pending.headers) == (URL, {"Content-Length": "3"})


@pytest.mark.parametrize("name", ["token", "expires_at", "more"])
def test_values_are_values(name):
    """A result cannot be changed by accident, nor be given what it does not have."""
    connection = Connection(token="s3cr3t", expires_at=EXPIRY)
    with pytest.raises((AttributeError, TypeError)):
        setattr(connection, name, "changed")


@pytest.mark.parametrize("token", ["a-connection-token", "A" * 1000])
def test_a_token_is_sent_as_it_is(client, scripted_responses, token):
    """What hides a token from the log does not change what is sent."""
    sent = scripted_responses(client, "connectparticipant.CompleteAttachmentUpload", (200, {}, {}))
    attach_confirm.confirm(client, "att-1", token)
    bearer = sent[0].headers["X-Amz-Bearer"]
    assert bytes(bearer) == token.encode()
    assert token not in repr(bearer)
    assert token not in repr(sent[0].headers)


def test_a_direct_calls_token(client, scripted_responses, caplog):
    """A call that this library has no function for is guarded too, for the client is."""
    caplog.set_level(logging.DEBUG)
    scripted_responses(client, "connectparticipant.DisconnectParticipant", (200, {}, {}))
    client.disconnect_participant(ConnectionToken="s3cr3t-token")
    assert "DisconnectParticipant" in caplog.text
    assert "s3cr3t-token" not in caplog.text


def test_a_download_url(client, scripted_responses, caplog):
    """The signed URL of a download is as secret as that of an upload."""
    caplog.set_level(logging.DEBUG)
    answer = {"Url": URL, "UrlExpiry": "2026-11-22T08:15:46Z", "AttachmentSizeInBytes": 3}
    scripted_responses(client, "connectparticipant.GetAttachment", (200, answer, {}))
    assert client.get_attachment(AttachmentId="att-1", ConnectionToken="s3cr3t")["Url"] == URL
    assert "GetAttachment" in caplog.text
    assert "5ec2e7" not in caplog.text


def test_other_headers_are_logged(client, scripted_responses, caplog):
    """What is no secret is still there to be debugged by."""
    caplog.set_level(logging.DEBUG)
    scripted_responses(client, "connectparticipant.CompleteAttachmentUpload", (200, {}, {}))
    attach_confirm.confirm(client, "att-1", "s3cr3t-token", client_token="my-client-token")
    assert "my-client-token" in caplog.text
    assert "<redacted>" in caplog.text


def fail(text):
    """Raise an error, so that it has a traceback."""
    raise ConnectionError(text)


LOGGERS = ["urllib3.connectionpool", "botocore.httpsession", "urllib3.util.retry"]


class TestLoggers:
    """The loggers that see a signed URL."""

    @pytest.fixture
    def logged(self, client, scripted_responses, pending, caplog):
        """Return a way to log something while a PUT is under way, and see what comes out."""
        caplog.set_level(logging.DEBUG)
        scripted_responses(client, "s3.PutObject", 200)

        def log(url, name, *message, **more):
            client.meta.events.register(
                "before-send.s3.PutObject",
                lambda **_: logging.getLogger(name).debug(*message, **more),
                "once",
            )
            attach_confirm.put(client, pending(url=url), b"abc")
            client.meta.events.unregister("before-send.s3.PutObject", unique_id="once")
            return caplog.text

        return log

    @pytest.mark.parametrize("name", LOGGERS)
    def test_while_a_put_is_under_way(self, logged, name):
        """The path shows, the query does not, wherever it stands in the line."""
        text = logged(URL, name, '%s "PUT %s" %d', "https://bucket.example:443", URL, 200)
        assert "https://bucket.example/staging/att-1?" in text
        assert "X-Amz" not in text
        assert "200" in text

    @pytest.mark.parametrize("name", LOGGERS)
    def test_a_traceback(self, logged, name):
        """A traceback in the log loses the query, and nothing else."""
        with pytest.raises(ConnectionError) as raised:
            fail(f"no way to {URL}")
        text = logged(URL, name, "failed", exc_info=raised.value)
        assert "ConnectionError: no way to https://bucket.example/staging/att-1?" in text
        assert "X-Amz" not in text

    @pytest.mark.parametrize(
        "query",
        [
            "X-Amz-Credential=A%2f2026%2fs3&X-Amz-Signature=5ec2e7",
            "X-Amz-SignedHeaders=a;b&x=a|b&X-Amz-Signature=5ec2e7",
            "response=\u00e9&X-Amz-Signature=5ec2e7",
        ],
    )
    def test_a_query_that_is_spelled_otherwise(self, logged, query):
        """The HTTP layer logs a URL as it normalised it, and that has no signature either."""
        spelled = query.replace("%2f", "%2F").replace("|", "%7C").replace("\u00e9", "%C3%A9")
        url = f"https://bucket.example/k?{query}"
        text = logged(url, LOGGERS[0], '"PUT %s HTTP/1.1" 200', f"/k?{spelled}")
        assert "/k?" in text
        assert "5ec2e7" not in text

    def test_a_url_without_a_query(self, logged):
        """Where nothing is secret, nothing is taken out."""
        text = logged("https://bucket.example/k", LOGGERS[0], "at %s", "https://bucket.example/k")
        assert "at https://bucket.example/k" in text

    def test_afterwards(self, logged, caplog):
        """Once the PUT is over, the loggers are as they were to everybody else."""
        logged(URL, LOGGERS[0], "nothing")
        logging.getLogger(LOGGERS[0]).debug("somebody else's %s", URL)
        assert f"somebody else's {URL}" in caplog.text
