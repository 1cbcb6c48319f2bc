"""With everything logged, neither token nor any signature stands anywhere."""

import io
import logging
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

import attach_confirm
from attach_confirm import AttachConfirmError

TOKEN = "s3cr3t-token"
STEPS = {
    "connection": "CreateParticipantConnection",
    "start": "StartAttachmentUpload",
    "complete": "CompleteAttachmentUpload",
    "transcript": "GetTranscript",
}


@pytest.fixture
def log():
    """Log everything at DEBUG, as `logging.basicConfig(level=DEBUG)` does, and return it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s:%(name)s:%(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream.getvalue
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def secrets(http_server):
    """Return what must not be seen of a flow over the server on this machine."""
    return [
        http_server.participant_token,
        http_server.connection_token,
        http_server.signature,
        http_server.signature[::-1],
    ]


def unseen(secrets, text):
    """Check that no secret stands in a text."""
    for secret in secrets:
        assert secret not in text, text[max(0, text.index(secret) - 300) :][:600]


def chain(error):
    """Yield an error and all that is behind it."""
    seen = set()
    waiting = [error]
    while waiting:
        found = waiting.pop()
        if found is not None and id(found) not in seen:
            seen.add(id(found))
            yield found
            waiting += [found.__cause__, found.__context__]


def everything(error):
    """Return all the texts of an error, of its parts, and of what is behind it."""
    parts = [traceback.format_exc(), "".join(traceback.format_exception(error))]
    for one in chain(error):
        parts += [str(one), repr(one), repr(one.args), repr(vars(one))]
    return "\n".join(parts)


class TestWholeFlow:
    """Everything goes well."""

    def test_over_a_connection(self, http_server, http_server_client, log, secrets):
        """The log of botocore and urllib3 tells the steps, and nothing that lets others in."""
        connection = attach_confirm.connect(http_server_client, http_server.participant_token)
        sent = attach_confirm.upload(http_server_client, b"abc", connection.token, name="a.txt")
        attach_confirm.wait(http_server_client, sent.attachment_id, connection.token)
        assert connection.token == http_server.connection_token
        text = log()
        for operation in STEPS.values():
            assert f"OperationModel(name={operation})" in text
        assert "urllib3.connectionpool" in text
        assert '"PUT /staging/att-1?<redacted>' in text
        assert "Response body" in text
        unseen(secrets, text)

    def test_over_a_plain_client(self, http_server, log, secrets):
        """A client that boto3 made logs its tokens: this is what the guard is for."""
        plain = boto3.client(
            "connectparticipant",
            region_name="us-west-2",
            endpoint_url=http_server.url,
            aws_access_key_id="a",
            aws_secret_access_key="b",
        )
        connection = attach_confirm.connect(plain, http_server.participant_token)
        attach_confirm.upload(plain, b"abc", connection.token, name="a.txt")
        plain.close()
        text = log()
        assert all(secret in text for secret in secrets)
        assert '"PUT /staging/att-1?<redacted>' in text

    def test_with_the_fake(self, fake, log):
        """The fake's tokens and URLs are as little to be seen."""
        participant = fake.participant_token()
        connection = attach_confirm.connect(fake.client, participant)
        pending = attach_confirm.start(
            fake.client,
            name="a.txt",
            size=3,
            content_type="text/plain",
            connection_token=connection.token,
        )
        attach_confirm.put(fake.client, pending, b"abc")
        attach_confirm.confirm(fake.client, pending.attachment_id, connection.token)
        attach_confirm.wait(fake.client, pending.attachment_id, connection.token)
        signature = pending.url.split("X-Amz-Signature=")[1]
        assert len(signature) >= 64
        seen = log() + repr([connection, pending, fake.attachments, fake, fake.client])
        unseen([participant, connection.token, signature], seen)

    def test_the_values(self, http_server, http_server_client, secrets):
        """No value that a function returns shows a secret."""
        connection = attach_confirm.connect(http_server_client, http_server.participant_token)
        pending = attach_confirm.start(
            http_server_client,
            name="a.txt",
            size=3,
            content_type="text/plain",
            connection_token=connection.token,
        )
        sent = attach_confirm.upload(http_server_client, b"abc", connection.token, name="a.txt")
        assert http_server.signature in pending.url
        values = [connection, pending, sent]
        unseen(secrets, f"{values!r} {values} {[str(value) for value in values]}")

    @pytest.mark.parametrize("respelled", ["%2f", "|", "\u00e9"])
    def test_a_url_that_is_spelled_otherwise(self, http_server, http_server_client, log, respelled):
        """What the HTTP layer makes of a URL before it logs it hides no less."""
        expiry = datetime.now(timezone.utc) + timedelta(seconds=300)
        url = f"{http_server.url}/k?X-Amz-Credential=a{respelled}b&X-Amz-Signature=5ec2e75ec2e7"
        pending = attach_confirm.PendingUpload("att-1", url, {"Content-Length": "3"}, expiry)
        attach_confirm.put(http_server_client, pending, b"abc")
        assert "X-Amz-Signature=5ec2e75ec2e7" in http_server.requests[0].path
        assert '"PUT /k?' in log()
        assert "5ec2e75ec2e7" not in log()

    def test_threads(self, http_server, http_server_client, log, secrets):
        """Uploads at the same time hide each its own."""
        pool = ThreadPoolExecutor(4)
        with pool:
            calls = [
                pool.submit(
                    attach_confirm.upload,
                    http_server_client,
                    bytes(200_000),
                    http_server.connection_token,
                    name="a.txt",
                )
                for _ in range(8)
            ]
        assert all(call.result().attempts == 1 for call in calls)
        assert log().count('"PUT /staging/att-1?<redacted>') == 8
        unseen(secrets, log())


