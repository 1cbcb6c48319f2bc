"""The PUT on a real connection: bytes, headers, proxies, certificates, broken lines."""

import io
import os
import ssl

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ConnectionClosedError,
    EndpointConnectionError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.session import Session

import attach_confirm
from attach_confirm import Action, PutFailedError, advise


@pytest.fixture
def pending(http_server, pending):
    """Return a maker of pending uploads to the server on this machine."""

    def make(url=None, **changed):
        return pending(url=url or http_server.upload_url(), **changed)

    return make


class TestBytes:
    """What arrives."""

    def test_the_request(self, http_server, http_server_client, pending):
        """The server gets a PUT of the path and the query as they were given."""
        attach_confirm.put(http_server_client, pending(), b"abc")
        (request,) = http_server.requests
        assert request.method == "PUT"
        assert request.path == http_server.upload_url().removeprefix(http_server.url)
        assert request.body == b"abc"

    def test_headers(self, http_server, http_server_client, pending):
        """The server gets every header as it was given, and of ours only what S3 ignores."""
        wanted = {
            "x-amz-meta-contact_id": "3dff5a86",
            "Content-Disposition": 'attachment; filename="M\u00e4rz \u65e5\u672c.pdf"',
            "Content-Type": "application/pdf",
            "X-Amz-Unheard-Of": "1",
        }
        attach_confirm.put(http_server_client, pending(**wanted), b"abc")
        found = dict(http_server.requests[0].headers)
        assert len(found) == len(http_server.requests[0].headers)
        for name, value in wanted.items():
            assert found.pop(name) == value.encode()
        assert found.pop("Content-Length") == b"3"
        assert found.keys() <= {"Host", "Accept-Encoding", "User-Agent"}

    @pytest.mark.parametrize("size", [1, 16 * 1024, 16 * 1024 + 1, 1024 * 1024])
    def test_sizes(self, http_server, http_server_client, pending, size):
        """As many bytes as were announced arrive, in their order, under their length."""
        data = os.urandom(size)
        attach_confirm.put(http_server_client, pending(size=size), data)
        (request,) = http_server.requests
        assert request.body == data
        names = [name.lower() for name, _ in request.headers]
        assert names.count("content-length") == 1
        assert "transfer-encoding" not in names

    def test_a_stream_that_cannot_seek(self, http_server, http_server_client):
        """A pipe goes through the whole flow, announced with its own length."""
        reading, writing = os.pipe()
        data = os.urandom(50_000)
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(data)
        with os.fdopen(reading, "rb") as pipe:
            sent = attach_confirm.upload(http_server_client, pipe, "token", name="a.mp4")
        assert sent.size == len(data)
        (put,) = (request for request in http_server.requests if request.method == "PUT")
        assert put.body == data

    def test_the_whole_flow(self, http_server, http_server_client, tmp_path):
        """Connect, upload and wait, over a real connection."""
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


class TestAnswers:
    """What the server does about it."""

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_redirects(self, http_server, http_server_client, pending, status):
        """A redirect is told, and neither bytes nor signed headers go where it points."""
        http_server.puts.append((status, b"", {"Location": f"{http_server.url}/elsewhere"}))
        with pytest.raises(PutFailedError) as raised:
            attach_confirm.put(http_server_client, pending(), b"abc")
        assert raised.value.status_code == status
        assert len(http_server.requests) == 1

    def test_cut_half_way(self, http_server, http_server_client, pending, sleeps):
        """A connection that is cut half-way is made again, and the file sent from its start."""
        heard = []
        data = os.urandom(4 * 1024 * 1024)
        http_server.puts.append("reset")
        attach_confirm.put(
            http_server_client,
            pending(size=len(data)),
            io.BytesIO(data),
            callback=heard.append,
        )
        assert http_server.requests[-1].body == data
        assert len(http_server.requests) == 2
        assert len(sleeps) == 1
        assert sum(heard) == len(data)
        assert [count for count in heard if count < 0] == [-sum(heard[: heard.index(min(heard))])]

    def test_cut_again_and_again(self, http_server, http_server_client, pending):
        """Once the URL's time is up, the broken connection is what is raised."""
        http_server.puts.append("reset")
        with pytest.raises(ConnectionClosedError) as raised:
            attach_confirm.put(
                http_server_client, pending(size=100_000, lifetime=0), bytes(100_000)
            )
        assert advise(raised.value).action is Action.RETRY

    def test_a_busy_server(self, http_server, http_server_client, pending):
        """A 503 with a body is read to its end, and the file sent again."""
        http_server.puts.extend([(503, b"<Error><Code>SlowDown</Code></Error>", {}), 500])
        attach_confirm.put(http_server_client, pending(), b"abc")
        assert [request.body for request in http_server.requests] == [b"abc"] * 3

    def test_nobody_there(self, http_server_client, pending):
        """A server that is not there is botocore's own error, without the query."""
        with pytest.raises(EndpointConnectionError) as raised:
            attach_confirm.put(
                http_server_client,
                pending(url="http://127.0.0.1:1/k?X-Amz-Signature=5eed", lifetime=0),
                b"abc",
            )
        assert "http://127.0.0.1:1/k" in str(raised.value)
        assert "5eed" not in str(raised.value)

    def test_a_callback_that_raises(self, http_server, http_server_client, pending):
        """What the callback raises comes out of the HTTP layer as it was raised."""
        stop = RuntimeError("stop")

        def callback(_):
            raise stop

        with pytest.raises(RuntimeError) as raised:
            attach_confirm.put(http_server_client, pending(), b"abc", callback=callback)
        assert raised.value is stop
        assert [request.length for request in http_server.requests] in ([], [0])


