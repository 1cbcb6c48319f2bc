"""No credentials are looked for, needed or sent."""

import json
import os
import subprocess
import sys

import boto3
import pytest

import attach_confirm

# Python tells an audit hook of every name that is resolved and every address connected to.
PROGRAM = """
import json, sys
asked = []
def hook(event, args):
    if event == "socket.connect":
        asked.append(str(args[1][0]))
    elif event == "socket.getaddrinfo":
        asked.append(str(args[0]))
    elif event == "subprocess.Popen":
        asked.append(str(args[0]))
sys.addaudithook(hook)
import attach_confirm
client = attach_confirm.client("us-west-2", endpoint_url=sys.argv[1])
connection = attach_confirm.connect(client, "participant")
sent = attach_confirm.upload(client, b"abc", connection.token, name="a.txt")
status = attach_confirm.wait(client, sent.attachment_id, connection.token)
print(json.dumps([status, sorted(set(asked))]))
"""

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": "a-session-token",
}


def headers_of(request):
    """Return the names of a request's headers."""
    return {name.lower() for name, _ in request.headers}


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"AWS_DEFAULTS_MODE": "auto"},
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials"},
    ],
    ids=lambda environment: next(iter(environment), "bare"),
)
def test_nobody_is_asked(http_server, environment):
    """Nothing but the service is reached: no instance metadata, no container, no token service."""
    assert "AWS_EC2_METADATA_DISABLED" not in os.environ
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, http_server.url],
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
        text=True,
    )
    assert ran.stderr == ""
    assert json.loads(ran.stdout) == ["APPROVED", ["127.0.0.1"]]


@pytest.mark.parametrize("environment", [{}, CREDENTIALS], ids=["none", "present"])
def test_only_the_bearer(monkeypatch, http_server, environment):
    """Each request carries its token, and neither a signature nor an access key id."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    client = attach_confirm.client(
        "us-west-2", session=boto3.Session(), endpoint_url=http_server.url
    )
    attach_confirm.connect(client, "participant")
    sent = attach_confirm.upload(client, b"abc", "connected", name="a.txt")
    attach_confirm.wait(client, sent.attachment_id, "connected")
    client.close()
    assert len(http_server.requests) == 5
    for request in http_server.requests:
        assert not headers_of(request) & {"authorization", "x-amz-security-token", "x-amz-date"}
        assert "AKIA" not in str(request.headers)
        bearer = dict(request.headers).get("X-Amz-Bearer")
        if request.method == "PUT":
            assert bearer is None
        else:
            wanted = b"participant" if request.path.endswith("/connection") else b"connected"
            assert bearer == wanted


def test_credentials_given_by_hand(http_server):
    """Credentials that are passed on purpose are not sent either."""
    client = attach_confirm.client(
        "us-west-2",
        endpoint_url=http_server.url,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )
    attach_confirm.confirm(client, "att-1", "connected")
    client.close()
    assert "authorization" not in headers_of(http_server.requests[0])


def test_the_fake_needs_none(fake, token, recorded_requests):
    """Against the fake it is the same: what works there works where there are no credentials."""
    sent = recorded_requests(fake.client)
    attach_confirm.upload(fake.client, b"abc", token, name="a.txt")
    assert all("Authorization" not in request.headers for request in sent)
