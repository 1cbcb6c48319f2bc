"""Uploads over HTTP, the server's hosts and ports, and the state after the server stops."""

import http.client
import json
import os
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest
import requests
import urllib3
from botocore.config import Config
from moto import mock_aws

import attach_confirm
from attach_confirm_stubs import (
    ConnectParticipantServer,
    FakeConnectParticipant,
    Latency,
    ReadTimeout,
    Throttle,
    serve_connectparticipant,
)
from attach_confirm_stubs.fake._clock import virtual_sleep

REGION = "us-east-1"
DATA = bytes(range(256))


@pytest.fixture(params=[False, True], ids=["http", "https"])
def server(request, monkeypatch):
    """Return the handle of a server, whose certificates the variables of each library verify."""
    with serve_connectparticipant(tls=request.param) as server:
        for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
            monkeypatch.setenv(name, server.ca_bundle)
        yield server


def connect_http_client(url):
    """Return http.client's connection to a server."""
    parts = urlsplit(url)
    is_tls = parts.scheme == "https"
    connection_class = http.client.HTTPSConnection if is_tls else http.client.HTTPConnection
    return connection_class(parts.netloc, timeout=20)


def put_with_http_client(url, headers, data):
    """Send a PUT with http.client, and return the HTTP status."""
    parts = urlsplit(url)
    connection = connect_http_client(url)
    connection.request("PUT", f"{parts.path}?{parts.query}", data, headers)
    status = connection.getresponse().status
    connection.close()
    return status


def put_with_urllib3(url, headers, data):
    """Send a PUT with urllib3, and return the HTTP status."""
    with urllib3.PoolManager() as pool:
        return pool.request("PUT", url, body=data, headers=headers, retries=False).status


def put_with_requests(url, headers, data):
    """Send a PUT with requests, and return the HTTP status."""
    return requests.put(url, data, headers=headers, timeout=20).status_code


def upload(server, *, client=None, data=DATA, name="a.bin"):
    """Upload a file to a new chat, and return the confirmation."""
    return attach_confirm.upload(
        client or server.client, data, server.connection_token(), name=name
    )


def test_connect_upload_wait_and_download_succeed(server):
    """The file is larger than the blocks that the server reads and writes."""
    data = os.urandom(3 * 1024 * 1024 + 1)
    token = attach_confirm.connect(server.client, server.participant_token()).token
    confirmation = attach_confirm.upload(server.client, data, token, name="a.pdf")
    attachment_id = confirmation.attachment_id
    status = attach_confirm.wait(server.client, attachment_id, token)
    assert status is attach_confirm.AttachmentStatus.APPROVED
    attachment = server.client.get_attachment(AttachmentId=attachment_id, ConnectionToken=token)
    assert attachment["AttachmentSizeInBytes"] == len(data)
    response = requests.get(attachment["Url"], timeout=20)
    assert (response.content, response.headers["Content-Type"]) == (data, "application/pdf")
    assert response.headers["x-amz-meta-contact_id"] == server.transcript[0]["ContactId"]


def test_handle_returns_attachments_and_calls(server):
    confirmation = upload(server)
    (attachment,) = server.attachments
    assert (attachment.attachment_id, attachment.data) == (confirmation.attachment_id, DATA)
    assert [call.operation for call in server.calls] == [
        "StartAttachmentUpload",
        "PutObject",
        "CompleteAttachmentUpload",
    ]


@pytest.mark.parametrize("put", [put_with_http_client, put_with_urllib3, put_with_requests])
def test_put_with_any_http_client_succeeds(server, put):
    """A PUT whose headers differ from the signed headers is rejected."""
    token = server.connection_token()
    started = server.client.start_attachment_upload(
        AttachmentName="a.bin",
        AttachmentSizeInBytes=len(DATA),
        ContentType="application/octet-stream",
        ConnectionToken=token,
    )
    url = started["UploadMetadata"]["Url"]
    headers = started["UploadMetadata"]["HeadersToInclude"]
    assert url.startswith(f"{server.endpoint_url}/amzn-s3-demo-connect-attachments-")
    assert put(url, {**headers, "Content-Type": "text/plain"}, DATA) == 403
    assert put(url, headers, DATA) == 200
    server.client.complete_attachment_upload(
        AttachmentIds=[started["AttachmentId"]], ConnectionToken=token
    )
    assert server.attachments[0].data == DATA


