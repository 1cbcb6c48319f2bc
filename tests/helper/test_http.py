import io
import json
import os
import select
import socket
import ssl
from contextlib import ExitStack
from threading import Event

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.session import Session

import attach_confirm
from attach_confirm import Action, PutFailedError, advise
from attach_confirm_stubs import serve_connectparticipant

TOKEN = "connection-token-" + "c0ffee" * 8
FLOW = ["POST", "PUT", "POST"]


@pytest.fixture
def make_pending_upload(http_server, make_pending_upload):
    """Return a function that creates pending uploads to the loopback server."""

    def make(url=None, **kwargs):
        return make_pending_upload(url=url or http_server.upload_url(), **kwargs)

    return make


@pytest.fixture
def short_timeout_client():
    """Return a function that creates a client with a short read timeout and a single attempt."""
    options = {"connect_timeout": 5, "read_timeout": 0.3, "retries": {"total_max_attempts": 1}}
    with ExitStack() as stack:

        def create(url, **more_options):
            client = attach_confirm.client(
                "us-west-2", endpoint_url=url, config=Config(**options, **more_options)
            )
            stack.callback(client.close)
            return client

        yield create


def read_request(connection):
    """Read a whole request, and return its headers."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536) or b"\r\n\r\n"
    headers, _, body = received.partition(b"\r\n\r\n")
    for line in headers.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            remaining = int(line.split(b":")[1]) - len(body)
            while remaining > 0:
                remaining -= len(connection.recv(65536)) or remaining
    return headers


def never_respond(connection):
    read_request(connection)
    connection.recv(1)


def close_without_response(connection):
    read_request(connection)


class TestPutRequest:
    def test_path_query_and_body_are_unchanged(
        self, http_server, http_server_client, make_pending_upload
    ):
        attach_confirm.put(http_server_client, make_pending_upload(), b"abc")
        (request,) = http_server.requests
        assert request.method == "PUT"
        assert request.path == http_server.upload_url().removeprefix(http_server.url)
        assert request.body == b"abc"

    def test_headers_are_unchanged(self, http_server, http_server_client, make_pending_upload):
        """The client adds only headers that S3 does not sign."""
        headers = {
            "x-amz-meta-contact_id": "3dff5a86",
            "Content-Disposition": 'attachment; filename="M\u00e4rz \u65e5\u672c.pdf"',
            "Content-Type": "application/pdf",
            "X-Amz-Unknown": "1",
        }
        attach_confirm.put(http_server_client, make_pending_upload(**headers), b"abc")
        received = dict(http_server.requests[0].headers)
        assert len(received) == len(http_server.requests[0].headers)
        for name, value in headers.items():
            assert received.pop(name) == value.encode()
        assert received.pop("Content-Length") == b"3"
        assert received.keys() <= {"Host", "Accept-Encoding", "User-Agent", "Expect"}

    @pytest.mark.parametrize("size", [1, 16 * 1024, 16 * 1024 + 1, 1024 * 1024])
    def test_body_has_declared_length(
        self, http_server, http_server_client, make_pending_upload, size
    ):
        data = os.urandom(size)
        attach_confirm.put(http_server_client, make_pending_upload(size=size), data)
        (request,) = http_server.requests
        assert request.body == data
        names = [name.lower() for name, _ in request.headers]
        assert names.count("content-length") == 1
        assert "transfer-encoding" not in names

    def test_connect_upload_wait_requests(self, http_server, http_server_client, tmp_path):
        path = tmp_path / "receipt.pdf"
        path.write_bytes(b"%PDF-1.7")
        connection = attach_confirm.connect(http_server_client, "participant")
        sent = attach_confirm.upload(http_server_client, path, connection.token)
        assert attach_confirm.wait(http_server_client, sent.attachment_id, connection.token)
        assert [request.path.split("?")[0] for request in http_server.requests] == [
            "/participant/connection",
            "/participant/start-attachment-upload",
            "/staging/att-1",
            "/participant/complete-attachment-upload",
            "/participant/transcript",
        ]


class TestPutResponse:
    @pytest.mark.parametrize("status_code", [301, 302, 303, 307, 308])
    def test_redirect_is_not_followed(
        self, http_server, http_server_client, make_pending_upload, status_code
    ):
        location = f"{http_server.url}/elsewhere"
        http_server.puts.append((status_code, b"", {"Location": location}))
        with pytest.raises(PutFailedError) as raised:
            attach_confirm.put(http_server_client, make_pending_upload(), b"abc")
        assert raised.value.status_code == status_code
        assert len(http_server.requests) == 1

    def test_retries_after_connection_reset(
        self, http_server, http_server_client, make_pending_upload, sleeps
    ):
        counts = []
        data = os.urandom(4 * 1024 * 1024)
        http_server.puts.append("reset")
        attach_confirm.put(
            http_server_client,
            make_pending_upload(size=len(data)),
            io.BytesIO(data),
            callback=counts.append,
        )
        assert http_server.requests[-1].body == data
        assert len(http_server.requests) == 2
        assert len(sleeps) == 1
        assert sum(counts) == len(data)
        (negative,) = [count for count in counts if count < 0]
        assert negative == -sum(counts[: counts.index(negative)])

    def test_connection_reset_after_expiry(
        self, http_server, http_server_client, make_pending_upload
    ):
        http_server.puts.append("reset")
        with pytest.raises(ConnectionClosedError) as raised:
            attach_confirm.put(
                http_server_client, make_pending_upload(size=100_000, lifetime=0), bytes(100_000)
            )
        assert advise(raised.value).action is Action.RETRY

    def test_retries_after_5xx(self, http_server, http_server_client, make_pending_upload):
        http_server.puts.extend([(503, b"<Error><Code>SlowDown</Code></Error>", {}), 500])
        attach_confirm.put(http_server_client, make_pending_upload(), b"abc")
        assert [request.body for request in http_server.requests] == [b"abc"] * 3

    def test_callback_exception_propagates(
        self, http_server, http_server_client, make_pending_upload
    ):
        """Without the helper, botocore would wrap the exception in its own."""
        error = RuntimeError("stop")

        def callback(_):
            raise error

        with pytest.raises(RuntimeError) as raised:
            attach_confirm.put(http_server_client, make_pending_upload(), b"abc", callback=callback)
        assert raised.value is error
        assert [request.length for request in http_server.requests] in ([], [0])


CALLS = [
    pytest.param(lambda client, _: attach_confirm.confirm(client, "att-1", TOKEN), id="confirm"),
    pytest.param(
        lambda client, pending_upload: attach_confirm.put(client, pending_upload, b"abc"), id="put"
    ),
]


@pytest.mark.parametrize("call", CALLS)
class TestConnectionError:
    def test_response_is_not_received(
        self, tcp_server, short_timeout_client, make_pending_upload, call
    ):
        for handle, error in (
            (never_respond, ReadTimeoutError),
            (close_without_response, ConnectionClosedError),
        ):
            url = tcp_server(handle)
            pending_upload = make_pending_upload(url=f"{url}/k?X-Amz-Signature=5eed", lifetime=0)
            with pytest.raises(error) as raised:
                call(short_timeout_client(url), pending_upload)
            assert "5eed" not in str(raised.value)
            assert TOKEN not in str(raised.value)
            assert advise(raised.value).action is Action.RETRY

    def test_connection_refused_raises(self, short_timeout_client, make_pending_upload, call):
        with socket.create_server(("127.0.0.1", 0)) as unused:
            url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        pending_upload = make_pending_upload(url=f"{url}/k?X-Amz-Signature=5eed", lifetime=0)
        with pytest.raises(EndpointConnectionError) as raised:
            call(short_timeout_client(url), pending_upload)
        assert url in str(raised.value)
        assert "5eed" not in str(raised.value)
        assert advise(raised.value).action is Action.RETRY


class TestApiResponse:
    @pytest.mark.parametrize("body", [b"", b"{", b'{"Transcript": []}'])
    @pytest.mark.parametrize("call", [attach_confirm.confirm, attach_confirm.status])
    def test_truncated_response_raises(self, tcp_server, short_timeout_client, call, body):
        """With old releases of botocore, urllib3 raises a connection error instead."""

        def handle(connection):
            read_request(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + body)

        with pytest.raises(
            (attach_confirm.UnexpectedResponseError, ConnectionClosedError)
        ) as raised:
            call(short_timeout_client(tcp_server(handle)), "att-1", TOKEN)
        if isinstance(raised.value, attach_confirm.UnexpectedResponseError):
            assert raised.value.reason == f"the body ended after {len(body)} of 100 bytes"
        assert advise(raised.value).action is Action.RETRY

    def test_redirect_is_not_followed(self, tcp_server, short_timeout_client):
        """Following the redirect would send the token to another host."""

        def handle(connection):
            read_request(connection)
            connection.sendall(
                b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\n"
                b"Content-Length: 0\r\nConnection: close\r\n\r\n"
            )

        with pytest.raises(ClientError) as raised:
            attach_confirm.confirm(short_timeout_client(tcp_server(handle)), "att-1", TOKEN)
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 307
        assert advise(raised.value).action is Action.FIX

    def test_slow_response_does_not_time_out(self, tcp_server, short_timeout_client):
        """The read timeout limits the time between two bytes, not the whole response."""
        body = json.dumps({"Transcript": [], "InitialContactId": "c" * 30}).encode()

        def handle(connection):
            read_request(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
            connection.sendall(b"Content-Length: %d\r\n\r\n" % len(body))
            for byte in body:
                Event().wait(0.01)
                connection.sendall(bytes([byte]))

        client = short_timeout_client(tcp_server(handle))
        assert attach_confirm.status(client, "att-1", TOKEN) is None


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="the machine has no IPv6 loopback")
def test_ipv6_endpoint_is_used():
    with serve_connectparticipant("::1") as fake:
        assert "[::1]" in fake.endpoint_url
        sent = attach_confirm.upload(fake.client, b"1", fake.connection_token(), name="a.txt")
        assert [a.attachment_id for a in fake.attachments] == [sent.attachment_id]


REMOTE_URL = "http://bucket.example/k?X-Amz-Signature=5eed"


class TestProxy:
    def test_proxy_from_config_is_used(self, http_server, make_pending_upload):
        client = attach_confirm.client(
            "us-west-2",
            endpoint_url="http://participant.example",
            config=Config(proxies={"http": http_server.url}),
        )
        attach_confirm.put(client, make_pending_upload(url=REMOTE_URL), b"abc")
        assert http_server.requests[0].path == REMOTE_URL
        assert http_server.requests[0].body == b"abc"

    @pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY"])
    def test_proxy_from_environment_is_used(
        self, monkeypatch, http_server, http_server_client, make_pending_upload, variable
    ):
        monkeypatch.setenv(variable, http_server.url)
        attach_confirm.put(http_server_client, make_pending_upload(url=REMOTE_URL), b"abc")
        assert http_server.requests[0].path == REMOTE_URL

    @pytest.mark.parametrize("no_proxy", ["127.0.0.1", "*"])
    def test_no_proxy_disables_proxy(
        self, monkeypatch, http_server, http_server_client, make_pending_upload, no_proxy
    ):
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("NO_PROXY", no_proxy)
        attach_confirm.put(http_server_client, make_pending_upload(), b"abc")
        assert http_server.requests[0].path.startswith("/staging/")

    def test_config_proxies_override_environment(
        self, monkeypatch, http_server, make_pending_upload
    ):
        """An empty dict in the config disables proxies."""
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        client = attach_confirm.client(
            "us-west-2", endpoint_url=http_server.url, config=Config(proxies={})
        )
        attach_confirm.put(client, make_pending_upload(), b"abc")
        assert len(http_server.requests) == 1

    def test_unreachable_proxy_raises(self, monkeypatch, http_server_client, make_pending_upload):
        monkeypatch.setenv("HTTP_PROXY", "http://user:passw0rd@127.0.0.1:1")
        with pytest.raises(ProxyConnectionError) as raised:
            attach_confirm.put(
                http_server_client, make_pending_upload(url=REMOTE_URL, lifetime=0), b"abc"
            )
        assert "Connection refused" in str(raised.value)
        assert "5eed" not in str(raised.value)
        assert "passw0rd" not in str(raised.value)

    def test_proxy_that_requires_authentication_raises(self, tcp_server, short_timeout_client):
        def handle(connection):
            read_request(connection)
            connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

        client = short_timeout_client(
            "https://participant.example", proxies={"https": tcp_server(handle)}
        )
        with pytest.raises(ProxyConnectionError):
            attach_confirm.confirm(client, "att-1", TOKEN)


@pytest.fixture
def start_tunnel(tcp_server):
    """Return a function that starts an HTTP proxy which tunnels every CONNECT to one server."""
    request_lines = []

    def start(server_url):
        host, port = server_url.removeprefix("https://").split(":")

        def handle(connection):
            request_lines.append(read_request(connection).split(b"\r\n")[0].decode())
            with socket.create_connection((host, int(port))) as upstream:
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                peers = {connection: upstream, upstream: connection}
                while True:
                    for source in select.select(list(peers), [], [], 20)[0]:
                        data = source.recv(65536)
                        if not data:
                            return
                        peers[source].sendall(data)

        return tcp_server(handle), request_lines

    return start


class TestTunnel:
    """HTTPS through a proxy: the API calls and the PUT verify the server's certificate."""

    @staticmethod
    def upload(server, **kwargs):
        client = attach_confirm.client("us-west-2", endpoint_url=server.url, **kwargs)
        attach_confirm.upload(client, b"abc", TOKEN, name="a.txt")
        client.close()
        assert [request.method for request in server.requests] == FLOW

    def test_proxy_from_config_is_used(self, https_server, certificates, start_tunnel):
        proxy, request_lines = start_tunnel(https_server.url)
        config = Config(proxies={"https": proxy})
        self.upload(https_server, verify=certificates.bundle, config=config)
        address = https_server.url.removeprefix("https://")
        assert [line.rpartition(" ")[0] for line in request_lines] == [f"CONNECT {address}"] * 3

    def test_proxy_from_environment_is_used(
        self, monkeypatch, https_server, certificates, start_tunnel
    ):
        proxy, request_lines = start_tunnel(https_server.url)
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        monkeypatch.setenv("AWS_CA_BUNDLE", certificates.bundle)
        self.upload(https_server)
        assert len(request_lines) == 3

    def test_no_proxy_disables_proxy(self, monkeypatch, https_server, certificates):
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        self.upload(https_server, verify=certificates.bundle)


