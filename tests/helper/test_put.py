"""The PUT: what it sends, when it is sent again, and what is made of S3's answers."""

import errno
import io
from concurrent.futures import CancelledError
from datetime import datetime, timezone

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from hypothesis import given
from hypothesis import strategies as st

import attach_confirm
from attach_confirm import (
    Action,
    InvalidInputError,
    PutFailedError,
    UnexpectedResponseError,
    UploadUrlExpiredError,
    advise,
)

PUT = "s3.PutObject"
URL = "https://bucket.example/staging/att-1?X-Amz-Signature=5eed"
LOST = [
    ReadTimeoutError(endpoint_url=URL),
    ConnectTimeoutError(endpoint_url=URL),
    ConnectionClosedError(endpoint_url=URL),
    EndpointConnectionError(endpoint_url=URL, error="no route"),
    ProxyConnectionError(proxy_url="http://proxy.example", error="refused"),
]


def error(code, message="no", **more):
    """Return an error's body as S3 writes it."""
    members = {"Code": code, "Message": message, **more}
    inner = "".join(f"<{name}>{text}</{name}>" for name, text in members.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'.encode()


class TestRequest:
    """What goes out."""

    def test_the_request(self, client, scripted_responses, pending):
        """A PUT to the URL as it was given, with the bytes."""
        sent = scripted_responses(client, PUT, 200)
        assert attach_confirm.put(client, pending(url=URL), b"abc") is None
        (request,) = sent
        assert (request.method, request.url, request.body) == ("PUT", URL, b"abc")

    def test_headers_verbatim(self, client, scripted_responses, pending):
        """Every header of the start's answer is sent, as it is, whatever its name."""
        wanted = {
            "x-amz-meta-contact_id": "3dff5a86",
            "x-amz-acl": "bucket-owner-full-control",
            "Content-Disposition": 'attachment; filename="56102_file.txt"',
            "Content-Type": "text/plain",
            "x-amz-expected-bucket-owner": "123456789012",
            "x-amz-server-side-encryption": "aws:kms",
            "x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:us-west-2:1:key/a",
            "x-amz-server-side-encryption-context": "e30=",
            "X-Something-Nobody-Heard-Of": " with  blanks ",
            "X-Empty": "",
        }
        sent = scripted_responses(client, PUT, 200)
        attach_confirm.put(client, pending(**wanted), b"abc")
        found = {name: value.decode() for name, value in sent[0].headers.items()}
        assert found == {"Content-Length": "3", **wanted}

    @pytest.mark.parametrize("value", ["M\u00e4rz", "\u65e5\u672c.txt", "\U0001f600"])
    def test_headers_beyond_latin(self, client, scripted_responses, pending, value):
        """A header that is not ASCII goes out in UTF-8, in which it was signed."""
        sent = scripted_responses(client, PUT, 200)
        attach_confirm.put(client, pending(**{"Content-Disposition": value}), b"abc")
        assert sent[0].headers["Content-Disposition"] == value.encode()

    @given(
        headers=st.dictionaries(
            st.from_regex(r"[Xx]-[A-Za-z0-9_-]{1,20}", fullmatch=True),
            st.text(max_size=40),
            max_size=8,
        ).filter(lambda headers: len({name.lower() for name in headers}) == len(headers))
    )
    def test_wild_headers(self, client, scripted_responses, pending, headers):
        """Whatever the map holds that UTF-8 can write is sent as it is."""
        writable = {name: value.encode(errors="ignore").decode() for name, value in headers.items()}
        sent = scripted_responses(client, PUT, 200)
        attach_confirm.put(client, pending(**writable), b"abc")
        found = {name: value.decode() for name, value in sent[0].headers.items()}
        assert found == {"Content-Length": "3", **writable}

    def test_content_length_where_none_was_signed(self, client, scripted_responses):
        """A map without a Content-Length gets the file's, for S3 takes no body without one."""
        sent = scripted_responses(client, PUT, 200)
        bare = attach_confirm.PendingUpload("att-1", URL, {}, datetime.now(timezone.utc))
        attach_confirm.put(client, bare, b"abc")
        assert sent[0].headers == {"Content-Length": b"3"}

    def test_content_length_in_any_spelling(self, client, scripted_responses):
        """A Content-Length that is spelled otherwise is not sent twice."""
        sent = scripted_responses(client, PUT, 200)
        headers = {"content-length": "3"}
        bare = attach_confirm.PendingUpload("att-1", URL, headers, datetime.now(timezone.utc))
        attach_confirm.put(client, bare, b"abc")
        assert sent[0].headers == {"content-length": b"3"}

    @pytest.mark.parametrize("size", [2, 4])
    @pytest.mark.parametrize("name", ["Content-Length", "content-length"])
    def test_another_length(self, client, scripted_responses, name, size):
        """A body that is not as long as was announced is refused before it is sent."""
        sent = scripted_responses(client, PUT, 200)
        headers = {name: str(size)}
        other = attach_confirm.PendingUpload("att-1", URL, headers, datetime.now(timezone.utc))
        with pytest.raises(InvalidInputError) as refused:
            attach_confirm.put(client, other, b"abc")
        assert str(refused.value) == f"source: has 3 bytes, and {size} were declared to start"
        assert sent == []

    def test_listeners(self, client, scripted_responses, pending):
        """Whatever listens to the client's `before-send` sees the PUT, as S3's own event."""
        scripted_responses(client, PUT, 200)
        seen = []
        client.meta.events.register("before-send", lambda event_name, **_: seen.append(event_name))
        attach_confirm.put(client, pending(), b"abc")
        assert seen == ["before-send.s3.PutObject"]

    def test_the_file_stays_open(self, client, scripted_responses, pending):
        """The caller's file is the caller's to close."""
        scripted_responses(client, PUT, 200)
        with io.BytesIO(b"abc") as file:
            attach_confirm.put(client, pending(), file)
            assert not file.closed


class TestRetries:
    """When it is sent again."""

    @pytest.mark.parametrize("failure", LOST, ids=lambda failure: type(failure).__name__)
    def test_lost_connections(self, client, scripted_responses, pending, failure):
        """A lost connection is not the end of the upload."""
        sent = scripted_responses(client, PUT, failure, failure, 200)
        attach_confirm.put(client, pending(), b"abc")
        assert [request.body for request in sent] == [b"abc"] * 3

    @pytest.mark.parametrize(
        "answer",
        [
            500,
            502,
            503,
            504,
            408,
            429,
            (503, error("SlowDown"), {}),
            (500, error("InternalError"), {}),
            (400, error("RequestTimeout"), {}),
            (429, error("TooManyRequests"), {}),
            (502, b"<html>Bad Gateway", {"Content-Type": "text/html"}),
        ],
    )
    def test_passing_troubles(self, client, scripted_responses, pending, answer):
        """What S3 cannot do just now is asked for again."""
        sent = scripted_responses(client, PUT, answer, 200)
        attach_confirm.put(client, pending(), b"abc")
        assert len(sent) == 2

    @pytest.mark.parametrize(
        "answer",
        [
            (403, error("SignatureDoesNotMatch"), {}),
            (403, error("AccessDenied"), {}),
            (400, error("IncompleteBody"), {}),
            (400, error("EntityTooLarge"), {}),
            (411, error("MissingContentLength"), {}),
            (404, error("NoSuchBucket"), {}),
            (501, error("NotImplemented"), {}),
            505,
            (307, error("TemporaryRedirect"), {"Location": "https://elsewhere.example/"}),
            403,
            400,
        ],
    )
    def test_what_stays_wrong(self, client, scripted_responses, pending, sleeps, answer):
        """What S3 will never take is not asked for again."""
        sent = scripted_responses(client, PUT, answer, 200)
        with pytest.raises(PutFailedError) as refused:
            attach_confirm.put(client, pending(), b"abc")
        assert len(sent) == 1
        assert sleeps == []
        assert advise(refused.value).action is Action.FIX

    @pytest.mark.parametrize(
        "failure",
        [SSLError(endpoint_url=URL, error="mistrusted"), HTTPClientError(error="anything")],
    )
    def test_what_nobody_knows(self, client, scripted_responses, pending, failure):
        """A certificate that is not trusted now will not be in a second."""
        sent = scripted_responses(client, PUT, failure, 200)
        with pytest.raises(type(failure)):
            attach_confirm.put(client, pending(), b"abc")
        assert len(sent) == 1

    def test_pauses(self, client, scripted_responses, pending, sleeps):
        """The pauses double from half a second to half a minute, with up to 0.5 at random."""
        scripted_responses(client, PUT, *[500] * 9, 200)
        attach_confirm.put(client, pending(), b"abc")
        for pause, least in zip(sleeps, [0.5, 1, 2, 4, 8, 16, 30, 30, 30], strict=True):
            assert least <= pause <= least + 0.5

    @pytest.mark.parametrize("failure", [500, LOST[0]])
    def test_until_the_url_expires(self, client, scripted_responses, sleeps, pending, failure):
        """No attempt starts after the URL's time, and the last failure is what is raised."""
        lifetime = 60
        sent = scripted_responses(client, PUT, failure)
        wanted = PutFailedError if failure == 500 else ReadTimeoutError
        with pytest.raises(wanted):
            attach_confirm.put(client, pending(lifetime=lifetime), b"abc")
        assert len(sent) == len(sleeps) + 1
        assert sum(sleeps) < lifetime
        assert sum(sleeps) > 0.5 + 1 + 2 + 4 + 8 + 16

    @pytest.mark.parametrize("lifetime", [0.4, 0, -1, -86400])
    def test_a_clock_that_is_ahead(self, client, scripted_responses, pending, lifetime):
        """The first attempt is made whatever this machine's clock says; a second is not."""
        scripted_responses(client, PUT, 200)
        attach_confirm.put(client, pending(lifetime=lifetime), b"abc")
        sent = scripted_responses(client, PUT, 500, 200)
        with pytest.raises(PutFailedError):
            attach_confirm.put(client, pending(lifetime=lifetime), b"abc")
        assert len(sent) == 1

    def test_from_where_it_stood(self, client, scripted_responses, pending):
        """A repeated attempt sends the same bytes as the first, not what is left of the file."""
        file = io.BytesIO(b"header" + b"abc")
        file.seek(6)
        sent = scripted_responses(client, PUT, 500, LOST[0], 200)
        attach_confirm.put(client, pending(), file)
        assert [request.body for request in sent] == [b"abc"] * 3

    def test_the_same_headers(self, client, scripted_responses, pending):
        """A repeated attempt is the same request."""
        sent = scripted_responses(client, PUT, 500, 200)
        attach_confirm.put(client, pending(**{"x-amz-acl": "private"}), b"abc")
        assert sent[0].headers == sent[1].headers
        assert sent[0].url == sent[1].url


class TestCallback:
    """Progress, as boto3 tells it."""

    def test_bytes_since_the_last_call(self, client, scripted_responses, pending):
        """Each call tells the bytes since the one before, and together they are the file."""
        heard = []
        scripted_responses(client, PUT, 200)
        data = bytes(100_000)
        attach_confirm.put(client, pending(size=len(data)), data, callback=heard.append)
        assert heard == [16384] * 6 + [1696]

    def test_negative_when_it_starts_over(self, client, scripted_responses, pending):
        """A retry takes back what the failed attempt told."""
        heard = []
        scripted_responses(client, PUT, 500, 500, 200)
        attach_confirm.put(client, pending(), b"abc", callback=heard.append)
        assert heard == [3, -3, 3, -3, 3]

    def test_nothing_taken_back_that_was_not_told(self, client, pending):
        """An attempt that failed before it read a byte has nothing to take back."""
        heard, failures = [], [LOST[1]]

        def fail(**_):
            if failures:
                raise failures.pop()

        client.meta.events.register_first("before-send.s3.PutObject", fail)
        with pytest.raises(PutFailedError):
            attach_confirm.put(client, pending(), b"abc", callback=heard.append)
        assert heard == []

    @pytest.mark.parametrize(
        "failure",
        [
            RuntimeError("stop"),
            OSError(errno.EPIPE, "no terminal"),
            KeyError("stop"),
            KeyboardInterrupt(),
            SystemExit(3),
            CancelledError(),
            TimeoutError(),
            AssertionError("stop"),
            *LOST,
            PutFailedError(503, "SlowDown", None),
            HTTPClientError(error="of another request"),
        ],
        ids=lambda failure: type(failure).__name__,
    )
    @pytest.mark.parametrize("at", ["start", "retry"])
    def test_what_it_raises_ends_the_upload(self, client, scripted_responses, pending, failure, at):
        """It stops at once, with that very exception, even if it looks like a lost connection."""
        heard = []

        def callback(count):
            heard.append(count)
            if at == "start" or count < 0:
                raise failure

        sent = scripted_responses(client, PUT, 500, 200)
        with pytest.raises(type(failure)) as raised:
            attach_confirm.put(client, pending(), b"abc", callback=callback)
        assert raised.value is failure
        assert heard == {"start": [3], "retry": [3, -3]}[at]
        assert len(sent) == {"start": 0, "retry": 1}[at]


class Changing(io.BytesIO):
    """A file that is cut or grows while it is sent."""

    def __init__(self, data, after, change):
        super().__init__(data)
        self._left = after
        self._change = change

    def read(self, size=-1, /):
        """Read on, or change first."""
        if size:
            self._left -= 1
        if self._left == 0:
            place = self.tell()
            self._change(self)
            self.seek(place)
        return super().read(size)


class TestChangingFiles:
    """A file that is not what it was when its size was asked for."""

    @pytest.mark.parametrize("after", [1, 2, 3])
    def test_shrinks(self, client, scripted_responses, pending, after):
        """A file that is cut meanwhile is told, and not sent to its end."""
        sent = scripted_responses(client, PUT, 200)
        size = 3 * 16384
        file = Changing(bytes(size), after, lambda file: file.truncate(10))
        with pytest.raises(InvalidInputError) as refused:
            attach_confirm.put(client, pending(size=size), file)
        assert str(refused.value) == (
            f"source: had {size} bytes and has fewer now; it changed while it was sent"
        )
        assert sent == []

    @pytest.mark.parametrize("after", [1, 2, 3])
    def test_grows(self, client, scripted_responses, pending, after):
        """A file that is written to meanwhile is told before its last byte is sent."""
        sent = scripted_responses(client, PUT, 200)
        size = 3 * 16384
        file = Changing(
            bytes(size), after, lambda file: (file.seek(0, io.SEEK_END), file.write(b"more"))
        )
        with pytest.raises(InvalidInputError) as refused:
            attach_confirm.put(client, pending(size=size), file)
        assert str(refused.value) == (
            f"source: had {size} bytes and has more now; it changed while it was sent"
        )
        assert sent == []

    @pytest.mark.parametrize(
        "failure", [OSError(errno.EIO, "Input/output error"), io.UnsupportedOperation("read")]
    )
    def test_cannot_be_read_on(self, client, scripted_responses, pending, failure):
        """A disk that fails half-way is told as the file's trouble, with its reason behind it."""

        def fail(_):
            raise failure

        sent = scripted_responses(client, PUT, 200)
        file = Changing(bytes(40_000), 2, fail)
        with pytest.raises(InvalidInputError) as refused:
            attach_confirm.put(client, pending(size=40_000), file)
        assert refused.value.reason.startswith("could not be read to its end: ")
        assert "None" not in refused.value.reason
        assert refused.value.__cause__ is failure
        assert sent == []

    def test_the_parameter_of_an_upload(self, fake, token):
        """In an upload, the file is called as `upload` calls it."""
        file = Changing(bytes(100), 1, lambda file: file.truncate(10))
        with pytest.raises(InvalidInputError) as refused:
            attach_confirm.upload(fake.client, file, token, name="a.txt")
        assert refused.value.parameter == "source"
        assert [attachment.state for attachment in fake.attachments] == ["STARTED"]

    def test_short_reads(self, client, scripted_responses, pending):
        """A stream that gives less than it is asked for has not shrunk."""

        class Short(io.BytesIO):
            def read(self, size=-1, /):
                return super().read(min(size, 7))

        sent = scripted_responses(client, PUT, 200)
        attach_confirm.put(client, pending(size=100), Short(bytes(range(100))))
        assert sent[0].body == bytes(range(100))

    def test_short_reads_of_the_fake(self, fake, token):
        """Nor has it for a listener that reads the body at one go, as moto does."""

        class Short(io.BytesIO):
            def read(self, size=-1, /):
                return super().read(min(size, 7))

        heard = []
        data = bytes(range(100))
        attach_confirm.upload(fake.client, Short(data), token, name="a.txt", callback=heard.append)
        assert fake.attachments[0].data == data
        assert sum(heard) == 100


class TestAnswers:
    """What S3 says."""

    def refused(self, client, scripted_responses, pending, answer):
        """Send a PUT that is answered so, and return the error."""
        scripted_responses(client, PUT, answer)
        with pytest.raises(attach_confirm.AttachConfirmError) as raised:
            attach_confirm.put(client, pending(), b"abc")
        return raised.value

    def test_an_error_of_s3(self, client, scripted_responses, pending):
        """The status, S3's code and its request id are the error's attributes."""
        body = error("SignatureDoesNotMatch", RequestId="R1", HostId="H1")
        found = self.refused(client, scripted_responses, pending, (403, body, {}))
        assert (found.status_code, found.error_code, found.request_id) == (
            403,
            "SignatureDoesNotMatch",
            "R1",
        )

    def test_a_request_id_in_the_headers(self, client, scripted_responses, pending):
        """Without a body, the request id comes from the headers."""
        found = self.refused(
            client, scripted_responses, pending, (403, b"", {"x-amz-request-id": "R2"})
        )
        assert (found.status_code, found.error_code, found.request_id) == (403, None, "R2")

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"   ",
            b"Forbidden",
            b"<html><head><title>403</title></head><body><hr>Forbidden</body></html>",
            b"<html><body>Forbidden</body></html>",
            b"<Error><Code>Acc",
            b"<Error/>",
            b"<Error><Code/></Error>",
            b'{"Code": "AccessDenied"}',
            b"\xff\xfe\x00\x01",
            b"\x1f\x8b\x08\x00",
            b'<?xml version="1.0" encoding="Shift_JIS"?><html/>',
            b'<?xml version="1.0" encoding="no-such-thing"?><Error/>',
            b'<?xml version="1.0" encoding="idna"?><Error/>',
            b'<!DOCTYPE html [<!ENTITY a "b">]><html>&a;&c;</html>',
        ],
    )
    def test_no_error_of_s3(self, client, scripted_responses, pending, body):
        """Whatever a proxy answers in S3's place, the status is told, and no code is invented."""
        found = self.refused(client, scripted_responses, pending, (403, body, {}))
        assert (type(found), found.status_code, found.error_code) == (PutFailedError, 403, None)

    @given(
        body=st.one_of(
            st.binary(max_size=60), st.text(max_size=30).map(lambda t: t.encode(errors="ignore"))
        )
    )
    def test_wild_bodies(self, client, scripted_responses, pending, body):
        """No body makes the error another one."""
        assert self.refused(client, scripted_responses, pending, (403, body, {})).status_code == 403

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (
                403,
                error(
                    "AccessDenied",
                    "Request has expired",
                    **{"X-Amz-Expires": "300"},
                    Expires="2026-11-22T08:15:46Z",
                    ServerTime="2026-11-22T08:20:00Z",
                ),
            ),
            (400, error("ExpiredToken", "The provided token has expired.")),
            (403, error("RequestExpired")),
        ],
    )
    def test_expired(self, client, scripted_responses, pending, status, body):
        """However S3 says that the time is up, it is one error, with the time, and not retried."""
        scripted_responses(client, PUT, (status, body, {}), 200)
        late = pending()
        with pytest.raises(UploadUrlExpiredError) as raised:
            attach_confirm.put(client, late, b"abc")
        assert raised.value.attachment_id == "att-1"
        assert raised.value.expires_at == late.expires_at

    def test_access_denied_for_another_reason(self, client, scripted_responses, pending):
        """A bucket's policy that denies the upload is no expiry."""
        found = self.refused(client, scripted_responses, pending, (403, error("AccessDenied"), {}))
        assert isinstance(found, PutFailedError)

    def test_half_a_refusal(self, client, scripted_responses, pending):
        """A refusal that is cut off says too little, and is tried again as a lost answer is."""
        whole = error("AccessDenied", "Request has expired", Expires="2026-11-22T08:15:46Z")
        half = (403, whole[: len(whole) // 2], {"Content-Length": str(len(whole))})
        sent = scripted_responses(client, PUT, half, (200, b"", {"Content-Length": "0"}))
        attach_confirm.put(client, pending(), b"abc")
        assert len(sent) == 2

    def test_half_a_refusal_each_time(self, client, scripted_responses, pending):
        """What is left in the end is a lost answer, which shows no signature."""
        scripted_responses(client, PUT, (403, b"<Err", {"Content-Length": "99"}))
        with pytest.raises(ConnectionClosedError) as raised:
            attach_confirm.put(client, pending(), b"abc")
        assert "5eed" not in f"{raised.value} {raised.value.kwargs}"
        assert advise(raised.value).action is Action.RETRY

    def test_a_redirect_is_not_followed(self, client, scripted_responses, pending):
        """Bytes and signed headers are not sent to where a redirect points."""
        sent = scripted_responses(
            client, PUT, (307, error("TemporaryRedirect"), {"Location": "https://evil.example/"})
        )
        with pytest.raises(PutFailedError) as raised:
            attach_confirm.put(client, pending(), b"abc")
        assert raised.value.status_code == 307
        assert len(sent) == 1


class TestSuccess:
    """What is taken for one."""

    def test_a_proxys_page_is_none(self, client, scripted_responses, pending):
        """A 200 with a body that is not S3's is no success, and not sent again blindly."""
        page = b"<!DOCTYPE html><title>Sign in</title>"
        sent = scripted_responses(client, PUT, (200, page, {"Content-Type": "text/html"}))
        with pytest.raises(
            UnexpectedResponseError, match=r"no ETag.* a body of text/html"
        ) as raised:
            attach_confirm.put(client, pending(), b"abc")
        assert attach_confirm.advise(raised.value).action == "RETRY"
        assert len(sent) == 1

    @pytest.mark.parametrize(
        ("body", "headers"),
        [
            (b"", {}),
            (b"", {"ETag": '"1"'}),
            (b"<Done/>", {"ETag": '"1"'}),
            (b"ok", {"x-amz-request-id": "1"}),
        ],
    )
    def test_s3s_is_one(self, client, scripted_responses, pending, body, headers):
        """S3 answers with headers of its own and no body; either is enough."""
        scripted_responses(client, PUT, (200, body, headers))
        attach_confirm.put(client, pending(), b"abc")


class TestSchemes:
    """Which URLs are taken."""

    @pytest.mark.parametrize("url", ["http://bucket.example/k", "ftp://bucket.example/k", "", "k"])
    def test_not_https(self, client, scripted_responses, pending, url):
        """Where the service is reached over TLS, the bytes go over TLS."""
        sent = scripted_responses(client, PUT, 200)
        upload = attach_confirm.PendingUpload(
            "att-1", url, {"Content-Length": "3"}, pending().expires_at
        )
        with pytest.raises(attach_confirm.UnexpectedResponseError, match="upload URL is not https"):
            attach_confirm.put(client, upload, b"abc")
        assert sent == []

    def test_no_url(self, pending):
        """A URL that cannot be one is refused in a word of this library's, over TLS or not."""
        for endpoint in ("https://service.example", "http://service.example"):
            client = attach_confirm.client("us-west-2", endpoint_url=endpoint)
            with pytest.raises(
                attach_confirm.UnexpectedResponseError, match="upload URL is no URL"
            ):
                attach_confirm.put(
                    client, pending(url="https://[::1/k?X-Amz-Signature=5eed"), b"abc"
                )

    def test_https_in_capitals(self, client, scripted_responses, pending):
        """A scheme is the same in capitals."""
        sent = scripted_responses(client, PUT, 200)
        attach_confirm.put(client, pending(url="HTTPS://bucket.example/k"), b"abc")
        assert len(sent) == 1

    def test_a_fake_without_tls(self, scripted_responses, pending):
        """A client of a service without TLS, as a fake on this machine, takes both."""
        local = attach_confirm.client("us-west-2", endpoint_url="http://127.0.0.1:5000")
        sent = scripted_responses(local, PUT, 200)
        attach_confirm.put(local, pending(url="http://127.0.0.1:5000/k"), b"abc")
        attach_confirm.put(local, pending(url="https://bucket.example/k"), b"abc")
        assert len(sent) == 2


class TestSecrets:
    """The URL's query in what is raised."""

    @pytest.mark.parametrize(
        "failure",
        [*LOST, SSLError(endpoint_url=URL, error=f"bad {URL}"), HTTPClientError(error=f"at {URL}")],
        ids=lambda failure: type(failure).__name__,
    )
    def test_of_botocores_errors(self, client, scripted_responses, pending, failure):
        """An error of botocore's is raised as its own class, without the query in its text."""
        scripted_responses(client, PUT, failure)
        with pytest.raises(type(failure)) as raised:
            attach_confirm.put(client, pending(url=URL, lifetime=0), b"abc")
        assert type(raised.value) is type(failure)
        assert "5eed" not in str(raised.value)
        assert "5eed" not in repr(vars(raised.value))
        assert raised.value.__cause__ is raised.value.__context__ is None
