"""The fake over HTTPS."""

import http.client
import json
import socket
import ssl
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
import urllib3
from botocore.exceptions import SSLError

import attach_confirm
from attach_confirm_stubs import ConnectionReset, serve_connectparticipant
from attach_confirm_stubs.server import _certificates, _connection
from tests.fake.uploads import start_pending

REGION = "us-east-1"
DATA = bytes(range(256))
UPLOAD = {
    "AttachmentName": "a",
    "AttachmentSizeInBytes": len(DATA),
    "ContentType": "text/plain",
    "ClientToken": "a",
}


@pytest.fixture
def server():
    """Return the handle of a server with TLS."""
    with serve_connectparticipant(tls=True) as server:
        yield server


@pytest.fixture(autouse=True)
def nothing_on_stderr(capfd):
    """Fail the test if the server prints an error."""
    yield
    assert capfd.readouterr().err == ""


def get_address(server):
    """Return the host and the port of a server."""
    url = urlsplit(server.endpoint_url)
    return url.hostname, url.port


def connect(server):
    """Return a socket that is connected to a server, without a handshake."""
    return socket.create_connection(get_address(server), timeout=20)


def connect_tls(server):
    """Return a TLS connection to a server."""
    context = ssl.create_default_context(cafile=server.ca_bundle)
    return context.wrap_socket(connect(server), server_hostname=get_address(server)[0])


def get_certificate(server, name):
    """Return the names and the serial number of the certificate that a client gets for a name."""
    context = ssl.create_default_context(cafile=server.ca_bundle)
    context.check_hostname = False
    with context.wrap_socket(connect(server), server_hostname=name) as connection:
        certificate = connection.getpeercert()
    return {value for _, value in certificate["subjectAltName"]}, certificate["serialNumber"]


def upload(server):
    """Upload a file with the server's client."""
    return attach_confirm.upload(server.client, DATA, server.connection_token(), name="a.bin")


def test_upload_and_download_use_https_urls(server):
    """All URLs that the server returns are https."""
    assert server.endpoint_url.startswith("https://127.0.0.1:")
    token = server.connection_token()
    pending = start_pending(server, token, size=len(DATA))
    assert pending.url.startswith(f"{server.endpoint_url}/amzn-s3-demo-connect-attachments-")
    attach_confirm.put(server.client, pending, DATA)
    attach_confirm.confirm(server.client, pending.attachment_id, token)
    attachment = server.client.get_attachment(
        AttachmentId=pending.attachment_id, ConnectionToken=token
    )
    assert attachment["Url"].startswith(f"{server.endpoint_url}/amzn-s3-demo-connect-attachments-")
    response = requests.get(attachment["Url"], timeout=20, verify=server.ca_bundle)
    assert response.content == DATA


def test_put_stores_large_file(server):
    """The file is larger than one read or write of the server."""
    data = DATA * 12_289
    pending = start_pending(server, server.connection_token(), size=len(data))
    response = requests.put(
        pending.url, data, headers=pending.headers, timeout=20, verify=server.ca_bundle
    )
    assert response.status_code == 200
    assert server.attachments[0].data == data


def test_client_without_ca_bundle_raises_sslerror(server):
    client = attach_confirm.client(REGION, endpoint_url=server.endpoint_url, verify=True)
    with pytest.raises(SSLError):
        attach_confirm.connect(client, server.participant_token())
    client.close()
    upload(server)


def test_certificate_is_valid_for_loopback_names(server):
    context = ssl.create_default_context(cafile=server.ca_bundle)
    for name in ("localhost", "127.0.0.1", "::1"):
        with context.wrap_socket(connect(server), server_hostname=name) as connection:
            assert connection.getpeercert()


@pytest.mark.parametrize("host", ["localhost", "0.0.0.0", "::1"])
def test_certificate_is_valid_for_host(host):
    try:
        with serve_connectparticipant(host, tls=True) as server:
            upload(server)
    except OSError as error:
        pytest.skip(f"cannot bind {host}: {error}")


def test_ca_bundle_is_deleted_after_block():
    with serve_connectparticipant(tls=True) as first:
        text = Path(first.ca_bundle).read_text(encoding="ascii")
        assert text.count("BEGIN CERTIFICATE") == 1
        assert "PRIVATE KEY" not in text
    assert not Path(first.ca_bundle).parent.exists()
    with serve_connectparticipant(tls=True) as second:
        assert Path(second.ca_bundle).read_text(encoding="ascii") != text


def test_ca_certificate_is_available_over_http():
    with serve_connectparticipant() as server:
        response = requests.get(f"{server.endpoint_url}/_fake/ca.pem", timeout=20)
        assert response.headers["content-type"] == "application/x-pem-file"
        assert response.content == Path(server.ca_bundle).read_bytes()