class TestCertificates:
    @pytest.fixture
    def upload_methods(self, https_server):
        """Return a function that uploads with a new client and returns the requests' methods."""

        def run(**kwargs):
            client = attach_confirm.client("us-west-2", endpoint_url=https_server.url, **kwargs)
            try:
                attach_confirm.upload(client, b"abc", "token", name="a.txt")
            finally:
                client.close()
            return [request.method for request in https_server.requests]

        return run

    @pytest.mark.parametrize("call", CALLS)
    def test_untrusted_certificate_raises(self, https_server, make_pending_upload, call):
        client = attach_confirm.client("us-west-2", endpoint_url=https_server.url)
        with pytest.raises(SSLError) as raised:
            call(client, make_pending_upload(url=https_server.upload_url()))
        assert https_server.requests == []
        assert https_server.signature not in str(raised.value)
        assert advise(raised.value).action is Action.FIX

    @pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
    def test_ca_bundle_from_environment(self, monkeypatch, upload_methods, certificates, variable):
        monkeypatch.setenv(variable, certificates.bundle)
        assert upload_methods(session=boto3.Session()) == FLOW

    @pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
    def test_verify_overrides_environment(
        self, monkeypatch, upload_methods, certificates, variable, tmp_path
    ):
        empty_bundle = tmp_path / "empty.pem"
        empty_bundle.touch()
        monkeypatch.setenv(variable, str(empty_bundle))
        assert upload_methods(verify=certificates.bundle) == FLOW

    def test_aws_ca_bundle_overrides_requests_ca_bundle(
        self, monkeypatch, upload_methods, certificates, tmp_path
    ):
        monkeypatch.setenv("AWS_CA_BUNDLE", certificates.bundle)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
        assert upload_methods(session=boto3.Session()) == FLOW

    @pytest.mark.parametrize("selected_by", ["session", "environment", "default session"])
    def test_ca_bundle_from_profile(
        self, monkeypatch, upload_methods, certificates, tmp_path, selected_by
    ):
        path = tmp_path / "config"
        path.write_text(f"[profile corp]\nca_bundle = {certificates.bundle}\nregion = us-west-2\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
        kwargs = {}
        if selected_by == "session":
            kwargs["session"] = boto3.Session(profile_name="corp")
        elif selected_by == "environment":
            monkeypatch.setenv("AWS_PROFILE", "corp")
            kwargs["session"] = boto3.Session()
        else:
            monkeypatch.setattr(boto3, "DEFAULT_SESSION", boto3.Session(profile_name="corp"))
        assert upload_methods(**kwargs) == FLOW

    def test_explicit_default_profile_overrides_environment(
        self, monkeypatch, upload_methods, certificates, tmp_path
    ):
        """boto3 names a session without a profile "default", too."""
        path = tmp_path / "config"
        path.write_text(
            f"[default]\nca_bundle = {certificates.bundle}\nregion = us-west-2\n"
            f"[profile other]\nca_bundle = {tmp_path}/missing.pem\n"
        )
        monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
        monkeypatch.setenv("AWS_PROFILE", "other")
        assert upload_methods(session=boto3.Session(profile_name="default")) == FLOW

    def test_ca_bundle_of_custom_botocore_session(self, https_server, certificates):
        """The bundle applies to the API calls, but boto3 does not expose it to the PUT."""
        botocore_session = Session()
        botocore_session.set_config_variable("ca_bundle", certificates.bundle)
        session = boto3.Session(botocore_session=botocore_session, region_name="us-west-2")
        client = attach_confirm.client(session=session, endpoint_url=https_server.url)
        assert attach_confirm.confirm(client, "att-1", "token").attempts == 1
        client.close()

    @pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
    def test_verify_false_accepts_any_certificate(self, monkeypatch, upload_methods, tmp_path):
        monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "missing.pem"))
        assert upload_methods(verify=False) == FLOW

    def test_client_of_boto3_uses_bundle_from_environment(
        self, monkeypatch, https_server, make_pending_upload, certificates
    ):
        monkeypatch.setenv("AWS_CA_BUNDLE", certificates.bundle)
        client = boto3.client(
            "connectparticipant", region_name="us-west-2", endpoint_url=https_server.url
        )
        attach_confirm.put(client, make_pending_upload(url=https_server.upload_url()), b"abc")
        assert [request.method for request in https_server.requests] == ["PUT"]

    def test_proxy_ca_bundle_is_used(self, https_server, make_pending_upload, certificates):
        config = Config(
            proxies={"http": https_server.url},
            proxies_config={"proxy_ca_bundle": certificates.bundle},
        )
        client = attach_confirm.client(
            "us-west-2", endpoint_url="http://participant.example", config=config
        )
        attach_confirm.put(client, make_pending_upload(url=REMOTE_URL), b"abc")
        assert https_server.requests[0].path == REMOTE_URL

    # botocore passes both contexts as well, and urllib3 does not support only one before 3.0.
    @pytest.mark.filterwarnings("ignore:Passing ssl_context")
    def test_https_request_is_forwarded_by_proxy(
        self, https_server, make_pending_upload, certificates
    ):
        config = Config(
            proxies={"https": https_server.url},
            proxies_config={"proxy_use_forwarding_for_https": True},
        )
        client = attach_confirm.client(
            "us-west-2",
            endpoint_url="https://participant.example",
            config=config,
            verify=certificates.bundle,
        )
        url = "https://bucket.example?X-Amz-Signature=5eed"
        attach_confirm.put(client, make_pending_upload(url=url), b"abc")
        (request,) = https_server.requests
        assert (request.method, request.path) == ("PUT", url)

    @pytest.fixture
    def server_with_client_certificates(self, start_server, certificates):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.server)
        context.load_verify_locations(certificates.bundle)
        context.verify_mode = ssl.CERT_REQUIRED
        return start_server(context)

    def test_client_certificate_is_sent_to_proxy(
        self, server_with_client_certificates, make_pending_upload, certificates
    ):
        server = server_with_client_certificates
        proxies_config = {
            "proxy_ca_bundle": certificates.bundle,
            "proxy_client_cert": (certificates.client, certificates.client),
        }
        client = attach_confirm.client(
            "us-west-2",
            endpoint_url="http://participant.example",
            config=Config(proxies={"http": server.url}, proxies_config=proxies_config),
        )
        attach_confirm.put(client, make_pending_upload(url=REMOTE_URL), b"abc")
        assert server.requests[0].path == REMOTE_URL

    def test_client_certificate_is_sent(self, server_with_client_certificates, certificates):
        server = server_with_client_certificates
        client = attach_confirm.client(
            "us-west-2",
            endpoint_url=server.url,
            verify=certificates.bundle,
            config=Config(client_cert=certificates.client),
        )
        attach_confirm.upload(client, b"abc", "token", name="a.txt")
        client.close()
        assert [request.method for request in server.requests] == FLOW
