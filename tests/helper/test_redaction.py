import contextlib
import inspect
import io
import logging
import pickle
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

import attach_confirm
from attach_confirm import AttachConfirmError, Connection, PendingUpload

EXPIRY = datetime(2026, 11, 22, 8, 15, 46, tzinfo=timezone.utc)
TOKEN = "s3cr3t-token"
SIGNATURE = "5ec2e75ec2e7"
URL = f"https://bucket.example/staging/att-1?X-Amz-Algorithm=A&X-Amz-Signature={SIGNATURE}"
CONNECTION = Connection(token=TOKEN, expires_at=EXPIRY)
PENDING_UPLOAD = PendingUpload(
    attachment_id="att-1", url=URL, headers={"x-amz-meta-a": "hidden"}, expires_at=EXPIRY
)


def assert_absent(secrets, *texts):
    """Assert that no text contains a secret. A failure shows the text around the secret."""
    for text in texts:
        for secret in secrets:
            assert secret not in text, text[max(0, text.index(secret) - 300) :][:600]


class TestConnectionAndPendingUpload:
    def test_repr_omits_secrets(self):
        assert repr(CONNECTION) == str(CONNECTION) == f"Connection(expires_at={EXPIRY!r})"
        assert repr(PENDING_UPLOAD) == (
            f"PendingUpload(attachment_id='att-1', expires_at={EXPIRY!r})"
        )

    def test_pickle_keeps_secrets(self):
        for value in (CONNECTION, PENDING_UPLOAD):
            assert pickle.loads(pickle.dumps(value)) == value
        assert CONNECTION.token == TOKEN
        assert PENDING_UPLOAD.url == URL
        assert PENDING_UPLOAD.headers == {"x-amz-meta-a": "hidden"}

    @pytest.mark.parametrize("name", ["token", "expires_at", "unknown"])
    def test_connection_is_immutable(self, name):
        with pytest.raises((AttributeError, TypeError)):
            setattr(CONNECTION, name, "changed")


class TestRegisterLogRedaction:
    @pytest.fixture(autouse=True)
    def debug_logging(self, caplog):
        caplog.set_level(logging.DEBUG)

    def test_request_is_unchanged(self, client, scripted_responses, caplog):
        requests = scripted_responses(
            client, "connectparticipant.CompleteAttachmentUpload", (200, {}, {})
        )
        attach_confirm.confirm(client, "att-1", TOKEN, client_token="my-client-token")
        header = requests[0].headers["X-Amz-Bearer"]
        assert bytes(header) == TOKEN.encode()
        assert_absent([TOKEN], repr(header), repr(requests[0].headers), caplog.text)
        assert "my-client-token" in caplog.text
        assert "<redacted>" in caplog.text

    def test_operation_without_helper_function_is_redacted(
        self, client, scripted_responses, caplog
    ):
        scripted_responses(client, "connectparticipant.DisconnectParticipant", (200, {}, {}))
        client.disconnect_participant(ConnectionToken=TOKEN)
        assert "DisconnectParticipant" in caplog.text
        assert_absent([TOKEN], caplog.text)

    @pytest.mark.parametrize("retry_mode", ["legacy", "standard"])
    def test_view_token_is_redacted(self, tcp_server, caplog, retry_mode):
        """DescribeView has its token in the path of the URL."""
        responses = [b"", b"HTTP/1.1 500 Error\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"]

        def handle(connection):
            # Closing a socket with unread data would reset the connection.
            head = b""
            while b"\r\n\r\n" not in head:
                data = connection.recv(65536)
                if not data:
                    return
                head += data
            if responses:
                connection.sendall(responses.pop(0))
            else:
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
                )

        client = attach_confirm.client(
            "us-west-2",
            endpoint_url=tcp_server(handle),
            config=Config(retries={"mode": retry_mode, "total_max_attempts": 3}),
        )
        client.describe_view(ViewToken=f"{TOKEN}/%?", ConnectionToken="c")
        client.close()
        assert responses == []
        assert "/participant/views/<redacted>" in caplog.text
        assert_absent([TOKEN], caplog.text)

    @pytest.mark.usefixtures("client")
    def test_other_log_records_are_unchanged(self, caplog):
        logging.getLogger("botocore.endpoint").debug("%s", {"a": 1})
        assert caplog.records[-1].args == {"a": 1}

    def test_download_url_is_redacted(self, client, scripted_responses, caplog):
        response = {"Url": URL, "UrlExpiry": "2026-11-22T08:15:46Z", "AttachmentSizeInBytes": 3}
        scripted_responses(client, "connectparticipant.GetAttachment", (200, response, {}))
        assert client.get_attachment(AttachmentId="att-1", ConnectionToken=TOKEN)["Url"] == URL
        assert "GetAttachment" in caplog.text
        assert_absent([SIGNATURE], caplog.text)


