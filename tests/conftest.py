"""What the tests share: a isolated_aws_env environment, instant sleeps, the fake, scripts."""

import io
import json
import os
import time
from collections import deque
from datetime import datetime, timedelta, timezone
from functools import partial
from importlib.metadata import version
from types import SimpleNamespace

import pytest
from botocore.awsrequest import AWSResponse, HeadersDict
from hypothesis import HealthCheck, settings
from urllib3 import HTTPResponse

import attach_confirm
from attach_confirm_stubs import fake_connectparticipant

# The client fixture is unchanged by a test's examples, so one for all of them is enough.
settings.register_profile(
    "attach-confirm",
    database=None,
    deadline=None,
    derandomize=True,
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("attach-confirm")


def pytest_report_header():
    """Name the versions of what the tests run against."""
    names = ("boto3", "botocore", "moto", "tenacity", "urllib3")
    return ", ".join(f"{name} {version(name)}" for name in names)


pytest_plugins = ["tests.support.servers"]


@pytest.fixture(autouse=True)
def isolated_aws_env(monkeypatch, tmp_path):
    """Run the test as on a machine with no AWS configuration, credentials or proxies."""
    for name in list(os.environ):
        upper = name.upper()
        if upper.startswith("AWS_") or upper.endswith("_PROXY") or upper == "REQUESTS_CA_BUNDLE":
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "no-credentials"))


class FakeTimeModule:
    """The module `time`, with a sleep that notes how long it should have been."""

    def __init__(self, sleeps):
        self.sleep = sleeps.append

    def __getattr__(self, name):
        return getattr(time, name)


@pytest.fixture(autouse=True)
def sleeps(monkeypatch):
    """Make tenacity's and botocore's pauses instant, and note their seconds."""
    noted = []
    monkeypatch.setattr("tenacity.nap.time", FakeTimeModule(noted))
    monkeypatch.setattr("botocore.endpoint.time", FakeTimeModule(noted))
    return noted


@pytest.fixture
def fake():
    """Run the fake service in AWS's place."""
    with fake_connectparticipant() as running:
        yield running


@pytest.fixture
def token(fake):
    """Return a connection token that the fake takes."""
    return fake.connection_token()


@pytest.fixture
def client():
    """Return a client whose requests the test answers, see `answering`; none leaves."""
    made = attach_confirm.client("us-west-2")
    made.meta.events.register_last(
        "before-send", lambda request, **_: make_response(request.url, 418)
    )
    return made


@pytest.fixture
def pending():
    """Return a maker of pending uploads, each with 300 seconds to live."""

    def make(*, size=3, lifetime=300.0, url=None, **headers):
        return attach_confirm.PendingUpload(
            attachment_id="att-1",
            url=url or "https://bucket.example/staging/att-1?X-Amz-Signature=5eed",
            headers={"Content-Length": str(size), **headers},
            expires_at=datetime.now(timezone.utc) + timedelta(seconds=lifetime),
        )

    return make


class ScriptedResponses:
    """Answers requests before they leave, one answer a request, and keeps the requests.

    An answer is a status, or a tuple of status, body and headers; or an exception to raise; or
    None to let the request go on. The last one is given again when no other is left.
    """

    def __init__(self, *answers):
        self.answers = deque(answers)
        self.requests = []

    def __call__(self, request, **_):
        """Keep the request and give the next answer."""
        body = request.body
        if hasattr(body, "read"):
            body = b"".join(iter(partial(body.read, 16 * 1024), b""))
        headers = dict(request.headers.items())
        self.requests.append(
            SimpleNamespace(method=request.method, url=request.url, headers=headers, body=body)
        )
        answer = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return None if answer is None else make_response(request.url, answer)


def make_response(url, answer):
    """Return an HTTP answer as botocore's HTTP layer would."""
    status, body, headers = (answer, b"", {}) if isinstance(answer, int) else answer
    if not isinstance(body, bytes):
        body, headers = json.dumps(body).encode(), {"x-amzn-RequestId": "req-1", **headers}
    raw = HTTPResponse(io.BytesIO(body), preload_content=False)
    return AWSResponse(url, status, HeadersDict(headers), raw)


@pytest.fixture
def scripted_responses():
    """Return a way to answer a client's requests; `event` is as in `s3.PutObject`.

    What was said for the same event before no longer counts.
    """
    scripts = {}

    def forget(client, event):
        client.meta.events.unregister(f"before-send.{event}", scripts.pop((client, event)))

    def answer(client, event, *answers):
        if (client, event) in scripts:
            forget(client, event)
        script = scripts[client, event] = ScriptedResponses(*answers)
        client.meta.events.register_first(f"before-send.{event}", script)
        return script.requests

    yield answer
    for client, event in list(scripts):
        forget(client, event)


@pytest.fixture
def recorded_requests():
    """Return a way to note the requests that a client sends: operation, headers and body."""

    def watch(client):
        noted = []

        def note(request, event_name, **_):
            body = request.body if isinstance(request.body, bytes) else b"{}"
            headers = dict(request.headers.items())
            operation = event_name.rsplit(".", 1)[-1]
            noted.append(
                SimpleNamespace(operation=operation, headers=headers, body=json.loads(body))
            )

        client.meta.events.register_first("before-send", note)
        return noted

    return watch