class TestProxies:
    """The client's way out."""

    FAR = "http://bucket.example/k?X-Amz-Signature=5eed"

    def test_of_the_config(self, http_server, pending):
        """The proxy of the client's config is used for the PUT too."""
        client = attach_confirm.client(
            "us-west-2",
            endpoint_url="http://participant.example",
            config=Config(proxies={"http": http_server.url}),
        )
        attach_confirm.put(client, pending(url=self.FAR), b"abc")
        assert http_server.requests[0].path == self.FAR
        assert http_server.requests[0].body == b"abc"

    @pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY"])
    def test_of_the_environment(
        self, monkeypatch, http_server, http_server_client, pending, variable
    ):
        """The environment's proxy is used where the config has none."""
        monkeypatch.setenv(variable, http_server.url)
        attach_confirm.put(http_server_client, pending(url=self.FAR), b"abc")
        assert http_server.requests[0].path == self.FAR

    @pytest.mark.parametrize("exempt", ["127.0.0.1", "*"])
    def test_no_proxy(self, monkeypatch, http_server, http_server_client, pending, exempt):
        """A host that NO_PROXY exempts is reached directly."""
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("NO_PROXY", exempt)
        attach_confirm.put(http_server_client, pending(), b"abc")
        assert http_server.requests[0].path.startswith("/staging/")

    def test_the_config_before_the_environment(self, monkeypatch, start_server, pending):
        """The config's proxies count alone, even none at all."""
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        server = start_server()
        client = attach_confirm.client(
            "us-west-2", endpoint_url=server.url, config=Config(proxies={})
        )
        attach_confirm.put(client, pending(url=f"{server.url}/k"), b"abc")
        assert len(server.requests) == 1

    def test_a_proxy_that_is_not_there(self, monkeypatch, http_server_client, pending):
        """A proxy that does not answer is told as the proxy's trouble, without the query."""
        monkeypatch.setenv("HTTP_PROXY", "http://user:passw0rd@127.0.0.1:1")
        with pytest.raises(ProxyConnectionError) as raised:
            attach_confirm.put(http_server_client, pending(url=self.FAR, lifetime=0), b"abc")
        assert "5eed" not in str(raised.value)
        assert "passw0rd" not in str(raised.value)


