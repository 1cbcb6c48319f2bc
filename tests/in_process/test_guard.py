"""Nothing leaves the machine: a whole test suite runs with an audit hook and a proxy."""

import os
import socket
from contextlib import closing

import pytest

from tests.docs.markdown import ROOT
from tests.in_process.libraries import LIBRARIES

pytest_plugins = ["pytester"]

CONFTEST = """
import sys

allowed = {None, "127.0.0.1", "::1", "::ffff:127.0.0.1"}
violations = []


def guard(event, args):
    if event == "socket.getaddrinfo" and args[0] not in allowed:
        violations.append((event, args[0]))
    if event == "socket.connect" and isinstance(args[1], tuple) and args[1][0] not in allowed:
        violations.append((event, args[1][0]))


sys.addaudithook(guard)


def pytest_sessionfinish(session):
    print("VIOLATIONS", violations)
"""

HANDLER = '''
"""A handler as customers write it: the clients are created when it is imported."""

import boto3

import attach_confirm

assert "moto" not in __import__("sys").modules
participant = boto3.client("connectparticipant", region_name="us-east-1")
connect = boto3.client("connect", region_name="us-east-1")
helper = attach_confirm.client("us-east-1")
s3 = boto3.client("s3", region_name="eu-west-1")


def start_chat():
    token = connect.start_chat_contact(
        InstanceId="11111111-1111-1111-1111-111111111111",
        ContactFlowId="22222222-2222-2222-2222-222222222222",
        ParticipantDetails={"DisplayName": "Jane"},
    )["ParticipantToken"]
    response = participant.create_participant_connection(
        ParticipantToken=token, Type=["CONNECTION_CREDENTIALS", "WEBSOCKET"]
    )
    return response["ConnectionCredentials"]["ConnectionToken"], response["Websocket"]["Url"]
'''

MODULE = """
import asyncio
import os

import handler
import pytest
import websocket
import websockets
from websockets.sync.client import connect

import attach_confirm
from attach_confirm_stubs import fake_connectparticipant
from tests.in_process.libraries import LIBRARIES

FORMS = {
    "plain": lambda url: url,
    "upper": lambda url: url.replace("amzn-s3-demo", "AMZN-S3-DEMO").replace("amazon", "Amazon"),
}


@pytest.fixture(autouse=True)
def fake(connectparticipant_fake):
    return connectparticipant_fake


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", LIBRARIES)
def test_upload(name, form):
    token, _ = handler.start_chat()
    started = handler.participant.start_attachment_upload(
        ContentType="text/plain",
        AttachmentSizeInBytes=3,
        AttachmentName="a.txt",
        ConnectionToken=token,
    )
    upload = started["UploadMetadata"]
    url = FORMS[form](upload["Url"])
    assert LIBRARIES[name]("PUT", url, upload["HeadersToInclude"], b"abc")[0] == 200
    attach_confirm.confirm(handler.helper, started["AttachmentId"], token)
    response = handler.participant.get_attachment(
        AttachmentId=started["AttachmentId"], ConnectionToken=token
    )
    assert LIBRARIES[name]("GET", FORMS[form](response["Url"]), {}, None) == (200, b"abc")


@pytest.mark.parametrize("name", LIBRARIES)
def test_other_partition(name):
    with fake_connectparticipant("cn-north-1") as fake:
        pending = attach_confirm.start(
            fake.client,
            connection_token=fake.connection_token(),
            name="a.txt",
            size=3,
            content_type="text/plain",
        )
        assert ".amazonaws.com.cn/" in pending.url
        assert LIBRARIES[name]("PUT", pending.url, pending.headers, b"abc")[0] == 200


def test_websockets():
    _, url = handler.start_chat()

    async def use():
        async with websockets.connect(url) as connection:
            await connection.ping()

    asyncio.run(use())
    with connect(url):
        pass
    websocket.create_connection(url).close()


def test_other_service():
    location = {"LocationConstraint": "eu-west-1"}
    handler.s3.create_bucket(Bucket="files", CreateBucketConfiguration=location)
    handler.s3.upload_file(__file__, "files", "a.txt")
    assert handler.s3.list_objects_v2(Bucket="files")["KeyCount"] == 1


@pytest.mark.parametrize("name", LIBRARIES.keys() - {"requests", "early_requests"})
def test_swallowed(name):
    try:
        LIBRARIES[name]("GET", "https://dynamodb.us-east-1.amazonaws.com/", {}, None)
    except Exception:
        pass
"""


def test_no_attempt_leaves_the_machine(pytester, monkeypatch):
    """A client of httpx reads the proxy from the environment when it is created."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "stubs")]))
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(handler=HANDLER, test_module=MODULE)
    with closing(socket.create_server(("127.0.0.1", 0))) as proxy:
        for name in ("HTTPS_PROXY", "HTTP_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        result = pytester.runpytest_subprocess(
            "-p", "attach_confirm_stubs.plugin", "-p", "no:randomly", "-s", timeout=110
        )
        proxy.settimeout(0)
        with pytest.raises(BlockingIOError):
            proxy.accept()
    result.stdout.fnmatch_lines(["*VIOLATIONS []*"])
    result.stdout.fnmatch_lines(["An HTTP library called dynamodb.us-east-1.amazonaws.com"])
    swallowed = len(LIBRARIES) - 2
    passed = 3 * len(LIBRARIES) + 2 + swallowed
    result.assert_outcomes(passed=passed, errors=swallowed)
