"""The fake over HTTP: whole flows, many clients, and what is left when it stops."""

import http.client
import json
import os
import socket
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
    Latency,
    ReadTimeout,
    serve_connectparticipant,
)

REGION = "us-east-1"
DATA = bytes(range(256))


@pytest.fixture
def server(connectparticipant_server):
    """Return a handle on the fake while it is served."""
    return connectparticipant_server


def through_http_client(url, headers, data):
    """Put with the standard library's client."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    connection.request("PUT", f"{parts.path}?{parts.query}", data, headers)
    status = connection.getresponse().status
    connection.close()
    return status


def through_urllib3(url, headers, data):
    """Put with urllib3."""
    with urllib3.PoolManager() as pool:
        return pool.request("PUT", url, body=data, headers=headers, retries=False).status


def through_requests(url, headers, data):
    """Put with requests."""
    return requests.put(url, data, headers=headers, timeout=20).status_code


def start(server, token, *, data=DATA, name="a.bin"):
    """Announce a file with a plain call."""
    return server.client.start_attachment_upload(
        AttachmentName=name,
        AttachmentSizeInBytes=len(data),
        ContentType="application/octet-stream",
        ConnectionToken=token,
    )


def test_the_helper_goes_through(server):
    """Connect, upload and wait, as against AWS; the bytes come back from the download's URL."""
    token = attach_confirm.connect(server.client, server.participant_token()).token
    sent = attach_confirm.upload(server.client, DATA, token, name="a.pdf")
    found = attach_confirm.wait(server.client, sent.attachment_id, token)
    assert found is attach_confirm.AttachmentStatus.APPROVED
    given = server.client.get_attachment(AttachmentId=sent.attachment_id, ConnectionToken=token)
    got = requests.get(given["Url"], timeout=20)
    assert given["AttachmentSizeInBytes"] == len(DATA)
    assert (got.content, got.headers["Content-Type"]) == (DATA, "application/pdf")
    assert got.headers["x-amz-meta-contact_id"] == server.transcript[0]["ContactId"]


def test_the_handle_looks_into_it(server):
    """What came over the wire is what a handle in the same process shows."""
    token = server.connection_token()
    sent = attach_confirm.upload(server.client, DATA, token, name="a.pdf")
    (attachment,) = server.attachments
    assert (attachment.attachment_id, attachment.data) == (sent.attachment_id, DATA)
    assert [call.operation for call in server.calls] == [
        "StartAttachmentUpload",
        "PutObject",
        "CompleteAttachmentUpload",
    ]


@pytest.mark.parametrize("put", [through_http_client, through_urllib3, through_requests])
def test_any_client_puts(server, put):
    """The upload's URL and headers are good for every HTTP client, and are checked for each."""
    token = server.connection_token()
    started = start(server, token)
    url = started["UploadMetadata"]["Url"]
    headers = started["UploadMetadata"]["HeadersToInclude"]
    assert url.startswith(f"{server.endpoint_url}/connect-attachments-")
    assert put(url, {**headers, "Content-Type": "text/plain"}, DATA) == 403
    assert put(url, headers, DATA) == 200
    ids = [started["AttachmentId"]]
    server.client.complete_attachment_upload(AttachmentIds=ids, ConnectionToken=token)
    assert server.attachments[0].data == DATA