class TestCertificates:
    """Whom the client trusts."""

    @pytest.fixture
    def sends(self, https_server):
        """Return a way to send with a client made so, over the API and the PUT alike."""

        def send(**options):
            client = attach_confirm.client("us-west-2", endpoint_url=https_server.url, **options)
            try:
                attach_confirm.upload(client, b"abc", "token", name="a.txt")
            finally:
                client.close()
            return [request.method for request in https_server.requests]

        return send

    def test_mistrusted(self, https_server, pending):
        """A certificate of nobody's is not trusted, and the PUT not sent, nor tried again."""
        client = attach_confirm.client("us-west-2", endpoint_url=https_server.url)
        with pytest.raises(SSLError) as raised:
            attach_confirm.put(client, pending(url=https_server.upload_url()), b"abc")
        assert https_server.requests == []
        assert https_server.signature not in str(raised.value)
        assert advise(raised.value).action is Action.FIX

    def test_verify(self, sends, certificates):
        """The bundle that the client was given counts for the PUT too."""
        assert sends(verify=certificates.bundle) == ["POST", "PUT", "POST"]

    @pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
    def test_of_the_environment(self, monkeypatch, sends, certificates, variable):
        """The environment's bundle counts."""
        monkeypatch.setenv(variable, certificates.bundle)
        assert sends(session=boto3.Session()) == ["POST", "PUT", "POST"]

    @pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
    def test_verify_before_the_environment(
        self, monkeypatch, sends, certificates, variable, tmp_path
    ):
        """What the client was given counts more than the environment."""
        empty = tmp_path / "empty.pem"
        empty.touch()
        monkeypatch.setenv(variable, str(empty))
        assert sends(verify=certificates.bundle) == ["POST", "PUT", "POST"]

    def test_aws_before_requests(self, monkeypatch, sends, certificates, tmp_path):
        """AWS's own variable counts more than the other, as for every boto3 client."""
        monkeypatch.setenv("AWS_CA_BUNDLE", certificates.bundle)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
        assert sends(session=boto3.Session()) == ["POST", "PUT", "POST"]

    @pytest.fixture
    def corporate(self, monkeypatch, tmp_path, certificates):
        """Write a profile with a bundle."""
        path = tmp_path / "config"
        path.write_text(f"[profile corp]\nca_bundle = {certificates.bundle}\nregion = us-west-2\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(path))

    @pytest.mark.usefixtures("corporate")
    def test_of_the_sessions_profile(self, sends):
        """The bundle of the session's profile counts."""
        assert sends(session=boto3.Session(profile_name="corp")) == ["POST", "PUT", "POST"]

    @pytest.mark.usefixtures("corporate")
    def test_of_the_environments_profile(self, monkeypatch, sends):
        """So does that of the profile which the environment names."""
        monkeypatch.setenv("AWS_PROFILE", "corp")
        assert sends(session=boto3.Session()) == ["POST", "PUT", "POST"]

    @pytest.mark.usefixtures("corporate")
    def test_of_the_default_sessions_profile(self, monkeypatch, sends):
        """And that of the default session's, where a program set one up."""
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", boto3.Session(profile_name="corp"))
        assert sends() == ["POST", "PUT", "POST"]

    def test_of_a_sessions_own_making(self, https_server, certificates):
        """A bundle that a program set on the session itself counts for the API as ever."""
        inner = Session()
        inner.set_config_variable("ca_bundle", certificates.bundle)
        session = boto3.Session(botocore_session=inner, region_name="us-west-2")
        client = attach_confirm.client(session=session, endpoint_url=https_server.url)
        assert attach_confirm.confirm(client, "att-1", "token").attempts == 1
        client.close()

    @pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
    def test_no_verification(self, monkeypatch, sends, tmp_path):
        """A caller who wants no verification gets none, whatever the environment says."""
        monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "missing.pem"))
        assert sends(verify=False) == ["POST", "PUT", "POST"]

    def test_a_client_that_boto3_made(self, monkeypatch, https_server, pending, certificates):
        """A client that boto3 made takes the environment's bundle for the PUT."""
        monkeypatch.setenv("AWS_CA_BUNDLE", certificates.bundle)
        plain = boto3.client(
            "connectparticipant", region_name="us-west-2", endpoint_url=https_server.url
        )
        attach_confirm.put(plain, pending(url=https_server.upload_url()), b"abc")
        assert [request.method for request in https_server.requests] == ["PUT"]

    def test_a_proxy_with_tls(self, https_server, pending, certificates):
        """What the config says about trusting a proxy counts for the PUT too."""
        config = Config(
            proxies={"http": https_server.url},
            proxies_config={"proxy_ca_bundle": certificates.bundle},
        )
        client = attach_confirm.client(
            "us-west-2", endpoint_url="http://participant.example", config=config
        )
        attach_confirm.put(client, pending(url=TestProxies.FAR), b"abc")
        assert https_server.requests[0].path == TestProxies.FAR

    def test_a_clients_certificate(self, start_server, certificates):
        """The certificate that the client shows the service, it shows for the PUT too."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.server)
        context.load_verify_locations(certificates.bundle)
        context.verify_mode = ssl.CERT_REQUIRED
        server = start_server(context)
        client = attach_confirm.client(
            "us-west-2",
            endpoint_url=server.url,
            verify=certificates.bundle,
            config=Config(client_cert=certificates.client),
        )
        attach_confirm.upload(client, b"abc", "token", name="a.txt")
        client.close()
        assert [request.method for request in server.requests] == ["POST", "PUT", "POST"]


def test_a_server_that_says_nothing(http_server, pending):
    """The client's read timeout ends a PUT that is never answered."""
    config = Config(read_timeout=0.2)
    client = attach_confirm.client("us-west-2", endpoint_url=http_server.url, config=config)
    http_server.puts.append("silence")
    with pytest.raises(ReadTimeoutError) as raised:
        attach_confirm.put(client, pending(lifetime=0), b"abc")
    assert http_server.signature not in str(raised.value)
