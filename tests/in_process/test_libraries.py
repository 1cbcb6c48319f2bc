"""HTTP and websocket libraries reach the fake by AWS's URLs."""

import asyncio
import json
import multiprocessing
import os
import socket
import ssl
import subprocess
import sys
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from types import SimpleNamespace

import aiohttp
import boto3
import httpx
import pytest
import requests
import responses
import truststore
import urllib3
import websocket
import websockets
from moto import mock_aws
from websockets.sync.client import connect as connect_websocket

import attach_confirm
from attach_confirm_stubs import FakeConnectParticipant, ServerError, fake_connectparticipant
from attach_confirm_stubs.in_process._attempts import UnservedAttemptError
from tests.in_process.libraries import LIBRARIES, use_httpx, use_requests, use_urllib

SUBSCRIBE = json.dumps({"topic": "aws/subscribe", "content": {"topics": ["aws/chat"]}})
UNSERVED = "https://dynamodb.eu-west-1.amazonaws.com/"

# asyncio may leave TLS connections open that the server has not closed before the loop ends.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("collected_connections"),
]


def start(fake, size=3):
    """Start an upload, and return its URL, headers and ID, and the chat's token."""
    token = fake.connection_token()
    pending = attach_confirm.start(
        fake.client, connection_token=token, name="a.txt", size=size, content_type="text/plain"
    )
    return SimpleNamespace(
        url=pending.url, headers=pending.headers, id=pending.attachment_id, token=token
    )


def download_url(fake, upload):
    """Confirm an upload, and return its download URL."""
    attach_confirm.confirm(fake.client, upload.id, upload.token)
    response = fake.client.get_attachment(AttachmentId=upload.id, ConnectionToken=upload.token)
    return response["Url"]


@pytest.mark.parametrize("send", LIBRARIES.values(), ids=LIBRARIES)
@pytest.mark.parametrize("region", ["us-east-1", "cn-north-1", "eusc-de-east-1"])
def test_library_uploads_and_downloads(send, region):
    with fake_connectparticipant(region) as fake:
        upload = start(fake)
        upper = upload.url.replace("amzn-s3-demo", "AMZN-S3-demo").replace("https", "HTTPS")
        assert send("PUT", upper, upload.headers, b"abc")[0] == 200
        assert send("GET", download_url(fake, upload), {}, None) == (200, b"abc")
        assert [attachment.data for attachment in fake.attachments] == [b"abc"]


@pytest.mark.parametrize("send", LIBRARIES.values(), ids=LIBRARIES)
def test_library_receives_faults(send):
    with fake_connectparticipant() as fake:
        upload = start(fake)
        fake.inject("PutObject", ServerError(status=503))
        try:
            status, _ = send("PUT", upload.url, upload.headers, b"abc")
        except urllib.request.HTTPError as error:
            status = error.code
            error.close()
        assert status == 503
        assert [attempt.status for attempt in fake.calls("PutObject")[0].attempts] == [503]


@pytest.mark.parametrize("send", [use_urllib, use_httpx, LIBRARIES["aiohttp"]])
def test_trailing_dot_of_host(send, fake):
    upload = start(fake)
    url = upload.url.replace(".com/", ".com./")
    assert send("PUT", url, upload.headers, b"abc")[0] == 200


def test_libraries_work_in_threads(fake):
    uploads = [start(fake) for _ in range(8)]
    with ThreadPoolExecutor(8) as executor:
        results = executor.map(
            lambda upload: use_httpx("PUT", upload.url, upload.headers, b"abc"), uploads
        )
        assert [status for status, _ in results] == [200] * 8
    assert [attachment.data for attachment in fake.attachments] == [b"abc"] * 8


