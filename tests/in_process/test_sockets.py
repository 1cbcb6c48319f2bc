"""How AWS's names are resolved and connected to during a block."""

import asyncio
import errno
import os
import socket
import ssl
import threading
from threading import Barrier, Event, Thread, current_thread
from types import SimpleNamespace
from unittest.mock import patch

import aiohttp.resolver
import httpx
import pytest

from attach_confirm_stubs import fake_connectparticipant
from attach_confirm_stubs.in_process._attempts import UnservedAttemptError
from attach_confirm_stubs.in_process._sockets import ADDRESS
from tests.in_process.libraries import LIBRARIES, use_httpx, use_urllib
from tests.in_process.test_libraries import start

HOST = "s3.us-east-1.amazonaws.com"
FORMS = [HOST, HOST.upper(), f"{HOST}.", HOST.encode(), bytearray(HOST.encode())]
# asyncio may leave TLS connections open that the server has not closed before the loop ends.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("collected_connections"),
]
UNSERVED_HOST = "dynamodb.us-east-1.amazonaws.com"
HTTP_HEAD = b"GET /files HTTP/1.1\r\nHost: s3.us-east-1.amazonaws.com\r\n\r\n"


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize("host", FORMS)
def test_names_are_resolved_to_loopback(host):
    stream = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
    assert socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM) == [
        (socket.AF_INET, *stream, (ADDRESS, 443))
    ]
    assert socket.getaddrinfo(host, "https", socket.AF_INET6, proto=socket.IPPROTO_TCP) == [
        (socket.AF_INET6, *stream, (f"::ffff:{ADDRESS}", 443, 0, 0))
    ]
    assert [entry[1] for entry in socket.getaddrinfo(host, b"80")] == [
        socket.SOCK_STREAM,
        socket.SOCK_DGRAM,
    ]
    (entry, _) = socket.getaddrinfo(host, None, flags=socket.AI_CANONNAME)
    assert entry[3:] == (HOST, (ADDRESS, 0))
    assert socket.gethostbyname(host) == ADDRESS
    assert socket.gethostbyname_ex(host) == (HOST, [], [ADDRESS])
    assert socket.gethostbyaddr(host) == (HOST, [], [ADDRESS])
    with pytest.raises(socket.gaierror) as caught:
        socket.getaddrinfo(host, 443, flags=socket.AI_NUMERICHOST)
    assert caught.value.errno == socket.EAI_NONAME


@pytest.mark.usefixtures("fake")
def test_other_names_are_resolved_as_before():
    assert socket.getaddrinfo("127.0.0.1", 80)[0][4] == ("127.0.0.1", 80)
    assert socket.getaddrinfo(None, 80, flags=socket.AI_PASSIVE)
    assert socket.gethostbyname("127.0.0.1") == "127.0.0.1"
    assert socket.gethostbyname_ex("127.0.0.1")[2] == ["127.0.0.1"]


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize("host", [HOST, HOST.encode(), f"{HOST.upper()}.", ADDRESS])
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
@pytest.mark.parametrize("method", ["connect", "connect_ex"])
def test_sockets_connect_to_server(host, family, method):
    if family == socket.AF_INET6 and host == ADDRESS:
        host = f"::ffff:{ADDRESS}"
    try:
        connection = socket.socket(family)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with connection:
        connection.settimeout(10)
        assert not getattr(connection, method)((host, 80))
        connection.sendall(HTTP_HEAD)
        assert connection.recv(12) == b"HTTP/1.1 404"


@pytest.mark.usefixtures("fake")
def test_other_addresses_are_connected_as_before(http_server, tmp_path):
    address = ("127.0.0.1", http_server.server_port)
    with socket.create_connection(address, timeout=10) as connection:
        assert connection.getpeername() == address
    with socket.socket() as connection, pytest.raises(TypeError):
        connection.connect(address[0])
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as connection:
        listener.bind(str(tmp_path / "socket"))
        listener.listen()
        connection.connect(str(tmp_path / "socket"))


def connect_by_name(address):
    with socket.socket() as connection:
        connection.connect(address)


@pytest.mark.parametrize(
    "use",
    [
        lambda: socket.getaddrinfo(UNSERVED_HOST, 443),
        lambda: socket.gethostbyname(UNSERVED_HOST.encode()),
        lambda: connect_by_name((UNSERVED_HOST.upper(), 443)),
        lambda: socket.create_connection((f"{UNSERVED_HOST}.", 443)),
        lambda: asyncio.run(asyncio.open_connection(UNSERVED_HOST, 443)),
        lambda: socket.getaddrinfo("connect-1.auth.us-east-1.amazoncognito.com", 443),
    ],
)
def test_unserved_names_fail(use):
    @fake_connectparticipant()
    def call():
        with pytest.raises(socket.gaierror, match="serve_connectparticipant") as caught:
            use()
        assert caught.value.errno == socket.EAI_NONAME

    with pytest.raises(
        UnservedAttemptError, match=r"An HTTP library called (dynamodb|connect-1)\."
    ):
        call()


def test_failure_to_start_server_fails_block():
    error = OSError(errno.EMFILE, "Too many open files")
    with (
        patch("attach_confirm_stubs.in_process._loopback.Server", side_effect=error),
        pytest.raises(UnservedAttemptError, match="Too many open files"),
        fake_connectparticipant(),
        pytest.raises(OSError, match="did not start") as caught,
    ):
        socket.create_connection((HOST, 443))
    assert caught.value.errno == errno.EMFILE