def test_a_chat_is_started_with_amazon_connect(server):
    """The participant token can come from where it really comes from, with boto3's connect."""
    connect = boto3.client(
        "connect",
        region_name="eu-central-1",
        endpoint_url=server.endpoint_url,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    started = connect.start_chat_contact(
        InstanceId="instance", ContactFlowId="flow", ParticipantDetails={"DisplayName": "Jane"}
    )
    client = boto3.client(
        "connectparticipant",
        region_name="eu-central-1",
        endpoint_url=server.endpoint_url,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    token = attach_confirm.connect(client, started["ParticipantToken"]).token
    attach_confirm.upload(client, DATA, token, name="a.pdf")
    (attachment,) = ConnectParticipantServer(server.endpoint_url, "eu-central-1").attachments
    assert attachment.data == DATA
    assert server.attachments == []
    connect.close()
    client.close()


def test_a_file_of_some_size(server):
    """More than a block goes up and comes down whole."""
    data = os.urandom(3 * 1024 * 1024 + 1)
    token = server.connection_token()
    sent = attach_confirm.upload(server.client, data, token, name="a.bin")
    url = server.client.get_attachment(AttachmentId=sent.attachment_id, ConnectionToken=token)[
        "Url"
    ]
    assert requests.get(url, timeout=20).content == data


def test_many_clients_at_once(server):
    """Thirty-two uploads of as many chats, each with its own bytes, on one shared client."""
    client = attach_confirm.client(REGION, endpoint_url=server.endpoint_url)

    def send(number):
        data = str(number).encode() * 1000
        sent = attach_confirm.upload(client, data, server.connection_token(), name=f"{number}.txt")
        return sent.attachment_id, data

    with ThreadPoolExecutor(16) as threads:
        sent = dict(threads.map(send, range(32)))
    client.close()
    assert {one.attachment_id: one.data for one in server.attachments} == sent
    assert {one.state for one in server.attachments} == {"APPROVED"}


def test_one_connection_serves_many_requests(server):
    """Connections are kept, also after a refusal."""
    parts = urlsplit(server.endpoint_url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    connection.connect()
    kept = connection.sock
    for _ in range(3):
        connection.request("POST", "/participant/transcript", b"{}", {"X-Amz-Bearer": "no-token"})
        assert json.loads(connection.getresponse().read()) == {"Message": "Access denied"}
        assert connection.sock is kept
    connection.close()


def test_latency_is_real(server, monkeypatch):
    """An answer that is to come late does wait for as long."""
    waited = []
    monkeypatch.setattr(
        "attach_confirm_stubs.server._server.Server.wait", lambda _, seconds: waited.append(seconds)
    )
    server.inject("GetTranscript", Latency(1.5))
    server.client.get_transcript(ConnectionToken=server.connection_token())
    assert waited == [1.5]
    assert server.clock.offset_seconds == 0


def left():
    """Return how many threads and open files there are."""
    return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the machine has no /proc")
def test_nothing_is_left():
    """It stops whatever it is in the middle of, and leaves no thread and no open file."""
    with serve_connectparticipant():
        pass
    before = left()
    with ExitStack() as clients, serve_connectparticipant() as server:
        token = server.connection_token()
        attach_confirm.upload(server.client, os.urandom(10_000_000), token, name="a.bin")
        server.inject("GetTranscript", ReadTimeout(), Latency(3600))
        body = b"Content-Length: 2\r\n\r\n{}"
        head = f"POST /participant/transcript HTTP/1.1\r\nHost: a\r\nX-Amz-Bearer: {token}\r\n"
        for sent in (b"", b"GET", head.encode() + body[:-1], *2 * [head.encode() + body]):
            address = urlsplit(server.endpoint_url)
            client = socket.create_connection((address.hostname, address.port))
            clients.enter_context(client).sendall(sent)
    assert left() == before


def test_the_state_is_forgotten():
    """Nothing of one server is in the next, whose clock is the machine's again."""
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


def test_what_else_is_in_motos_s3_stays():
    """A server beside moto takes its own bucket away, and no other."""
    with mock_aws():
        s3 = boto3.client("s3", region_name=REGION)
        s3.create_bucket(Bucket="receipts")
        s3.put_object(Bucket="receipts", Key="a", Body=DATA)
        with serve_connectparticipant() as server:
            attach_confirm.upload(server.client, DATA, server.connection_token(), name="a.bin")
            assert len(s3.list_buckets()["Buckets"]) == 2
        assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["receipts"]
        assert s3.get_object(Bucket="receipts", Key="a")["Body"].read() == DATA


def test_the_environment_does_not_matter(monkeypatch):
    """A proxy, an endpoint and a profile in the environment do not keep the client from it."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    with serve_connectparticipant() as server:
        attach_confirm.upload(server.client, DATA, server.connection_token(), name="a.bin")


def test_a_taken_port_is_an_error():
    """A second server at the same port is refused, and leaves the first one alone."""
    with serve_connectparticipant() as first:
        token, port = first.connection_token(), urlsplit(first.endpoint_url).port
        with (
            pytest.raises(OSError, match="Address already in use"),
            serve_connectparticipant(port=port),
        ):
            pass
        first.client.get_transcript(ConnectionToken=token)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b"])
def test_an_unknown_host_is_an_error(host):
    """A name that is nobody's is an OSError, as is one that cannot be a name."""
    with pytest.raises(OSError, match=r"."), serve_connectparticipant(host):
        pass


def test_no_host_is_not_every_address():
    """An empty host is refused, which the socket would take for every address."""
    with pytest.raises(ValueError, match="host is empty"), serve_connectparticipant(""):
        pass


@pytest.mark.parametrize(
    ("host", "reached"), [("localhost", "localhost"), ("0.0.0.0", "127.0.0.1"), ("::1", "[::1]")]
)
def test_other_hosts(host, reached):
    """It listens where it is told to, and its URL is one that can be reached."""
    try:
        with serve_connectparticipant(host) as server:
            assert urlsplit(server.endpoint_url).netloc.rpartition(":")[0] == reached
            attach_confirm.upload(server.client, DATA, server.connection_token(), name="a.bin")
    except OSError as error:
        pytest.skip(f"the machine has no {host}: {error}")


def test_an_absolute_target(server):
    """A client that takes the server for its proxy is answered, and gets URLs of its own host."""
    token = server.connection_token()
    client = attach_confirm.client(
        REGION,
        endpoint_url="http://chat.example:1234",
        config=Config(proxies={"http": server.endpoint_url}),
    )
    sent = attach_confirm.upload(client, DATA, token, name="a.bin")
    url = client.get_attachment(AttachmentId=sent.attachment_id, ConnectionToken=token)["Url"]
    assert url.startswith("http://chat.example:1234/connect-attachments-")
    client.close()


def test_a_mistake_of_the_fakes_own_is_told_without_what_it_held(server, monkeypatch, capfd):
    """Where the fake itself is wrong the connection is closed, and one line says what it was."""

    def fail(*_):
        raise KeyError("a secret")

    monkeypatch.setattr("attach_confirm_stubs.server._router.Router.dispatch", fail)
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(server.endpoint_url, timeout=20)
    assert capfd.readouterr().err == "attach_confirm_stubs: the fake failed: KeyError\n"
