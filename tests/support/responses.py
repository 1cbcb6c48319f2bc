"""Responses that a test scripts, returned to a client before its request leaves the process."""

import io
import json
from collections import deque
from functools import partial
from types import SimpleNamespace

import pytest
from botocore.awsrequest import AWSResponse, HeadersDict
from urllib3 import HTTPResponse

import attach_confirm


class ScriptedResponses:
    """A `before-send` handler that returns one scripted response per request.

    Args:
        *responses: Each is a status code; a tuple of status code, body and headers; an exception
            to raise; or None to send the request. The last one is repeated.

    Attributes:
        requests: The requests so far: `method`, `url`, `headers` and `body`.
    """

    def __init__(self, *responses):
        self._responses = deque(responses)
        self.requests = []

    def __call__(self, request, **_):
        """Record the request and return the next response."""
        body = request.body
        if hasattr(body, "read"):
            body = b"".join(iter(partial(body.read, 16 * 1024), b""))
        headers = dict(request.headers.items())
        self.requests.append(
            SimpleNamespace(method=request.method, url=request.url, headers=headers, body=body)
        )
        response = self._responses[0] if len(self._responses) == 1 else self._responses.popleft()
        if isinstance(response, BaseException):
            raise response
        return None if response is None else make_response(request.url, response)


def make_response(url, response):
    """Create a response as botocore's HTTP layer returns it.

    Args:
        url: The URL of the request.
        response: A status code, which is sent with an ETag; or a tuple of status code, body and
            headers. A body that is not bytes is sent as JSON, together with a request id.
    """
    if isinstance(response, int):
        response = (response, b"", {"ETag": '"1"'})
    status_code, body, headers = response
    if not isinstance(body, bytes):
        body, headers = json.dumps(body).encode(), {"x-amzn-RequestId": "req-1", **headers}
    raw = HTTPResponse(io.BytesIO(body), preload_content=False)
    return AWSResponse(url, status_code, HeadersDict(headers), raw)


@pytest.fixture
def client():
    """Return a client that gets HTTP 418 for every request without a scripted response."""
    client = attach_confirm.client("us-west-2")
    client.meta.events.register_last(
        "before-send", lambda request, **_: make_response(request.url, 418)
    )
    return client


@pytest.fixture
def scripted_responses():
    """Return a function that scripts the responses to one event, for example `s3.PutObject`.

    It returns the list of recorded requests. A second call for the same client and event
    replaces the script.
    """
    handlers = {}

    def unregister(client, event):
        client.meta.events.unregister(f"before-send.{event}", handlers.pop((client, event)))

    def script(client, event, *responses):
        if (client, event) in handlers:
            unregister(client, event)
        handler = handlers[client, event] = ScriptedResponses(*responses)
        client.meta.events.register_first(f"before-send.{event}", handler)
        return handler.requests

    yield script
    for client, event in list(handlers):
        unregister(client, event)


@pytest.fixture
def recorded_requests():
    """Return a function that records a client's requests: operation, headers and JSON body."""

    def record(client):
        requests = []

        def append(request, event_name, **_):
            body = request.body if isinstance(request.body, bytes) else b"{}"
            requests.append(
                SimpleNamespace(
                    operation=event_name.rpartition(".")[2],
                    headers=dict(request.headers.items()),
                    body=json.loads(body),
                )
            )

        client.meta.events.register_first("before-send", append)
        return requests

    return record
