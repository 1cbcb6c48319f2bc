"""CORS headers, and the Host and Origin checks of the admin API and the dashboard."""

from urllib.parse import urlsplit

import pytest

ADMIN_REQUESTS = [("GET", "/"), ("GET", "/_fake/state"), ("POST", "/_fake/reset")]


def test_cors_allows_any_origin_for_service_and_object_urls(server, send):
    """The JavaScript SDK runs in web pages of any origin."""
    requested_headers = "x-amz-bearer,content-type"
    for method, path in (
        ("POST", "/participant/transcript"),
        ("PUT", "/bucket/staging/a"),
        ("PUT", "/contact/chat"),
    ):
        status, headers, _ = send(
            "OPTIONS",
            path,
            Origin="https://shop.example",
            Access_Control_Request_Method=method,
            Access_Control_Request_Headers=requested_headers,
        )
        assert status == 200
        assert headers["access-control-allow-origin"] == "*"
        assert headers["access-control-allow-headers"] == requested_headers
        assert method in headers["access-control-allow-methods"]
        _, headers, _ = send(method, path, {}, Origin="https://shop.example")
        assert headers["access-control-allow-origin"] == "*"
        assert "x-amzn-errortype" in headers["access-control-expose-headers"]
        assert "access-control-allow-origin" not in send(method, path, {})[1]
    assert server.calls("GetTranscript")
    assert "access-control-allow-headers" in send("OPTIONS", "/a", Origin="null")[1]


@pytest.mark.parametrize(("method", "path"), ADMIN_REQUESTS)
def test_admin_request_from_foreign_origin_rejected(server, send, method, path):
    body = {} if method == "POST" else None
    localhost_origin = f"http://localhost:{urlsplit(server.endpoint_url).port}"
    for origin in ("https://shop.example", "null", "", localhost_origin, f"{server.endpoint_url}1"):
        status, headers, data = send(method, path, body, Origin=origin)
        assert (status, data) == (403, {"message": "cross-origin requests are not allowed"})
        assert not [name for name in headers if name.lower().startswith("access-control")]
        assert send("OPTIONS", path, Origin=origin)[0] == 403
    assert send(method, path, body, Origin=server.endpoint_url)[0] == 200


@pytest.mark.parametrize("path", ["/", "/_fake/state"])
def test_admin_request_with_foreign_host_rejected(send, path):
    """A web page can resolve its own host name to this machine (DNS rebinding)."""
    for host in ("shop.example", "shop.example:80", "localhost.shop.example", "127.0.0.1.nip.io"):
        status, _, data = send("GET", path, Host=host)
        assert status == 403
        assert data["message"].startswith("host not allowed; use localhost")
        # The service's operations accept any Host header, for example the name of a container.
        assert send("POST", "/participant/transcript", {}, Host=host)[0] == 400
    for host in ("localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:1", "192.0.2.1"):
        assert send("GET", path, Host=host)[0] == 200


def test_dashboard_rejects_post(send):
    assert send("HEAD", "/")[0] == 200
    assert send("POST", "/", {})[0] == 403