def run_flow(connection):
    """Run a whole flow with boto3 and httpx in a forked process."""
    fake = FakeConnectParticipant()
    upload = start(fake)
    status, _ = use_httpx("PUT", upload.url, upload.headers, b"abc")
    connection.send((status, use_httpx("GET", download_url(fake, upload), {}, None)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("is_started", [False, True])
def test_libraries_work_in_forked_process(fake, is_started):
    """The process has a copy of the fake, and its server if the parent has started one."""
    upload = start(fake)
    if is_started:
        use_httpx("PUT", upload.url, upload.headers, b"abc")
    receiver, sender = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=run_flow, args=(sender,))
    process.start()
    process.join(30)
    assert process.exitcode == 0
    assert receiver.recv() == (200, (200, b"abc"))
    assert use_httpx("PUT", upload.url, upload.headers, b"abc")[0] == 200


def test_server_starts_on_first_connection(fake):
    count = threading.active_count()
    upload = start(fake)
    use_requests("PUT", upload.url, upload.headers, b"abc")
    assert threading.active_count() == count
    use_urllib("GET", download_url(fake, upload), {}, None)
    assert threading.active_count() > count


def test_everything_is_undone():
    classes = [ssl.SSLContext, truststore.SSLContext, socket.socket, requests.adapters.HTTPAdapter]
    modules = [socket, ssl]
    before = [dict(vars(item)) for item in classes + modules]
    count = threading.active_count()

    def fail():
        fake = FakeConnectParticipant()
        upload = start(fake)
        assert use_urllib("PUT", upload.url, upload.headers, b"abc")[0] == 200
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            fake_connectparticipant()(fail)()
        assert [dict(vars(item)) for item in classes + modules] == before
        assert threading.active_count() == count


@pytest.mark.parametrize("verify", [True, False])
def test_context_of_caller_is_unchanged(fake, verify):
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    certificates = context.get_ca_certs()
    for _ in range(2):
        upload = start(fake)
        request = urllib.request.Request(upload.url, b"abc", upload.headers, method="PUT")
        assert urllib.request.urlopen(request, context=context).status == 200
    assert context.get_ca_certs() == certificates
    assert context.check_hostname is verify


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_verification_off(fake):
    def put(client_put):
        upload = start(fake)
        return client_put(upload.url, upload.headers)

    async def use_aiohttp(url, headers):
        async with (
            aiohttp.ClientSession() as session,
            session.put(url, data=b"abc", headers=headers, ssl=False) as response,
        ):
            return response.status

    with urllib3.PoolManager(cert_reqs="CERT_NONE") as pool, httpx.Client(verify=False) as client:
        statuses = [
            put(lambda url, headers: asyncio.run(use_aiohttp(url, headers))),
            put(lambda url, headers: pool.request("PUT", url, body=b"abc", headers=headers).status),
            put(lambda url, headers: client.put(url, content=b"abc", headers=headers).status_code),
        ]
    assert statuses == [200] * 3
    assert len([attachment for attachment in fake.attachments if attachment.data]) == 3


def test_verification_checks_host_name(fake):
    """The certificate is that of the name in the TLS handshake."""
    upload = start(fake)
    context = ssl.create_default_context()
    pool = urllib3.PoolManager(ssl_context=context, assert_hostname="example.com", retries=False)
    with pytest.raises(urllib3.exceptions.SSLError, match=r"example\.com"):
        pool.request("PUT", upload.url, body=b"abc", headers=upload.headers)


def test_truststore_verifies(fake):
    upload = start(fake)
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with httpx.Client(verify=context) as client:
        response = client.put(upload.url, content=b"abc", headers=upload.headers)
    assert response.status_code == 200

    async def put():
        async with httpx.AsyncClient(verify=context) as client:
            return await client.put(upload.url, content=b"abc", headers=upload.headers)

    assert asyncio.run(put()).status_code == 200


INJECTED = """
import truststore
truststore.inject_into_ssl()
from tests.in_process.libraries import LIBRARIES
from tests.in_process.test_libraries import start
from attach_confirm_stubs import fake_connectparticipant

with fake_connectparticipant() as fake:
    for name, send in LIBRARIES.items():
        upload = start(fake)
        assert send("PUT", upload.url, upload.headers, b"abc")[0] == 200, name
"""


def test_injected_truststore_verifies():
    """It replaces `ssl.SSLContext`, which also affects the server."""
    subprocess.run([sys.executable, "-W", "ignore", "-c", INJECTED], check=True, timeout=60)


@pytest.fixture
def websocket_url(fake):
    """Return the URL of a websocket."""
    response = fake.client.create_participant_connection(
        ParticipantToken=fake.participant_token(), Type=["WEBSOCKET", "CONNECTION_CREDENTIALS"]
    )
    return response["Websocket"]["Url"]


def test_websocket_libraries_connect(websocket_url):
    async def subscribe():
        async with websockets.connect(websocket_url) as connection:
            await connection.send(SUBSCRIBE)
            return await connection.recv()

    with connect_websocket(websocket_url) as connection:
        connection.send(SUBSCRIBE)
        messages = [connection.recv()]
    connection = websocket.create_connection(websocket_url)
    connection.send(SUBSCRIBE)
    messages.append(connection.recv())
    connection.close()
    messages.append(asyncio.run(subscribe()))
    assert [json.loads(message)["content"]["status"] for message in messages] == ["success"] * 3


def test_aiohttp_websocket_connects(websocket_url):
    async def subscribe():
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(websocket_url.replace("amazonaws", "AmazonAWS")) as connection,
        ):
            await connection.send_str(SUBSCRIBE)
            return await connection.receive_str()

    assert json.loads(asyncio.run(subscribe()))["topic"] == "aws/subscribe"