LOGGERS = [
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.util.retry",
    "botocore.endpoint",
    "botocore.httpsession",
]


class TestRedactLogs:
    @pytest.fixture
    def log_during_put(self, client, scripted_responses, make_pending_upload, caplog):
        """Return a function that logs during a PUT and returns the log."""
        caplog.set_level(logging.DEBUG)
        scripted_responses(client, "s3.PutObject", 200)

        def log(name, *args, url=URL, **kwargs):
            client.meta.events.register(
                "before-send.s3.PutObject",
                lambda **_: logging.getLogger(name).debug(*args, **kwargs),
                "log",
            )
            attach_confirm.put(client, make_pending_upload(url=url), b"abc")
            client.meta.events.unregister("before-send.s3.PutObject", unique_id="log")
            return caplog.text

        return log

    @pytest.mark.parametrize("name", LOGGERS)
    def test_query_is_redacted_in_message(self, log_during_put, name):
        text = log_during_put(name, '%s "PUT %s" %d', "https://bucket.example:443", URL, 200)
        assert '"PUT https://bucket.example/staging/att-1?<redacted>" 200' in text
        assert "X-Amz" not in text

    @pytest.mark.parametrize("name", LOGGERS)
    def test_query_is_redacted_in_traceback(self, log_during_put, name):
        error = ConnectionError(f"failed to reach {URL}")
        text = log_during_put(name, "failed", exc_info=error)
        assert "ConnectionError: failed to reach https://bucket.example/staging/att-1?" in text
        assert "X-Amz" not in text

    def test_url_without_query_is_unchanged(self, log_during_put):
        url = "https://bucket.example/k"
        assert f"at {url}\n" in log_during_put(LOGGERS[0], "at %s", url, url=url)

    def test_nothing_is_redacted_after_put(self, log_during_put, caplog):
        log_during_put(LOGGERS[0], "during the PUT")
        logging.getLogger(LOGGERS[0]).debug("another library's %s", URL)
        assert f"another library's {URL}" in caplog.text


OPERATIONS = [
    "CreateParticipantConnection",
    "StartAttachmentUpload",
    "CompleteAttachmentUpload",
    "GetTranscript",
]


@pytest.fixture
def read_log():
    """Log as `logging.basicConfig(level=DEBUG)` does, and return a function that reads the log."""
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
    """Return the tokens and signatures of a flow over the loopback server."""
    return [
        http_server.participant_token,
        http_server.connection_token,
        http_server.signature,
        http_server.signature[::-1],
    ]


@pytest.fixture
def assert_no_secrets(read_log, secrets):
    """Return a function that asserts that neither the log nor the texts contain a secret."""

    def check(*texts):
        assert_absent(secrets, read_log(), *texts)

    return check


def run_flow(server, client):
    """Connect, upload and wait. Return the connection and the upload."""
    connection = attach_confirm.connect(client, server.participant_token)
    upload = attach_confirm.upload(client, b"abc", server.connection_token, name="a.txt")
    attach_confirm.wait(client, upload.attachment_id, connection.token, timeout=0)
    return connection, upload