CONFLICT = (409, b"{}", {"x-amzn-ErrorType": "ConflictException"})
CUT = (200, b"{", {})

# A confirmation is answered with nothing, and a conflict is looked into.
HARMLESS = [("complete", CONFLICT), ("complete", CUT)]


class TestFailures:
    """Something goes wrong."""

    def flow(self, http_server, client):
        """Go through all steps."""
        connection = attach_confirm.connect(client, http_server.participant_token)
        sent = attach_confirm.upload(client, b"abc", http_server.connection_token, name="a.txt")
        attach_confirm.wait(client, sent.attachment_id, connection.token, timeout=0)

    @pytest.mark.parametrize(
        "answer",
        [
            (403, b'{"Message": "Access denied"}', {"x-amzn-ErrorType": "AccessDeniedException"}),
            (403, b'{"message": "explicit deny"}', {}),
            CONFLICT,
            (500, b"", {}),
            (200, b"<html>Log in</html>", {"Content-Type": "text/html"}),
            CUT,
            (302, b"", {"Location": "http://127.0.0.1:1/login"}),
            ReadTimeoutError(endpoint_url="http://participant.example"),
        ],
        ids=["denied", "gateway", "conflict", "broken", "portal", "cut", "moved", "silence"],
    )
    @pytest.mark.parametrize("step", STEPS)
    def test_of_the_service(self, request, scripted_responses, step, answer):
        """No refusal, page or timeout of any step brings a secret out."""
        http_server, client, log, secrets = map(
            request.getfixturevalue, ["http_server", "http_server_client", "log", "secrets"]
        )
        scripted_responses(client, f"connectparticipant.{STEPS[step]}", answer)
        if (step, answer) in HARMLESS:
            self.flow(http_server, client)
        else:
            with pytest.raises((ClientError, BotoCoreError, AttachConfirmError)) as raised:
                self.flow(http_server, client)
            unseen(secrets, everything(raised.value))
        unseen(secrets, log())

    @pytest.mark.parametrize(
        "answer",
        [
            "reset",
            (403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>", {}),
            (403, b"<Error><Code>AccessDenied</Code><Expires>x</Expires></Error>", {}),
            (307, b"", {"Location": "http://127.0.0.1:1/"}),
            (400, b"<html>", {}),
        ],
        ids=["reset", "mismatch", "expired", "moved", "page"],
    )
    def test_of_s3(self, request, answer):
        """Nor does any of the PUT, S3's or the line's own."""
        http_server, client, log, secrets = map(
            request.getfixturevalue, ["http_server", "http_server_client", "log", "secrets"]
        )
        expiry = datetime.now(timezone.utc)
        pending = attach_confirm.PendingUpload("att-1", http_server.upload_url(), {}, expiry)
        http_server.puts.append(answer)
        with pytest.raises((BotoCoreError, AttachConfirmError)) as raised:
            attach_confirm.put(client, pending, bytes(100_000))
        unseen(secrets, everything(raised.value))
        unseen(secrets, log())

    @pytest.mark.parametrize(
        ("url", "headers"),
        [
            ("http://127.0.0.1:1", {}),
            ("http://no-such-host.invalid", {}),
            ("http://127.0.0.1:99999", {}),
            ("nonsense://127.0.0.1", {}),
            ("{url}", {"x-amz-meta-a": "b\r\nc: d"}),
            ("{url}", {"x amz": "b"}),
            ("{url}", {"x-\u00e9": "b"}),
        ],
    )
    def test_of_the_way(self, request, url, headers):
        """Nor does a host, a URL or a header that cannot be."""
        http_server, client, log = map(
            request.getfixturevalue, ["http_server", "http_server_client", "log"]
        )
        pending = attach_confirm.PendingUpload(
            "att-1",
            url.format(url=http_server.url) + "/k?X-Amz-Signature=5ec2e75ec2e7",
            headers,
            datetime.now(timezone.utc),
        )
        with pytest.raises((BotoCoreError, AttachConfirmError)) as raised:
            attach_confirm.put(client, pending, b"abc")
        unseen(["5ec2e75ec2e7"], everything(raised.value))
        unseen(["5ec2e75ec2e7"], log())

    def test_a_token_that_no_header_can_carry(self, http_server, http_server_client, log):
        """A token with a newline, which botocore would print, is neither sent nor shown."""
        with pytest.raises(AttachConfirmError) as raised:
            attach_confirm.upload(http_server_client, b"abc", f"{TOKEN}\n", name="a.txt")
        unseen([TOKEN], everything(raised.value))
        unseen([TOKEN], log())
        assert http_server.requests == []

    def test_such_a_token_in_a_direct_call(self, http_server_client, log):
        """Even where the caller goes around this library, its client does not print it."""
        with pytest.raises(BotoCoreError) as raised:
            http_server_client.disconnect_participant(ConnectionToken=f"{TOKEN}\n")
        unseen([TOKEN], everything(raised.value))
        unseen([TOKEN], log())