def test_participant_service_by_http_library(fake):
    """Code without an AWS SDK calls the service by its URL."""
    response = httpx.post(
        "https://participant.connect.us-east-1.amazonaws.com/participant/connection",
        headers={"X-Amz-Bearer": fake.participant_token()},
        json={"Type": ["CONNECTION_CREDENTIALS"]},
    )
    assert response.json()["ConnectionCredentials"]["ConnectionToken"]


@pytest.mark.usefixtures("fake")
def test_presigned_urls_of_moto_work():
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="files")
    params = {"Bucket": "files", "Key": "a.txt"}
    put_url = s3.generate_presigned_url("put_object", params)
    get_url = s3.generate_presigned_url("get_object", params)
    assert use_urllib("PUT", put_url, {"Content-Type": "text/plain"}, b"abc")[0] == 200
    assert use_urllib("GET", get_url, {}, None) == (200, b"abc")
    response = httpx.head(s3.generate_presigned_url("head_object", params))
    assert (response.status_code, response.headers["content-length"]) == (200, "3")


class Blocks:
    """An iterable that is not an iterator."""

    def __iter__(self):
        yield b"a"
        yield b"bc"


@pytest.mark.parametrize("create", [Blocks, lambda: iter(Blocks()), lambda: BytesIO(b"abc")])
def test_requests_streams_body(fake, create):
    upload = start(fake)
    assert use_requests("PUT", upload.url, upload.headers, create())[0] == 200
    assert fake.attachments[0].data == b"abc"


@pytest.mark.usefixtures("fake")
def test_requests_leaves_other_hosts_alone(http_server):
    headers = {"Content-Length": "3"}
    assert use_requests("PUT", f"{http_server.url}/a", headers, iter(Blocks()))[0] == 200
    assert [request.body for request in http_server.requests] == [b"abc"]


def test_requests_reaches_fake_through_responses_of_test(fake):
    upload = start(fake)
    with responses.RequestsMock() as mock:
        mock.add_passthru("https://amzn-s3-demo-")
        assert use_requests("PUT", upload.url, upload.headers, b"abc")[0] == 200
    assert fake.attachments[0].data == b"abc"


@pytest.mark.parametrize("send", LIBRARIES.values(), ids=LIBRARIES)
def test_swallowed_unserved_attempt_fails_block(send):
    """Requests of `requests` are served by moto, except those to unknown hosts."""
    url = "https://ssm.us-east-1.api.aws/" if send.__name__.endswith("requests") else UNSERVED

    @fake_connectparticipant()
    def call():
        with pytest.raises(Exception, match="serve_connectparticipant"):
            send("GET", url, {}, None)

    with pytest.raises(UnservedAttemptError, match="An HTTP library called"):
        call()


def test_s3_of_other_partition_is_served(fake):
    assert use_httpx("GET", "https://files.s3.us-east-1.api.aws/a.txt", {}, None)[0] == 404
    assert fake.calls == []


def test_request_that_moto_passes_to_aws_fails_block():
    @fake_connectparticipant()
    def call():
        assert use_httpx("GET", "https://s3.us-east-1.amazonaws.com/", {}, None)[0] == 501

    with (
        mock_aws(config={"core": {"passthrough": {"services": ["s3"]}}}),
        pytest.raises(UnservedAttemptError, match=r"called s3\.us-east-1"),
    ):
        call()


def test_libraries_that_are_not_imported(monkeypatch):
    for name in ("uvloop", "aiohttp.resolver"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with fake_connectparticipant() as fake:
        upload = start(fake)
        assert use_httpx("PUT", upload.url, upload.headers, b"abc")[0] == 200


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop does not run on Windows")
def test_uvloop_rejected():
    uvloop = pytest.importorskip("uvloop")

    async def use_block():
        with fake_connectparticipant():
            pass

    with pytest.raises(RuntimeError, match=r"uvloop.*serve_connectparticipant"):
        uvloop.run(use_block())
    asyncio.run(use_block())

    async def resolve():
        return await asyncio.get_running_loop().getaddrinfo("127.0.0.1", 80)

    with fake_connectparticipant():
        assert uvloop.run(resolve())

    @fake_connectparticipant()
    def call():
        async def put():
            async with httpx.AsyncClient() as client:
                await client.put(upload.url, content=b"abc", headers=upload.headers)

        upload = start(FakeConnectParticipant())
        with pytest.raises(Exception, match="uvloop"):
            uvloop.run(put())

    with pytest.raises(UnservedAttemptError, match="uvloop"):
        call()
