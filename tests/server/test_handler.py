"""What comes over the socket that is no good request: an answer as AWS's, or an end; no hang."""

import json
import re
import socket
from itertools import count
from urllib.parse import urlsplit

import pytest
import urllib3

from attach_confirm_stubs import FakeConnectParticipant, ReadTimeout, serve_connectparticipant
from attach_confirm_stubs.server import _handler

PLACE = "/connect-attachments-123456789012-us-east-1/staging/a"


@pytest.fixture(scope="module")
def endpoint():
    """Serve the fake for this module."""
    with serve_connectparticipant() as served:
        yield served.endpoint_url


@pytest.fixture
def impatient(monkeypatch):
    """Let the server wait for a client for no more than a moment."""
    monkeypatch.setattr(_handler.RequestHandler, "timeout", 0.2)


@pytest.fixture(autouse=True)
def quiet(endpoint, capfd):  # noqa: ARG001
    """Fail the test if anything is said on standard error."""
    yield
    assert capfd.readouterr().err == ""


def sent(endpoint, *pieces, ended=False):
    """Send bytes, and return all that comes until the server closes the connection."""
    url = urlsplit(endpoint)
    with socket.create_connection((url.hostname, url.port), timeout=20) as client:
        for piece in pieces:
            client.sendall(piece if isinstance(piece, bytes) else piece.encode("latin-1"))
        if ended:
            client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(64 * 1024), b""))


def request(method, path, *headers, body=b""):
    """Return a request as bytes, after which the server closes the connection."""
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]
    return "\r\n".join(head).encode("latin-1") + body


def answered(endpoint, *pieces, ended=False):
    """Send bytes; return the last answer's status, and the code of the error in it."""
    head, _, body = sent(endpoint, *pieces, ended=ended).rpartition(b"\r\n\r\n")
    status = int(head.rpartition(b"HTTP/1.1 ")[2][:3])
    if body.startswith(b"<?xml"):
        return status, re.search(rb"<Code>(\w+)</Code>", body)[1].decode()
    assert not body or json.loads(body)
    kind = re.search(rb"x-amzn-errortype: (\w+)", head)
    return status, kind and kind[1].decode()


MALFORMED = "MalformedHttpRequestException"


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("nonsense", 400),
        ("one two three four", 400),
        ("GET / HTTP/9.9", 505),
        ("GET / HTTP/x", 400),
        ("PRI * HTTP/2.0", 505),
        ("POST /participant/message", 400),
        ("BREW /participant/message HTTP/1.1", 501),
        (f"GET /{'a' * 70_000} HTTP/1.1", 414),
        ("\x16\x03\x01\x02\x00\x01", 400),
        ("OPTIONS * HTTP/1.1", 400),
        ("CONNECT example.com:443 HTTP/1.1", 501),
        ("GET http:// HTTP/1.1", 400),
        ("GET http://[ HTTP/1.1", 400),
        ("GET https://localhost/ HTTP/1.1", 400),
    ],
)
def test_no_request_line(endpoint, line, status):
    """What is no request of HTTP is refused in JSON, and the connection closed."""
    assert answered(endpoint, f"{line}\r\nHost: localhost\r\n\r\n") == (status, MALFORMED)


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ("Host:",),
        ("Host: two words",),
        ("Host: example.com/path",),
        ("Host: localhost:999999",),
        ("Host: localhost", "no colon here"),
        ("Host: localhost", "Content-Length: -1"),
        ("Host: localhost", "Content-Length: +1"),
        ("Host: localhost", "Content-Length: 1.0"),
        ("Host: localhost", "Content-Length: \xb2"),
        ("Host: localhost", f"Content-Length: {'9' * 5000}"),
        ("Host: localhost", "Content-Length: 1", "Content-Length: 2"),
    ],
)
@pytest.mark.parametrize(
    ("target", "code"),
    [("POST /participant/transcript", MALFORMED), (f"PUT {PLACE}", "InvalidRequest")],
)
def test_no_headers(endpoint, headers, target, code):
    """Headers from which a request cannot be read are refused, before its body is."""
    told = answered(endpoint, "\r\n".join([f"{target} HTTP/1.1", *headers, "", ""]))
    assert told in {(400, code), (400, MALFORMED)}