class TestSuccessfulFlow:
    def test_log_has_no_secrets(self, http_server, http_server_client, read_log, secrets):
        values = run_flow(http_server, http_server_client)
        text = read_log()
        for operation in OPERATIONS:
            assert f"OperationModel(name={operation})" in text
        assert "urllib3.connectionpool" in text
        assert '"PUT /staging/att-1?<redacted>' in text
        assert "Response body" in text
        assert_absent(secrets, text, repr(values), str(values))

    def test_boto3_client_logs_tokens(self, http_server, read_log, secrets):
        """This test shows that the other tests would detect a leak."""
        client = boto3.client(
            "connectparticipant",
            region_name="us-west-2",
            endpoint_url=http_server.url,
            aws_access_key_id="a",
            aws_secret_access_key="b",
        )
        run_flow(http_server, client)
        client.close()
        text = read_log()
        assert all(secret in text for secret in secrets)
        assert '"PUT /staging/att-1?<redacted>' in text

    def test_fake_has_no_secrets_in_log_and_reprs(self, fake, read_log):
        participant_token = fake.participant_token()
        connection = attach_confirm.connect(fake.client, participant_token)
        pending_upload = attach_confirm.start(
            fake.client,
            name="a.txt",
            size=3,
            content_type="text/plain",
            connection_token=connection.token,
        )
        attach_confirm.put(fake.client, pending_upload, b"abc")
        attach_confirm.confirm(fake.client, pending_upload.attachment_id, connection.token)
        attach_confirm.wait(fake.client, pending_upload.attachment_id, connection.token)
        signature = pending_upload.url.split("X-Amz-Signature=")[1]
        assert len(signature) >= 64
        assert_absent(
            [participant_token, connection.token, signature],
            read_log(),
            repr([connection, pending_upload, fake.attachments, fake, fake.client]),
        )

    @pytest.mark.parametrize("is_upload", [True, False])
    def test_objects_in_tracebacks_have_no_token(self, fake, is_upload):
        """Error trackers and debuggers print the `repr` of each frame's variables."""
        token = fake.connection_token()
        reprs = []

        def callback(_):
            frame = inspect.currentframe()
            while frame := frame.f_back:
                if frame.f_globals["__name__"].startswith("attach_confirm."):
                    reprs.append(repr(frame.f_locals.get("self")))

        sent = attach_confirm.upload(
            fake.client, b"abc", token, name="a.txt", callback=callback if is_upload else None
        )
        attach_confirm.wait(fake.client, sent.attachment_id, token)
        if not is_upload:
            attach_confirm.download(
                fake.client, sent.attachment_id, token, io.BytesIO(), callback=callback
            )
        assert len(set(reprs)) > 1
        assert token not in "".join(reprs)

    def test_malformed_response_header_is_logged_redacted(
        self, tcp_server, make_pending_upload, read_log
    ):
        """urllib3 logs the URL at the level WARNING."""

        def handle(connection):
            connection.recv(65536)
            connection.sendall(b'HTTP/1.1 200 OK\r\nETag: "1"\r\nno colon\r\nA: b\r\n\r\n')

        url = tcp_server(handle)
        client = attach_confirm.client("us-west-2", endpoint_url=url)
        pending_upload = make_pending_upload(url=f"{url}/k?X-Amz-Signature={SIGNATURE}", lifetime=0)
        with contextlib.suppress(BotoCoreError):
            attach_confirm.put(client, pending_upload, b"abc")
        assert "Failed to parse headers" in read_log()
        assert_absent([SIGNATURE], read_log())

    @pytest.mark.parametrize("character", ["%2f", "|", "\u00e9"])
    def test_normalized_query_is_redacted(
        self, http_server, http_server_client, read_log, character
    ):
        """urllib3 logs a normalized URL, which differs from the presigned URL."""
        expiry = datetime.now(timezone.utc) + timedelta(seconds=300)
        url = f"{http_server.url}/k?X-Amz-Credential=a{character}b&X-Amz-Signature={SIGNATURE}"
        pending_upload = PendingUpload("att-1", url, {"Content-Length": "3"}, expiry)
        attach_confirm.put(http_server_client, pending_upload, b"abc")
        assert f"X-Amz-Signature={SIGNATURE}" in http_server.requests[0].path
        assert '"PUT /k?' in read_log()
        assert_absent([SIGNATURE], read_log())

    def test_concurrent_puts_are_redacted(self, http_server, http_server_client, read_log, secrets):
        with ThreadPoolExecutor(4) as pool:
            uploads = [
                pool.submit(
                    attach_confirm.upload,
                    http_server_client,
                    bytes(200_000),
                    http_server.connection_token,
                    name="a.txt",
                )
                for _ in range(8)
            ]
        assert all(upload.result().attempts == 1 for upload in uploads)
        assert read_log().count('"PUT /staging/att-1?<redacted>') == 8
        assert_absent(secrets, read_log())


