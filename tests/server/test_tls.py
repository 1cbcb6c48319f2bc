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
from attach_confirm_stubs.server import _handler
from tests.fake.uploads import start_pending

REGION = "us-east-1"
DATA = bytes(range(256))


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


def upload(server):
    """Upload a file with the server's client."""
    return attach_confirm.upload(server.client, DATA, server.connection_token(), name="a.bin")


def test_upload_and_download_use_https_urls(server):
    """All URLs that the server returns are https."""
    assert server.endpoint_url.startswith("https://127.0.0.1:")
    token = server.connection_token()
    pending = start_pending(server, token, size=len(DATA))
    assert pending.url.startswith(f"{server.endpoint_url}/connect-attachments-")
    attach_confirm.put(server.client, pending, DATA)
    attach_confirm.confirm(server.client, pending.attachment_id, token)
    attachment = server.client.get_attachment(
        AttachmentId=pending.attachment_id, ConnectionToken=token
    )
    assert attachment["Url"].startswith(f"{server.endpoint_url}/connect-attachments-")
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
    with serve_connectparticipant() as plain:
        assert plain.ca_bundle is None


def test_unfinished_handshakes_do_not_block_other_clients(server):
    with ExitStack() as clients:
        for data in (b"", b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"):
            clients.enter_context(connect(server)).sendall(data)
        upload(server)


def test_unfinished_handshake_times_out(server, monkeypatch):
    monkeypatch.setattr(_handler.RequestHandler, "timeout", 0.2)
    with connect(server) as client:
        client.sendall(b"\x16\x03\x01")
        assert client.recv(100) == b""
    upload(server)


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\0" * 100])
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
    url = f"{server.endpoint_url}/connect-attachments-123456789012-us-east-1/staging/a"
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
    assert b'"Url": "http://chat.example/connect-attachments-' in connection.getresponse().read()
    connection.close()