def test_unfinished_handshakes_do_not_block_other_clients(server):
    with ExitStack() as clients:
        for data in (b"", b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"):
            clients.enter_context(connect(server)).sendall(data)
        upload(server)


def test_unfinished_handshake_times_out(server, monkeypatch):
    monkeypatch.setattr(_connection.Connection, "timeout", 0.2)
    with connect(server) as client:
        client.sendall(b"\x16\x03\x01")
        assert client.recv(100) == b""
    upload(server)


@pytest.mark.parametrize("data", [b"\x16 / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16" * 100])
def test_failed_handshake_closes_connection(server, data):
    with connect(server) as client:
        client.sendall(data)
        received = b"".join(iter(lambda: client.recv(1024), b""))
        # A TLS alert at most.
        assert received[:1] in {b"", b"\x15"}
    upload(server)


def test_client_reset_before_handshake_is_ignored(server):
    for _ in range(3):
        client = connect(server)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
    upload(server)


def test_connection_is_kept_alive(server):
    context = ssl.create_default_context(cafile=server.ca_bundle)
    connection = http.client.HTTPSConnection(*get_address(server), timeout=20, context=context)
    connection.connect()
    first_socket = connection.sock
    for _ in range(3):
        connection.request("POST", "/participant/transcript", b"{}", {"X-Amz-Bearer": "no-token"})
        assert connection.getresponse().read() == b'{"Message": "Access denied"}'
        assert connection.sock is first_socket
    connection.close()


def test_connection_reset_fault_resets_connection(server):
    """OpenSSL reports a reset as EOF, so the test reads from the socket itself."""
    token = server.connection_token()
    server.inject("GetTranscript", ConnectionReset())
    with connect_tls(server) as client:
        client.sendall(
            f"POST /participant/transcript HTTP/1.1\r\nHost: a\r\nX-Amz-Bearer: {token}\r\n"
            "Content-Length: 2\r\n\r\n{}".encode()
        )
        with pytest.raises(ConnectionResetError):
            list(iter(lambda: socket.socket.recv(client, 1024), b""))


@pytest.mark.parametrize("headers", [{}, {"Expect": "100-continue"}])
def test_rejected_upload_receives_response(server, headers):
    """With Expect the response comes before the body. The client sends the body nevertheless."""
    url = f"{server.endpoint_url}/amzn-s3-demo-connect-attachments-123456789012-us-east-1/staging/a"
    body = bytes(8 * 1024 * 1024)
    with urllib3.PoolManager(retries=False, timeout=20, ca_certs=server.ca_bundle) as pool:
        response = pool.request("PUT", url, body=body, headers=headers)
    assert response.status == 403


def test_admin_api_accepts_own_origin_only(server):
    url = f"{server.endpoint_url}/_fake/clock"
    for origin, status in (
        (server.endpoint_url, 200),
        (server.endpoint_url.replace("https", "http"), 403),
    ):
        headers = {"Origin": origin}
        response = requests.get(url, headers=headers, timeout=20, verify=server.ca_bundle)
        assert response.status_code == status


def test_proxy_client_gets_urls_of_its_own_scheme(server):
    """A client that uses the server as an HTTPS proxy for http sends absolute URLs."""
    context = ssl.create_default_context(cafile=server.ca_bundle)
    connection = http.client.HTTPSConnection(*get_address(server), timeout=20, context=context)
    params = {
        "AttachmentName": "a",
        "AttachmentSizeInBytes": 1,
        "ContentType": "text/plain",
        "ClientToken": "a",
    }
    url = "http://chat.example/participant/start-attachment-upload"
    connection.request("POST", url, json.dumps(params), {"X-Amz-Bearer": server.connection_token()})
    assert (
        b'"Url": "http://chat.example/amzn-s3-demo-connect-attachments-'
        in connection.getresponse().read()
    )
    connection.close()


@pytest.mark.parametrize("tls", [False, True])
def test_port_accepts_http_and_https(tls):
    """The URLs in responses are https if the server's are or if the request was."""
    with serve_connectparticipant(tls=tls) as server:
        netloc = urlsplit(server.endpoint_url).netloc
        assert server.endpoint_url == f"{'https' if tls else 'http'}://{netloc}"
        for scheme in ("http", "https"):
            client = attach_confirm.client(
                REGION, endpoint_url=f"{scheme}://{netloc}", verify=server.ca_bundle
            )
            token = attach_confirm.connect(client, server.participant_token()).token
            upload = attach_confirm.upload(client, DATA, token, name="a.bin")
            url = client.get_attachment(AttachmentId=upload.attachment_id, ConnectionToken=token)
            assert urlsplit(url["Url"]).scheme == ("https" if tls else scheme)
            client.close()


def test_dashboard_origin_is_checked_against_scheme_of_request(server):
    """A page that was opened over HTTP may use the admin API of a server with TLS."""
    url = server.endpoint_url.replace("https", "http")
    for origin, status in ((url, 200), (server.endpoint_url, 403)):
        response = requests.get(f"{url}/_fake/clock", headers={"Origin": origin}, timeout=20)
        assert response.status_code == status


def test_client_gets_certificate_for_any_name(server):
    names, serial_number = get_certificate(server, "Chat.Example")
    assert names == {"chat.example"}
    assert get_certificate(server, "chat.example")[1] == serial_number


@pytest.mark.parametrize("name", ["compose_fake_1", "-a.example"])
def test_client_gets_default_certificate_if_name_is_not_valid(server, name):
    names, serial_number = get_certificate(server, name)
    assert names >= {"127.0.0.1", "localhost"}
    assert get_certificate(server, "localhost")[1] == serial_number


def test_oldest_certificate_is_issued_again_after_many_names(server, monkeypatch):
    monkeypatch.setattr(_certificates, "_CACHE_SIZE", 2)
    _, first = get_certificate(server, "a.example")
    get_certificate(server, "b.example")
    assert get_certificate(server, "a.example")[1] == first
    _, second = get_certificate(server, "b.example")
    get_certificate(server, "c.example")
    assert get_certificate(server, "b.example")[1] == second
    assert get_certificate(server, "a.example")[1] != first


class AWSHosts:
    """Sends requests to AWS's host names at the server's address, as if DNS pointed there."""

    def __init__(self, server):
        self._server = server

    def send(self, method, url, body=None, headers=None, *, host=None):
        """Send a request, and return the response."""
        parts = urlsplit(url)
        with urllib3.HTTPSConnectionPool(
            *get_address(self._server),
            ca_certs=self._server.ca_bundle,
            server_hostname=parts.hostname,
            assert_hostname=parts.hostname,
            timeout=20,
            retries=False,
        ) as pool:
            return pool.request(
                method,
                f"{parts.path}?{parts.query}",
                body=body,
                headers={**(headers or {}), "Host": host or parts.netloc},
            )

    def call(self, operation, params, token, **kwargs):
        """Call an operation in the server's region, and return the members of the response."""
        url = f"https://{self.service_host}/participant/{operation}"
        response = self.send("POST", url, json.dumps(params), {"X-Amz-Bearer": token}, **kwargs)
        assert response.status == 200, response.data
        return json.loads(response.data or b"{}")

    @property
    def service_host(self):
        """AWS's host name of the service."""
        suffix = ".cn" if self._server.region_name.startswith("cn-") else ""
        return f"participant.connect.{self._server.region_name}.amazonaws.com{suffix}"


@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1", "cn-north-1"])
@pytest.mark.parametrize("change", [str, str.upper, "{}.".format, "{}:443".format])
def test_request_to_aws_host_gets_aws_urls(region, change):
    """The object URLs work at the server, too, whichever form the Host header has."""
    with serve_connectparticipant(region_name=region) as server:
        aws, token = AWSHosts(server), server.connection_token()
        host = change(aws.service_host)
        started = aws.call("start-attachment-upload", UPLOAD, token, host=host)
        metadata = started["UploadMetadata"]
        host = urlsplit(metadata["Url"]).netloc
        assert metadata["Url"].startswith("https://amzn-s3-demo-connect-attachments-")
        assert host.partition(".")[2] == f"s3.{aws.service_host.partition('connect.')[2]}"
        headers = metadata["HeadersToInclude"]
        response = aws.send("PUT", metadata["Url"], DATA, headers, host=change(host))
        assert (response.status, response.data) == (200, b"")
        ids = [started["AttachmentId"]]
        params = {"AttachmentIds": ids, "ClientToken": "a"}
        aws.call("complete-attachment-upload", params, token)
        url = aws.call("attachment", {"AttachmentId": ids[0]}, token)["Url"]
        response = aws.send("GET", url, host=change(host))
        assert (response.status, response.data) == (200, DATA)
        response = aws.send("PUT", f"https://{host}/staging/a")
        assert b"<Code>SignatureDoesNotMatch</Code>" in response.data


def test_admin_api_rejects_aws_host(server):
    for path in ("", "_fake/state"):
        url = f"https://participant.connect.us-east-1.amazonaws.com/{path}"
        response = AWSHosts(server).send("GET", url)
        assert response.status == 403


def test_host_that_only_resembles_aws_gets_urls_of_server(server):
    aws, token = AWSHosts(server), server.connection_token()
    for host in ("amazonaws.com.example", "myamazonaws.com"):
        params = {**UPLOAD, "ClientToken": host}
        started = aws.call("start-attachment-upload", params, token, host=host)
        assert started["UploadMetadata"]["Url"].startswith(f"https://{host}/amzn-s3-demo-connect-")