def error_texts(error):
    """Return all texts of an error, its attributes, and the errors that it was raised from."""
    texts = ["".join(traceback.format_exception(error))]
    visited_ids = set()
    pending_errors = [error]
    while pending_errors:
        current = pending_errors.pop()
        if current is not None and id(current) not in visited_ids:
            visited_ids.add(id(current))
            texts += [str(current), repr(current), repr(current.args), repr(vars(current))]
            pending_errors += [current.__cause__, current.__context__]
    return texts


CONFLICT = (409, b"{}", {"x-amzn-ErrorType": "ConflictException"})


class TestFailedFlow:
    @pytest.mark.parametrize(
        "response",
        [
            (403, b'{"Message": "Access denied"}', {"x-amzn-ErrorType": "AccessDeniedException"}),
            (403, b'{"message": "explicit deny"}', {}),
            CONFLICT,
            (500, b"", {}),
            (200, b"<html>Log in</html>", {"Content-Type": "text/html"}),
            (200, b"{", {}),
            (302, b"", {"Location": "http://127.0.0.1:1/login"}),
            ReadTimeoutError(endpoint_url="http://participant.example"),
        ],
        ids=["denied", "gateway", "conflict", "500", "portal", "truncated", "redirect", "timeout"],
    )
    def test_service_error_has_no_secrets(
        self, http_server, http_server_client, scripted_responses, assert_no_secrets, response
    ):
        for operation in OPERATIONS:
            event = f"connectparticipant.{operation}"
            scripted_responses(http_server_client, event, response)
            # `upload` resolves a conflict.
            if operation == "CompleteAttachmentUpload" and response == CONFLICT:
                run_flow(http_server, http_server_client)
            else:
                with pytest.raises((ClientError, BotoCoreError, AttachConfirmError)) as raised:
                    run_flow(http_server, http_server_client)
                assert_no_secrets(*error_texts(raised.value))
            scripted_responses(http_server_client, event, None)
        assert_no_secrets()

    @pytest.mark.parametrize(
        "response",
        [
            "reset",
            (403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>", {}),
            (403, b"<Error><Code>AccessDenied</Code><Expires>x</Expires></Error>", {}),
            (307, b"", {"Location": "http://127.0.0.1:1/"}),
        ],
        ids=["reset", "mismatch", "expired", "redirect"],
    )
    def test_put_error_has_no_secrets(
        self, http_server, http_server_client, assert_no_secrets, response
    ):
        now = datetime.now(timezone.utc)
        pending_upload = PendingUpload("att-1", http_server.upload_url(), {}, now)
        http_server.puts.append(response)
        with pytest.raises((BotoCoreError, AttachConfirmError)) as raised:
            attach_confirm.put(http_server_client, pending_upload, bytes(100_000))
        assert_no_secrets(*error_texts(raised.value))

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
    def test_unusable_url_or_header_has_no_secrets(
        self, http_server, http_server_client, read_log, url, headers
    ):
        pending_upload = PendingUpload(
            "att-1",
            f"{url.format(url=http_server.url)}/k?X-Amz-Signature={SIGNATURE}",
            headers,
            datetime.now(timezone.utc),
        )
        with pytest.raises((BotoCoreError, AttachConfirmError)) as raised:
            attach_confirm.put(http_server_client, pending_upload, b"abc")
        assert_absent([SIGNATURE], read_log(), *error_texts(raised.value))

    def test_token_with_newline_is_not_sent(self, http_server, http_server_client, read_log):
        """Without the check, botocore would raise an error that contains the token."""
        with pytest.raises(AttachConfirmError) as raised:
            attach_confirm.upload(http_server_client, b"abc", f"{TOKEN}\n", name="a.txt")
        assert_absent([TOKEN], read_log(), *error_texts(raised.value))
        assert http_server.requests == []

    def test_token_with_newline_in_direct_call(self, http_server_client, read_log):
        with pytest.raises(BotoCoreError) as raised:
            http_server_client.disconnect_participant(ConnectionToken=f"{TOKEN}\n")
        assert_absent([TOKEN], read_log(), *error_texts(raised.value))