def test_start_chat_contact_token_is_valid_in_its_region(server):
    """The participant token is valid only in the region of the `connect` client."""
    options = {
        "region_name": "eu-central-1",
        "endpoint_url": server.endpoint_url,
        "aws_access_key_id": "testing",
        "aws_secret_access_key": "testing",
    }
    connect = boto3.client("connect", **options)
    started = connect.start_chat_contact(
        InstanceId="instance", ContactFlowId="flow", ParticipantDetails={"DisplayName": "Jane"}
    )
    client = boto3.client("connectparticipant", **options)
    token = attach_confirm.connect(client, started["ParticipantToken"]).token
    attach_confirm.upload(client, DATA, token, name="a.pdf")
    (attachment,) = ConnectParticipantServer(server.endpoint_url, "eu-central-1").attachments
    assert attachment.data == DATA
    assert server.attachments == []
    connect.close()
    client.close()


def test_concurrent_uploads_store_all_files(server):
    client = attach_confirm.client(REGION, endpoint_url=server.endpoint_url)

    def upload_file(number):
        data = str(number).encode() * 1000
        confirmation = upload(server, client=client, data=data, name=f"{number}.txt")
        return confirmation.attachment_id, data

    with ThreadPoolExecutor(16) as threads:
        uploads = dict(threads.map(upload_file, range(32)))
    client.close()
    attachments = server.attachments
    assert {attachment.attachment_id: attachment.data for attachment in attachments} == uploads
    assert {attachment.state for attachment in attachments} == {"APPROVED"}


def test_connection_is_kept_alive_after_errors(server):
    connection = connect_http_client(server.endpoint_url)
    connection.connect()
    first_socket = connection.sock
    for _ in range(2000):
        connection.request("POST", "/participant/transcript", b"{}", {"X-Amz-Bearer": "no-token"})
        assert json.loads(connection.getresponse().read()) == {"Message": "Access denied"}
        assert connection.sock is first_socket
    connection.close()


@pytest.fixture
def real_sleeps(sleeps, monkeypatch):
    """Return the list of the durations of sleeps, those of the server included."""
    monkeypatch.setattr(
        "attach_confirm_stubs.server._listener.Server.sleep_or_stop",
        lambda _, seconds: sleeps.append(seconds),
    )
    return sleeps


def test_latency_fault_sleeps_in_real_time(server, real_sleeps):
    server.inject("GetTranscript", Latency(1.5))
    server.client.get_transcript(ConnectionToken=server.connection_token())
    assert real_sleeps == [1.5]
    assert server.clock.offset_seconds == 0


def test_virtual_sleep_skips_delays(real_sleeps):
    """Delays of the server, retry delays and polls advance the clock, which is shared."""
    with serve_connectparticipant(virtual_sleep=True) as server:
        token = server.connection_token()
        server.inject("GetTranscript", Throttle(), Latency(3600))
        server.client.get_transcript(ConnectionToken=token)
        assert server.clock.offset_seconds > 3600
        server.scanner.approve(after=60)
        attachment_id = attach_confirm.upload(
            server.client, DATA, token, name="a.bin"
        ).attachment_id
        attach_confirm.wait(server.client, attachment_id, token)
        assert server.clock.offset_seconds > 3660
    assert real_sleeps == []
    with serve_connectparticipant() as server:
        server.inject("GetTranscript", Throttle())
        server.client.get_transcript(ConnectionToken=server.connection_token())
    assert len(real_sleeps) == 1


def test_virtual_sleep_inside_server_block_skips_delays(server, real_sleeps):
    token = server.connection_token()
    with virtual_sleep():
        server.inject("GetTranscript", Latency(3600), Latency(1.5))
        server.client.get_transcript(ConnectionToken=token)
    assert server.clock.offset_seconds == 3600
    server.client.get_transcript(ConnectionToken=token)
    assert real_sleeps == [1.5]
    assert server.clock.offset_seconds == 3600


def count_threads_and_files():
    """Return the number of threads and the number of open file descriptors."""
    return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="requires /proc")