@pytest.mark.parametrize("headers", [[f"A: {'a' * 70_000}"], [f"A{n}: a" for n in range(200)]])
def test_too_many_headers(endpoint, headers):
    """Headers without end are refused."""
    told = answered(endpoint, request("POST", "/participant/transcript", *headers))
    assert told == (431, MALFORMED)


def test_a_length_is_needed_for_a_put_alone(endpoint):
    """S3 wants the length of what is put; a call without one has no body."""
    assert answered(endpoint, request("PUT", PLACE)) == (411, "MissingContentLength")
    assert answered(endpoint, request("GET", PLACE)) == (403, "SignatureDoesNotMatch")
    told = answered(endpoint, request("POST", "/participant/transcript"))
    assert told == (400, "ValidationException")


def test_chunks_are_not_taken(endpoint):
    """A body in chunks is refused as S3 does, whatever it is for."""
    for target, code in (
        (("PUT", PLACE), "NotImplemented"),
        (("POST", "/participant/transcript"), MALFORMED),
    ):
        chunks = request(*target, "Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n\r\n")
        assert answered(endpoint, chunks) == (501, code)


def test_what_is_too_large_is_refused_before_it_is_read(endpoint):
    """A length beyond S3's or the API's is answered at once, even where it is asked for first."""
    for expect in ([], ["Expect: 100-continue"]):
        put = request("PUT", PLACE, "Content-Length: 5368709121", *expect)
        assert answered(endpoint, put) == (400, "EntityTooLarge")
        call = request("POST", "/participant/transcript", "Content-Length: 10485761", *expect)
        assert answered(endpoint, call) == (413, "RequestEntityTooLargeException")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("body", [b"", b"1"])
def test_a_body_that_does_not_come(endpoint, body, ended):
    """A body that stops half-way is answered: a time-out, or that it is incomplete."""
    length = "Content-Length: 2"
    put = answered(endpoint, request("PUT", PLACE, length, body=body), ended=ended)
    assert put == (400, "IncompleteBody" if ended else "RequestTimeout")
    call = request("POST", "/participant/transcript", length, body=body)
    assert answered(endpoint, call, ended=ended) == (
        (400, "RequestAbortedException") if ended else (408, "RequestTimeoutException")
    )


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("begun", ["", "POST", "POST / HTTP/1.1\r\n", "POST / HTTP/1.1\r\nHost: a"])
def test_a_head_that_does_not_come(endpoint, begun):
    """A connection on which no request comes is closed."""
    assert sent(endpoint, begun) == b""


def test_more_than_the_length_is_the_next_request(endpoint):
    """What comes after a body is read as another request, and refused as such."""
    kept = request("POST", "/participant/transcript", "Content-Length: 2").replace(
        b"Connection: close\r\n", b""
    )
    told = sent(endpoint, kept, b"{}", b"surplus\r\n\r\n")
    assert [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", told)] == [400, 400]
    assert told.count(b"ValidationException") == told.count(MALFORMED.encode()) == 1


def test_requests_in_a_row(endpoint):
    """Requests that do not wait for the answers get theirs in order, also after a refusal."""
    first = request("POST", "/participant/transcript", "Content-Length: 1", body=b"{").replace(
        b"Connection: close\r\n", b""
    )
    told = sent(endpoint, first + request("GET", "/no/such/path"))
    codes = re.findall(rb"x-amzn-errortype: (\w+)", told)
    assert codes == [b"SerializationException", b"UnknownOperationException"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"nonsense", b"\xff", b"[" * 100_000, b'"' + b"a" * 100_000]
)
def test_no_json(endpoint, body):
    """A body that is no JSON object is refused as AWS does."""
    length = f"Content-Length: {len(body)}"
    call = request("POST", "/participant/transcript", length, body=body)
    code = "SerializationException" if body else "ValidationException"
    assert answered(endpoint, call) == (400, code)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nowhere"),
        ("GET", "/participant/"),
        ("POST", "/participant/nonsense"),
        ("GET", "/participant/transcript"),
        ("DELETE", "/participant/message"),
        ("PATCH", "/"),
        ("POST", "/contact/chat"),
        ("GET", "/favicon.ico"),
        ("GET", "/bucket/elsewhere/a"),
        ("GET", "/a?b=%zz&c"),
        ("GET", "/%00/[/\xe9"),
        ("GET", "//evil.example/participant"),
        ("GET", "/a#b"),
    ],
)
def test_no_such_path(endpoint, method, path):
    """Where nothing is, AWS's error for it is."""
    told = answered(endpoint, request(method, path))
    assert told == ((403, None) if path == "/" else (404, "UnknownOperationException"))


