"""The network as it is: proxies that tunnel, servers that stall, cut or dribble, IPv6."""

import json
import select
import socket
from contextlib import ExitStack, closing
from threading import Thread

import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)

import attach_confirm
from attach_confirm_stubs import serve_connectparticipant

TOKEN = "connection-token-" + "c0ffee" * 8


@pytest.fixture
def listening():
    """Return a way to run a function for each connection to a socket of this machine."""
    with ExitStack() as stack:

        def listen(serve):
            server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def accept():
                while True:
                    try:
                        connection, _ = server.accept()
                    except OSError:
                        return
                    thread = Thread(target=run, args=(connection,))
                    thread.start()
                    stack.callback(thread.join)

            def run(connection):
                with closing(connection):
                    connection.settimeout(20)
                    try:
                        serve(connection)
                    except OSError:
                        return

            accepting = Thread(target=accept)
            accepting.start()
            stack.callback(accepting.join)
            stack.callback(server.shutdown, socket.SHUT_RDWR)
            return f"http://127.0.0.1:{server.getsockname()[1]}"

        yield listen


@pytest.fixture
def impatient():
    """Return a maker of clients that wait a moment only, and try once."""
    options = {"connect_timeout": 5, "read_timeout": 0.3, "retries": {"total_max_attempts": 1}}
    made = []

    def make(url, **more):
        client = attach_confirm.client(
            "us-west-2", endpoint_url=url, config=Config(**options, **more)
        )
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


def head(connection):
    """Read a request, head and body, and return its head."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += connection.recv(65536) or b"\r\n\r\n"
    received, _, body = got.partition(b"\r\n\r\n")
    for line in received.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            missing = int(line.split(b":")[1]) - len(body)
            while missing > 0:
                missing -= len(connection.recv(65536)) or missing
    return received


def silent(connection):
    """Accept, read, and never answer."""
    head(connection)
    connection.recv(1)


def hang_up(connection):
    """Close instead of an answer."""
    head(connection)


def elsewhere(connection):
    """Redirect to a place that would be reached."""
    head(connection)
    connection.sendall(
        b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\n"
        b"Content-Length: 0\r\nConnection: close\r\n\r\n"
    )


CALLS = [
    lambda client, _: attach_confirm.confirm(client, "att-1", TOKEN),
    lambda client, pending: attach_confirm.put(client, pending, b"abc"),
]


@pytest.mark.parametrize("call", CALLS, ids=["confirm", "put"])
@pytest.mark.parametrize(
    ("serve", "error"), [(silent, ReadTimeoutError), (hang_up, ConnectionClosedError)]
)
def test_a_server_that_does_not_answer(  # noqa: PLR0917
    listening, impatient, pending, call, serve, error
):
    """The timeouts end the wait for an answer, and a cut answer is a lost one."""
    url = listening(serve)
    with pytest.raises(error) as raised:
        call(impatient(url), pending(url=f"{url}/k?X-Amz-Signature=5eed", lifetime=0))
    assert "5eed" not in str(raised.value)
    assert TOKEN not in str(raised.value)
    assert attach_confirm.advise(raised.value).action is attach_confirm.Action.RETRY


@pytest.mark.parametrize("body", [b"", b"{", b'{"Transcript": []}'])
@pytest.mark.parametrize("call", [attach_confirm.confirm, attach_confirm.status])
def test_an_answer_that_is_cut_off(listening, impatient, call, body):
    """A success of which a part is missing is none, though botocore takes it for one.

    Old releases of botocore leave it to urllib3, which tells of a connection that was lost.
    """

    def cut(connection):
        head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + body)

    with pytest.raises((attach_confirm.UnexpectedResponseError, ConnectionClosedError)) as raised:
        call(impatient(listening(cut)), "att-1", TOKEN)
    if isinstance(raised.value, attach_confirm.UnexpectedResponseError):
        assert raised.value.reason == f"its body ended after {len(body)} of 100 bytes"
    assert attach_confirm.advise(raised.value).action is attach_confirm.Action.RETRY


def test_a_redirect_of_the_api_is_not_followed(listening, impatient):
    """A redirect does not take the token to another host."""
    with pytest.raises(ClientError) as raised:
        attach_confirm.confirm(impatient(listening(elsewhere)), "att-1", TOKEN)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 307
    assert attach_confirm.advise(raised.value).action is attach_confirm.Action.FIX


def test_a_slow_answer_is_waited_for(listening, impatient):
    """The read timeout is between two bytes: an answer that dribbles is taken, however long."""
    body = json.dumps({"Transcript": [], "InitialContactId": "c" * 30}).encode()

    def dribble(connection):
        head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
        connection.sendall(b"Content-Length: %d\r\n\r\n" % len(body))
        for byte in body:
            # Pauses as `sleep` would, until there is something to read, which there is not.
            select.select([connection], [], [], 0.01)
            connection.sendall(bytes([byte]))

    client = impatient(listening(dribble))
    assert attach_confirm.status(client, "att-1", TOKEN) is None


def test_nobody_is_there(impatient):
    """A port that nobody listens at is told as that, and nothing was done."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(EndpointConnectionError) as raised:
        attach_confirm.confirm(impatient(url), "att-1", TOKEN)
    assert attach_confirm.advise(raised.value).action is attach_confirm.Action.RETRY