@pytest.mark.usefixtures("fake")
def test_tls_by_address_and_without_name():
    context = ssl.create_default_context()
    context.check_hostname = False
    with (
        socket.create_connection((socket.gethostbyname(HOST), 443)) as plain,
        context.wrap_socket(plain) as connection,
    ):
        connection.sendall(HTTP_HEAD)
        assert connection.recv(12) == b"HTTP/1.1 404"


@pytest.mark.usefixtures("fake")
def test_tls_before_connecting():
    context = ssl.create_default_context()
    with context.wrap_socket(socket.socket(), server_hostname=HOST.upper()) as connection:
        connection.connect((HOST, 443))
        connection.sendall(HTTP_HEAD)
        assert connection.recv(12) == b"HTTP/1.1 404"


@pytest.mark.usefixtures("fake")
def test_tls_to_other_servers_is_verified_as_before(https_server):
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(https_server.url)
    context = ssl.create_default_context()
    connection = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost")
    assert connection.context is context
    address = ("127.0.0.1", https_server.server_port)
    with socket.create_connection(address) as connection, pytest.raises(ssl.SSLError):
        context.wrap_socket(connection, server_hostname=HOST)


def test_resolver_of_aiohttp_by_aiodns():
    """The package aiodns resolves names without Python's sockets."""

    async def original(_self, host, port=0, family=socket.AF_INET):
        await asyncio.sleep(0)
        return [host, port, family]

    with patch.object(aiohttp.resolver.AsyncResolver, "resolve", original):
        with fake_connectparticipant():
            resolve = aiohttp.resolver.AsyncResolver.resolve
            (result,) = asyncio.run(resolve(SimpleNamespace(), HOST, 443))
            assert (result["host"], result["port"]) == (ADDRESS, 443)
            assert asyncio.run(resolve(None, "example.com", 1))[:2] == ["example.com", 1]
        assert aiohttp.resolver.AsyncResolver.resolve is original


PROXY_NAMES = ("HTTPS_PROXY", "http_proxy", "ALL_PROXY", "wss_proxy", "FTP_PROXY")


def test_proxy_variables_removed(monkeypatch):
    for name in PROXY_NAMES:
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "example.com")
    monkeypatch.delenv("no_proxy", raising=False)
    before = dict(os.environ)
    with fake_connectparticipant() as fake:
        assert not os.environ.keys() & set(PROXY_NAMES)
        for send in LIBRARIES.values():
            upload = start(fake)
            assert send("PUT", upload.url, upload.headers, b"abc")[0] == 200
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert os.environ == before


@pytest.mark.parametrize(
    "proxy", ["http://127.0.0.1:9", "http://proxy.invalid:3128", "proxy.invalid"]
)
def test_client_with_proxy_of_environment_reaches_fake(proxy, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setenv("ALL_PROXY", "http://[::bad")
    monkeypatch.setenv("FTP_PROXY", "socks5://127.0.0.1:9")
    url = proxy if "://" in proxy else f"http://{proxy}"
    with httpx.Client(proxy=url) as client, fake_connectparticipant() as fake:
        upload = start(fake)
        response = client.put(upload.url, content=b"abc", headers=upload.headers)
        assert response.status_code == 200
        assert use_urllib("PUT", upload.url, upload.headers, b"abc")[0] == 200


def test_client_with_proxy_of_environment_calls_other_host(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid:3128")

    @fake_connectparticipant()
    def call():
        with pytest.raises(httpx.ProxyError):
            client.get("https://example.com/")

    client = httpx.Client(proxy="http://proxy.invalid:3128")
    with client, pytest.raises(UnservedAttemptError, match=r"proxy .*example\.com"):
        call()


def test_client_with_proxy_of_environment_calls_other_host_without_tls(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:3128")

    @fake_connectparticipant()
    def call():
        response = client.get("http://example.com/")
        assert (response.status_code, "called example.com" in response.text) == (501, True)

    client = httpx.Client(proxy="http://proxy.invalid:3128")
    with client, pytest.raises(UnservedAttemptError, match=r"proxy .*example\.com"):
        call()


def test_nested_block_reports_attempt_that_was_made_before():
    def attempt():
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo(UNSERVED_HOST, 443)

    @fake_connectparticipant()
    def outer():
        attempt()
        with pytest.raises(UnservedAttemptError, match=UNSERVED_HOST), fake_connectparticipant():
            attempt()

    with pytest.raises(UnservedAttemptError) as raised:
        outer()
    assert str(raised.value).count(UNSERVED_HOST) == 1


def test_connections_at_the_same_time_start_one_server(monkeypatch):
    """The threads of another server would not end with the block."""
    original, both_connect, is_connected = os.getpid, Barrier(2), Event()
    calls = {"first": 0, "second": 0}

    def getpid():
        name = current_thread().name
        if name in calls:
            calls[name] += 1
            if calls[name] == 1:
                both_connect.wait(20)
            elif name == "second":
                is_connected.wait(20)
        return original()

    def connect():
        socket.create_connection((HOST, 80)).close()
        is_connected.set()

    before = set(threading.enumerate())
    with fake_connectparticipant(), monkeypatch.context() as patched:
        patched.setattr(os, "getpid", getpid)
        threads = [Thread(target=connect, name=name) for name in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert set(threading.enumerate()) <= before


def test_library_works_after_block(http_server):
    with fake_connectparticipant() as fake:
        upload = start(fake)
        assert LIBRARIES["early_httpx"]("PUT", upload.url, upload.headers, b"abc")[0] == 200
    headers = {"Content-Length": "3"}
    assert use_httpx("PUT", http_server.url, headers, b"abc")[0] == 200
    assert LIBRARIES["early_httpx"]("PUT", http_server.url, headers, b"abc")[0] == 200
