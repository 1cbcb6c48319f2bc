"""The server as a transport for other dispatchers than the served fake's."""

import socket
import ssl
import threading
from contextlib import ExitStack
from pathlib import Path
from time import monotonic

import pytest
import urllib3

from attach_confirm_stubs.fake._http import Response
from attach_confirm_stubs.server._certificates import Certificates
from attach_confirm_stubs.server._listener import Server


def echo(request):
    """Return the request's URL and base URL."""
    return Response(200, {}, f"{request.url} {request.base_url}".encode())


@pytest.fixture
def server():
    """Return a server that is not started."""
    server = Server("127.0.0.1", 0)
    yield server
    server.stop()


def connect(server):
    """Return a socket that is connected to a server."""
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def get(server, name, path="/a"):
    """Return the response's body to a request over TLS."""
    with urllib3.HTTPSConnectionPool(
        "127.0.0.1",
        server.port,
        ca_cert_data=server.certificates.ca_pem.decode(),
        server_hostname=name,
        assert_hostname=name,
        retries=False,
    ) as pool:
        return pool.request("GET", path, headers={"Host": name}).data.decode()


def test_dispatcher_receives_requests_for_any_host(server):
    server.start(echo)
    assert get(server, "shop.example") == "https://shop.example/a https://shop.example"
    host = "participant.connect.us-east-1.amazonaws.com"
    assert get(server, host) == f"https://{host}/a None"
    assert get(server, "localhost").startswith("https://localhost/a ")


@pytest.mark.parametrize(
    ("value", "sent"),
    [("a\r\nb\0\fc", b"a b c"), (" a  b\tc ", b"a  b\tc"), ("ü€", b"\xfc?"), ("", b"")],
)
def test_response_header_is_sent_in_latin_1_on_one_line(server, value, sent):
    server.start(lambda _: Response(200, {"x-a": value}))
    with connect(server) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert b"\r\nx-a: " + sent + b"\r\n" in client.recv(1024)


def test_connections_wait_until_start(server):
    with connect(server) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        server.start(echo)
        assert client.recv(1024).startswith(b"HTTP/1.1 200 OK\r\n")


def test_server_that_was_not_started_can_be_stopped(server):
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        connect(server)


def count_threads_and_files():
    """Return the number of threads and the number of open file descriptors."""
    return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="requires /proc")
def test_stop_releases_all_threads_and_sockets():
    counts_before = count_threads_and_files()
    server = Server("127.0.0.1", 0)
    server.start(echo)
    with ExitStack() as clients:
        for data in (b"", b"GET", b"\x16", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"):
            clients.enter_context(connect(server)).sendall(data)
        get(server, "shop.example")
        started_at = monotonic()
        server.stop()
        assert monotonic() - started_at < 1
    assert count_threads_and_files() == counts_before


def test_server_accepts_connections_after_failure(server, monkeypatch):
    """The process may have too many open files for some time."""
    accept, failures = socket.socket.accept, [OSError(24, "Too many open files")] * 2

    def fail_or_accept(listener):
        if failures:
            raise failures.pop()
        return accept(listener)

    monkeypatch.setattr(socket.socket, "accept", fail_or_accept)
    server.start(echo)
    assert get(server, "shop.example")
    assert failures == []


def test_server_accepts_connections_after_failure_to_start_thread(server, monkeypatch):
    server.start(echo)
    start, failures = threading.Thread.start, []

    def fail_once(thread):
        if not failures:
            failures.append(thread)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", fail_once)
    with connect(server) as client:
        assert client.recv(1) == b""
    assert get(server, "localhost").startswith("https://localhost/a ")


def test_client_reset_between_first_byte_and_handshake_is_ignored(server, monkeypatch, capfd):
    is_accepted, is_reset, context = threading.Event(), threading.Event(), Certificates.context

    def wait_for_reset(certificates):
        is_accepted.set()
        assert is_reset.wait(20)
        return context(certificates)

    monkeypatch.setattr(Certificates, "context", wait_for_reset)
    server.start(echo)
    client = connect(server)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.sendall(b"\x16")
    assert is_accepted.wait(20)
    client.close()
    is_reset.set()
    assert get(server, "shop.example")
    assert capfd.readouterr().err == ""


def test_client_receives_response_after_end_of_connection(server):
    """OpenSSL calls the end of the connection an error, unless it ends TLS properly."""
    server.start(echo)
    context = ssl.create_default_context(cadata=server.certificates.ca_pem.decode())
    with context.wrap_socket(connect(server), server_hostname="localhost") as client:
        client.sendall(b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n")
        socket.socket.shutdown(client, socket.SHUT_WR)
        assert client.recv(1024).startswith(b"HTTP/1.1 200 OK\r\n")


def test_ipv4_is_preferred_if_name_has_both(monkeypatch):
    """A browser's chat client expects the server of "localhost" at 127.0.0.1."""
    getaddrinfo = socket.getaddrinfo

    def resolve(host, *args, **kwargs):
        names = ["::1", "127.0.0.1"] if host == "localhost" else [host]
        return [address for name in names for address in getaddrinfo(name, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    server = Server("localhost", 0)
    server.start(echo)
    connect(server).close()
    server.stop()


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="requires IPv6")
def test_all_addresses_include_ipv4():
    server = Server("::", 0)
    server.start(echo)
    connect(server).close()
    server.stop()