def has_ipv6():
    """Tell whether this machine has an IPv6 http_server."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="has no IPv6 loopback")
def test_ipv6():
    """An endpoint and an upload URL with an IPv6 address work."""
    with serve_connectparticipant("::1") as fake:
        assert "[::1]" in fake.endpoint_url
        sent = attach_confirm.upload(fake.client, b"1", fake.connection_token(), name="a.txt")
        assert [a.attachment_id for a in fake.attachments] == [sent.attachment_id]


@pytest.fixture
def tunnel(listening):
    """Run an HTTP proxy that tunnels to one server, whatever host it is asked for."""
    asked = []

    def run(server):
        host, port = server.removeprefix("https://").split(":")

        def serve(connection):
            asked.append(head(connection).split(b"\r\n")[0].decode())
            with socket.create_connection((host, int(port))) as far:
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                ends = {connection: far, far: connection}
                while True:
                    for end in select.select(list(ends), [], [], 20)[0]:
                        data = end.recv(65536)
                        if not data:
                            return
                        ends[end].sendall(data)

        return listening(serve), asked

    return run


class TestTunnels:
    """TLS through a proxy, with a certificate authority of one's own."""

    def test_the_whole_flow(self, https_server, certificates, tunnel):
        """The API calls and the PUT go through the proxy, each over TLS that is checked."""
        proxy, asked = tunnel(https_server.url)
        client = attach_confirm.client(
            "us-west-2",
            endpoint_url=https_server.url,
            verify=certificates.bundle,
            config=Config(proxies={"https": proxy}),
        )
        attach_confirm.upload(client, b"abc", TOKEN, name="a.txt")
        client.close()
        place = https_server.url.removeprefix("https://")
        assert [line.rpartition(" ")[0] for line in asked] == [f"CONNECT {place}"] * 3
        assert [request.method for request in https_server.requests] == ["POST", "PUT", "POST"]

    def test_by_the_environment(self, monkeypatch, https_server, certificates, tunnel):
        """HTTPS_PROXY and AWS_CA_BUNDLE do the same for both."""
        proxy, asked = tunnel(https_server.url)
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        monkeypatch.setenv("AWS_CA_BUNDLE", certificates.bundle)
        client = attach_confirm.client("us-west-2", endpoint_url=https_server.url)
        attach_confirm.upload(client, b"abc", TOKEN, name="a.txt")
        client.close()
        assert len(asked) == 3
        assert len(https_server.requests) == 3

    def test_an_exempt_host(self, monkeypatch, https_server, certificates):
        """NO_PROXY counts for both."""
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        client = attach_confirm.client(
            "us-west-2", endpoint_url=https_server.url, verify=certificates.bundle
        )
        attach_confirm.upload(client, b"abc", TOKEN, name="a.txt")
        client.close()
        assert len(https_server.requests) == 3

    def test_a_proxy_that_refuses(self, listening, impatient):
        """A proxy that does not let through is the proxy's trouble."""

        def refuse(connection):
            head(connection)
            connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

        client = impatient("https://participant.example", proxies={"https": listening(refuse)})
        with pytest.raises(ProxyConnectionError):
            attach_confirm.confirm(client, "att-1", TOKEN)

    def test_tls_is_checked_by_default(self, https_server):
        """Without the certificates, nothing is sent; whoever turns the check off has to say so."""
        client = attach_confirm.client("us-west-2", endpoint_url=https_server.url)
        with pytest.raises(SSLError):
            attach_confirm.confirm(client, "att-1", TOKEN)
        assert https_server.requests == []