@pytest.mark.parametrize("tls", [False, True])
def test_stop_releases_threads_and_sockets(tls):
    """Idle connections, partial requests and pending faults do not delay the stop.

    With TLS, neither do unfinished handshakes.
    """
    with serve_connectparticipant(tls=tls):
        pass
    counts_before = count_threads_and_files()
    with ExitStack() as clients, serve_connectparticipant(tls=tls) as server:
        upload(server, data=os.urandom(10_000_000))
        server.inject("GetTranscript", ReadTimeout(), Latency(3600))
        token = server.connection_token()
        request = (
            f"POST /participant/transcript HTTP/1.1\r\nHost: a\r\nX-Amz-Bearer: {token}\r\n"
            "Content-Length: 2\r\n\r\n{}"
        ).encode()
        address = urlsplit(server.endpoint_url)
        for data in (b"", b"GET", request[:-1], request, request):
            client = socket.create_connection((address.hostname, address.port))
            if tls:
                clients.enter_context(socket.create_connection((address.hostname, address.port)))
                context = ssl.create_default_context(cafile=server.ca_bundle)
                client = context.wrap_socket(client, server_hostname=address.hostname)
            clients.enter_context(client).sendall(data)
    assert count_threads_and_files() == counts_before


def test_state_is_reset_between_servers():
    with serve_connectparticipant() as first:
        token = first.connection_token()
        attach_confirm.upload(first.client, DATA, token, name="a.bin")
        first.clock.advance(1000)
    with serve_connectparticipant() as second:
        assert second.attachments == []
        assert second.transcript == []
        assert second.clock.offset_seconds == 0
        with pytest.raises(second.client.exceptions.AccessDeniedException):
            second.client.get_transcript(ConnectionToken=token)


def test_start_deletes_state():
    FakeConnectParticipant().connection_token()
    FakeConnectParticipant().clock.advance(1000)
    with serve_connectparticipant() as server:
        assert server.clock.offset_seconds == 0


def test_stop_keeps_other_buckets_in_mock_aws():
    with mock_aws():
        s3 = boto3.client("s3", region_name=REGION)
        s3.create_bucket(Bucket="receipts")
        s3.put_object(Bucket="receipts", Key="a", Body=DATA)
        with serve_connectparticipant() as server:
            upload(server)
            assert len(s3.list_buckets()["Buckets"]) == 2
        assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["receipts"]
        assert s3.get_object(Bucket="receipts", Key="a")["Body"].read() == DATA


def test_client_ignores_environment(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    with serve_connectparticipant() as server:
        upload(server)


def test_port_in_use_raises_oserror():
    with serve_connectparticipant() as first:
        token, port = first.connection_token(), urlsplit(first.endpoint_url).port
        with (
            pytest.raises(OSError, match="Address already in use"),
            serve_connectparticipant(port=port),
        ):
            pass
        # The failed start did not reset the first server's state.
        first.client.get_transcript(ConnectionToken=token)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b"])
def test_unknown_host_raises_oserror(host):
    with pytest.raises(OSError, match=r"."), serve_connectparticipant(host):
        pass


def test_empty_host_raises_valueerror():
    with pytest.raises(ValueError, match="host must not be empty"), serve_connectparticipant(""):
        pass


@pytest.mark.parametrize(
    ("host", "client_host"),
    [("localhost", "localhost"), ("0.0.0.0", "127.0.0.1"), ("::1", "[::1]")],
)
def test_endpoint_url_has_host_for_clients(host, client_host):
    try:
        with serve_connectparticipant(host) as server:
            assert urlsplit(server.endpoint_url).netloc.rpartition(":")[0] == client_host
            upload(server)
    except OSError as error:
        pytest.skip(f"cannot bind {host}: {error}")


@pytest.mark.parametrize("server", [False], indirect=True)
def test_object_url_has_endpoint_host_if_server_is_http_proxy(server):
    """The client sends absolute URLs, and receives object URLs with the host of its endpoint."""
    client = attach_confirm.client(
        REGION,
        endpoint_url="http://chat.example:1234",
        config=Config(proxies={"http": server.endpoint_url}),
    )
    token = server.connection_token()
    confirmation = attach_confirm.upload(client, DATA, token, name="a.bin")
    attachment = client.get_attachment(
        AttachmentId=confirmation.attachment_id, ConnectionToken=token
    )
    assert attachment["Url"].startswith(
        "http://chat.example:1234/amzn-s3-demo-connect-attachments-"
    )
    client.close()


def test_internal_error_log_has_no_request_data(server, monkeypatch, capfd):
    def fail(*_):
        raise KeyError("a secret")

    monkeypatch.setattr("attach_confirm_stubs.server._router.dispatch", fail)
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(f"{server.endpoint_url}/participant", timeout=20)
    assert capfd.readouterr().err == "attach_confirm_stubs: internal error: KeyError\n"