@pytest.mark.parametrize("bucket", ["bucket", "connect-attachments-123456789012-nowhere-1"])
def test_no_such_place(endpoint, bucket):
    """Another bucket's URL is one that the fake did not sign."""
    for method in ("GET", "PUT", "POST", "DELETE"):
        refused = request(method, f"/{bucket}/final/a", "Content-Length: 0")
        assert answered(endpoint, refused) == (403, "SignatureDoesNotMatch")


def test_a_head_has_no_body(endpoint):
    """HEAD is answered as GET is, without the body."""
    head, _, body = sent(endpoint, request("HEAD", "/")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert int(re.search(rb"content-length: (\d+)", head)[1]) > 1000
    assert body == b""


def test_the_body_is_asked_for(endpoint):
    """A client that waits to be asked for the body is."""
    url = urlsplit(endpoint)
    head = request("POST", "/participant/transcript", "Content-Length: 1", "Expect: 100-continue")
    with socket.create_connection((url.hostname, url.port), timeout=20) as client:
        client.sendall(head)
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"{")
        assert b"SerializationException" in b"".join(iter(lambda: client.recv(4096), b""))


@pytest.mark.parametrize("query", ["", "?X-Amz-Signature=another"])
def test_a_large_put_sees_why_it_is_refused(endpoint, query):
    """A client that sends a body to a wrong URL gets the 403, not a broken pipe."""
    with urllib3.PoolManager(retries=False, timeout=20) as pool:
        body = bytes(8 * 1024 * 1024)
        answer = pool.request("PUT", f"{endpoint}{PLACE}{query}", body=body)
    assert (answer.status, b"SignatureDoesNotMatch" in answer.data) == (403, True)


def test_a_large_call_sees_why_it_is_refused(endpoint):
    """A client that sends more than the API takes gets the 413, not a broken pipe."""
    with urllib3.PoolManager(retries=False, timeout=20) as pool:
        body = bytes(_handler.LARGEST_REQUEST + 1)
        answer = pool.request("POST", f"{endpoint}/participant/message", body=body)
    assert answer.status == 413


@pytest.mark.usefixtures("impatient")
def test_a_client_that_never_stops_sending_is_left(endpoint):
    """What is refused is listened to for as long as the patience lasts, and no longer."""
    url = urlsplit(endpoint)
    with socket.create_connection((url.hostname, url.port), timeout=20) as client:
        client.sendall(request("PUT", PLACE, "Content-Length: 5368709121"))
        endless = (client.sendall(bytes(64 * 1024)) for _ in count())
        with pytest.raises(ConnectionError):
            all(none is None for none in endless)


def test_a_client_that_goes_away_is_not_missed(endpoint):
    """Nothing is said when a client resets its connection in the middle of anything."""
    url = urlsplit(endpoint)
    for piece in (b"", b"GET", request("PUT", PLACE, "Content-Length: 9", body=b"1"), b"GET /\r\n"):
        client = socket.create_connection((url.hostname, url.port), timeout=20)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.sendall(piece)
        client.close()
    assert answered(endpoint, request("GET", "/nowhere"))[0] == 404


def test_an_older_http(endpoint):
    """A client of HTTP/1.0 is answered, and the connection closed."""
    told = sent(endpoint, "GET /nowhere HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert b"\r\nconnection: close\r\n" in told


def test_an_answer_is_held_back_whatever_else_is_sent(endpoint):
    """A client that gets no answer gets none by sending more, and the end when it is done."""
    token = FakeConnectParticipant().connection_token()
    FakeConnectParticipant().inject("GetTranscript", ReadTimeout())
    call = request("POST", "/participant/transcript", f"X-Amz-Bearer: {token}")
    assert sent(endpoint, call + bytes(1024 * 1024), ended=True) == b""
