"""Fixtures that the server's tests share."""

import json

import pytest
import urllib3


@pytest.fixture
def server(connectparticipant_server):
    """Return the handle of a server."""
    return connectparticipant_server


@pytest.fixture
def send(server):
    """Return a function that sends a request and returns status, headers and decoded body."""
    with urllib3.PoolManager(retries=False, timeout=20) as pool:

        def send(method, path, params=None, *, body=None, **headers):
            headers = {name.replace("_", "-"): value for name, value in headers.items()}
            if params is not None:
                body = json.dumps(params)
                headers = {"Content-Type": "application/json", **headers}
            url = f"{server.endpoint_url}{path}"
            response = pool.request(method, url, body=body, headers=headers)
            is_json = response.headers.get("content-type") == "application/json"
            data = json.loads(response.data) if is_json else response.data
            return response.status, response.headers, data

        yield send
