"""CONNECT requests to the server, which is then the host that the client connects to."""

import socket
from contextlib import closing, suppress

import pytest

from attach_confirm_stubs.fake._http import Response
from attach_confirm_stubs.server._listener import Server


@pytest.fixture
def address():
    """Start a server that allows one host, and return its address."""
    server = Server("127.0.0.1", 0)
    server.start(lambda _: Response(204, {}), is_tunnel_allowed=lambda host: host == "allowed")
    yield ("127.0.0.1", server.port)
    server.stop()


def receive(address, data):
    with closing(socket.create_connection(address, timeout=10)) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as file:
            return file.read()


def test_allowed_host_gets_response_of_server(address):
    data = b"CONNECT allowed:80 HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
    responses = receive(address, data).split(b"\r\n\r\n")
    assert responses[0] == b"HTTP/1.1 200 Connection established"
    assert responses[1].startswith(b"HTTP/1.1 204 ")


def test_other_host_rejected(address):
    response = receive(address, b"CONNECT other:443 HTTP/1.1\r\n\r\n")
    assert response.startswith(b"HTTP/1.1 502 ")


@pytest.mark.parametrize("data", [b"CONNECT allowed:80", b"C" * 9000])
def test_incomplete_head_closes_connection(address, data):
    response = b""
    with suppress(ConnectionError):
        response = receive(address, data)
    assert response == b""
