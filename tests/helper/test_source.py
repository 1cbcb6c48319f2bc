import codecs
import errno
import gzip
import http.client
import io
import lzma
import mimetypes
import os
import re
import ssl
import tarfile
import tempfile
import tracemalloc
import zipfile
import zlib
from asyncio import CancelledError
from http.client import HTTPResponse
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest
import requests
import urllib3
from botocore.exceptions import IncompleteReadError
from botocore.exceptions import ReadTimeoutError as BotocoreReadTimeoutError
from botocore.response import StreamingBody

import attach_confirm
from attach_confirm import (
    Action,
    InvalidInputError,
    PutFailedError,
    SourceReadError,
    _source,
    advise,
)
from attach_confirm_stubs import ModeledError
from tests.support.stubs import NonSeekableStream

PDF = b"%PDF-1.7 a receipt"
MIB = 1024 * 1024


@pytest.fixture
def receipt(tmp_path):
    path = tmp_path / "receipt.pdf"
    path.write_bytes(PDF)
    return path


@pytest.fixture
def nothing_sent(client, recorded_requests):
    """Check after the test that the client sent no request."""
    requests = recorded_requests(client)
    yield
    assert requests == []


class FileSystemPath:
    def __init__(self, path):
        self._path = path

    def __fspath__(self):
        return self._path


class ScriptedStream:
    """A stream that cannot seek.

    Args:
        *results: What `read` returns or raises; then it returns b"".
    """

    def __init__(self, *results):
        self._results = list(results)

    def read(self, size=-1):
        """Return the next result, or raise it."""
        if not size or not self._results:
            return b""
        result = self._results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result


class ReadOnlyStream:
    """A file-like object whose only method is `read`."""

    def __init__(self, read):
        self.read = read


def upload(client, source, _):
    return attach_confirm.upload(client, source, "token", name="a.txt")


def put(client, source, make_pending_upload):
    return attach_confirm.put(client, make_pending_upload(), source)


FUNCTIONS = [pytest.param(upload, id="upload"), pytest.param(put, id="put")]


class TestPath:
    @pytest.mark.parametrize("path_type", [str, Path, lambda path: FileSystemPath(str(path))])
    def test_path_is_sent(self, fake, token, receipt, path_type):
        sent = attach_confirm.upload(fake.client, path_type(receipt), token)
        (attachment,) = fake.attachments
        for result in (sent, attachment):
            assert (result.name, result.size, result.content_type) == (
                "receipt.pdf",
                len(PDF),
                "application/pdf",
            )
        assert attachment.data == PDF

    def test_relative_path_is_sent(self, fake, token, receipt, monkeypatch):
        monkeypatch.chdir(receipt.parent.parent)
        sent = attach_confirm.upload(fake.client, f"{receipt.parent.name}/receipt.pdf", token)
        assert sent.name == "receipt.pdf"

    @pytest.mark.parametrize(
        ("suffix", "reason"),
        [
            pytest.param("/no.pdf", "No such file or directory", id="missing-file"),
            pytest.param("", "Is a directory", id="directory"),
            pytest.param("/\0.pdf", "embedded null byte", id="null-byte"),
        ],
    )
    @pytest.mark.parametrize("send", FUNCTIONS)
    @pytest.mark.usefixtures("nothing_sent")
    def test_unreadable_path_is_rejected(self, client, make_pending_upload, suffix, reason, send):
        path = f"{Path.home()}{suffix}"
        with pytest.raises(InvalidInputError) as raised:
            send(client, path, make_pending_upload)
        assert raised.value.parameter == "source"
        assert raised.value.reason == f"cannot read {path!r}: {reason}"
        assert isinstance(raised.value.__cause__, (OSError, ValueError))

    @pytest.mark.usefixtures("nothing_sent")
    def test_path_without_permission_is_rejected(self, client, receipt):
        receipt.chmod(0)
        if os.access(receipt, os.R_OK):
            pytest.skip("the user can read every file")
        with pytest.raises(InvalidInputError, match="Permission denied"):
            attach_confirm.upload(client, receipt, "token")

    @pytest.mark.usefixtures("nothing_sent")
    def test_bytes_path_is_rejected(self, client, receipt):
        """`os.PathLike` allows a path in bytes, but the attachment's name must be a str."""
        path = FileSystemPath(os.fsencode(receipt))
        with pytest.raises(InvalidInputError) as raised:
            attach_confirm.upload(client, path, "token", name="receipt.pdf")
        assert raised.value.parameter == "source"

    @pytest.mark.skipif(os.name != "posix", reason="file names are bytes on POSIX only")
    @pytest.mark.usefixtures("nothing_sent")
    def test_undecodable_file_name_is_rejected(self, client, tmp_path):
        path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.pdf")
        try:
            Path(path).write_bytes(PDF)
        except OSError:
            pytest.skip("the file system accepts Unicode names only")
        with pytest.raises(InvalidInputError) as raised:
            attach_confirm.upload(client, path, "token")
        assert str(raised.value) == (
            "name: contains a lone surrogate (U+DCFF) at position 0; remove it"
        )

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the platform has no FIFOs")
    def test_fifo_is_sent(self, fake, token, tmp_path):
        path = tmp_path / "receipt.txt"
        os.mkfifo(path)
        data = b"x" * 200_000
        writer = Thread(target=path.write_bytes, args=(data,))
        writer.start()
        attach_confirm.upload(fake.client, path, token)
        writer.join()
        assert [(a.name, a.data) for a in fake.attachments] == [("receipt.txt", data)]

    def test_file_deleted_during_upload_is_sent(self, fake, token, tmp_path):
        """An open file remains readable after it is deleted."""
        path = tmp_path / "receipt.txt"
        path.write_bytes(b"abc" * 100_000)
        try:
            attach_confirm.upload(
                fake.client, path, token, callback=lambda _: path.unlink(missing_ok=True)
            )
        except PermissionError:
            pytest.skip("the platform cannot delete an open file")
        assert not path.exists()
        assert fake.attachments[0].data == b"abc" * 100_000


class TestBinaryFile:
    def test_open_file_is_sent_and_left_open(self, fake, token, receipt):
        with receipt.open("rb") as file:
            sent = attach_confirm.upload(fake.client, file, token)
            assert not file.closed
        assert sent.name == "receipt.pdf"
        assert fake.attachments[0].data == PDF

    def test_file_is_sent_from_current_position(self, fake, token):
        file = io.BytesIO(b"header" + PDF)
        file.seek(6)
        sent = attach_confirm.upload(fake.client, file, token, name="receipt.pdf")
        assert sent.size == len(PDF)
        assert fake.attachments[0].data == PDF

    def test_repeated_upload_sends_the_same_bytes(self, fake, token):
        """After an error, `advise` may return RETRY: repeat the call with the same arguments."""
        file = io.BytesIO(b"header" + PDF)
        file.seek(6)
        fake.inject("PutObject", ModeledError("SignatureDoesNotMatch"))
        with pytest.raises(PutFailedError):
            attach_confirm.upload(fake.client, file, token, name="receipt.pdf")
        attach_confirm.upload(fake.client, file, token, name="receipt.pdf")
        assert fake.attachments[-1].data == PDF

    def test_repeated_put_sends_the_same_bytes(
        self, client, scripted_responses, make_pending_upload
    ):
        pending = make_pending_upload(size=3)
        file = io.BytesIO(b"header123")
        file.seek(6)
        uploads = scripted_responses(client, "s3.PutObject", 403, 200)
        with pytest.raises(PutFailedError):
            attach_confirm.put(client, pending, file)
        attach_confirm.put(client, pending, file)
        assert [upload.body for upload in uploads] == [b"123", b"123"]

    @pytest.mark.parametrize("error", [OSError("seek"), LookupError("seek")])
    def test_file_that_cannot_return_does_not_hide_the_error(
        self, client, scripted_responses, make_pending_upload, error
    ):
        class File(io.BytesIO):
            def seek(self, *args):
                if uploads:
                    raise error
                return super().seek(*args)

        uploads = []
        uploads = scripted_responses(client, "s3.PutObject", 403)
        with pytest.raises(PutFailedError):
            attach_confirm.put(client, make_pending_upload(size=3), File(b"123"))

    def test_closed_file_does_not_hide_the_error(self, client, pending):
        """The file cannot return to its first byte."""
        file = io.BytesIO(b"123")
        error = LookupError("raised by the callback")

        def callback(_):
            file.close()
            raise error

        client.meta.events.register_first(
            "before-send.s3.PutObject", lambda request, **_: request.body.read(3) and None
        )
        with pytest.raises(LookupError) as raised:
            attach_confirm.put(client, pending(), file, callback=callback)
        assert raised.value is error

    @pytest.mark.parametrize(
        "stream_type",
        [
            lambda data: NonSeekableStream(data, chunk_size=3),
            lambda data: ReadOnlyStream(io.BytesIO(data).read),
        ],
        ids=["non-seekable", "read-only"],
    )
    def test_non_seekable_stream_is_sent(self, fake, token, stream_type):
        data = bytes(range(256)) * 41
        sent = attach_confirm.upload(fake.client, stream_type(data), token, name="a.txt")
        assert sent.size == len(data)
        assert fake.attachments[0].data == data

    def test_pipe_is_sent(self, http_server, http_server_client):
        """The Content-Length is the pipe's size, although a pipe cannot seek."""
        read_end, write_end = os.pipe()
        data = os.urandom(50_000)
        with os.fdopen(write_end, "wb") as pipe:
            pipe.write(data)
        with os.fdopen(read_end, "rb") as pipe:
            sent = attach_confirm.upload(http_server_client, pipe, "token", name="a.mp4")
        assert sent.size == len(data)
        (request,) = (request for request in http_server.requests if request.method == "PUT")
        assert request.body == data

    def test_gzip_file_is_sent_decompressed(self, fake, token, receipt):
        compressed = receipt.with_suffix(".pdf.gz")
        compressed.write_bytes(gzip.compress(PDF * 100))
        with gzip.open(compressed) as file:
            sent = attach_confirm.upload(fake.client, file, token, name="receipt.pdf")
        assert sent.size == len(PDF) * 100
        assert fake.attachments[0].data == PDF * 100

    @pytest.mark.parametrize("send", FUNCTIONS)
    @pytest.mark.usefixtures("nothing_sent")
    def test_empty_source_is_rejected(self, client, make_pending_upload, tmp_path, send):
        file_at_end = io.BytesIO(PDF)
        file_at_end.seek(0, os.SEEK_END)
        file_behind_end = io.BytesIO(PDF)
        file_behind_end.seek(1000)
        empty_path = tmp_path / "empty.txt"
        empty_path.touch()
        sources = [b"", file_at_end, file_behind_end, empty_path]
        if send is upload:
            sources += [NonSeekableStream(b""), ReadOnlyStream(io.BytesIO().read)]
        for source in sources:
            with pytest.raises(InvalidInputError) as raised:
                send(client, source, make_pending_upload)
            assert str(raised.value) == "source: has 0 bytes; must have at least 1"


@pytest.mark.parametrize("source_type", ["path", "stream"])
def test_memory_does_not_grow_with_file_size(
    http_server, http_server_client, tmp_path, source_type
):
    http_server.keep_bodies = False
    path = tmp_path / "a.mp4"

    def peak_memory(size):
        with path.open("wb") as file:
            file.truncate(size)
        with path.open("rb") as file:
            source = path if source_type == "path" else ReadOnlyStream(file.read)
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            sent = attach_confirm.upload(http_server_client, source, "token", name="a.mp4")
            assert sent.size == size
            return tracemalloc.get_traced_memory()[1] - before

    tracemalloc.start()
    try:
        peak_memory(MIB)
        small, large = peak_memory(MIB), peak_memory(100 * MIB)
    finally:
        tracemalloc.stop()
    assert [request.body for request in http_server.requests if request.length == 100 * MIB] == [
        b""
    ]
    assert large - small <= 8 * MIB


def response(headers=b"", body=b"", *, sent=None):
    """Return an `http.client` response that is truncated after `sent` bytes of the body."""
    received = io.BytesIO(b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n" + body[:sent])
    result = HTTPResponse(SimpleNamespace(makefile=lambda _: received))
    result.begin()
    return result


def urllib3_response(headers, body, **kwargs):
    return urllib3.HTTPResponse(io.BytesIO(body), headers=headers, preload_content=False, **kwargs)


class StreamWithHeaders(NonSeekableStream):
    """A stream that knows its length only from headers."""

    def __init__(self, data, headers):
        super().__init__(data)
        self.headers = headers


class StreamWithLength(NonSeekableStream):
    """A stream whose length does not count down."""

    def __init__(self, data, length):
        super().__init__(data)
        self.length = length


ZIPPED = gzip.compress(os.urandom(1000))
GZIP = {"Content-Encoding": "gzip", "Content-Length": str(len(ZIPPED))}


def tar_archive():
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name in ("a.txt", "b.txt"):
            member = tarfile.TarInfo(name)
            member.size = 3
            tar.addfile(member, io.BytesIO(b"123"))
    return archive.getvalue()


TAR = tar_archive()


def tar_member(sent=None):
    """Return the first member of an archive that is read from a response."""
    archive = response(b"Content-Length: %d\r\n" % len(TAR), TAR, sent=sent)
    tar = tarfile.open(fileobj=archive, mode="r|", bufsize=tarfile.BLOCKSIZE)  # noqa: SIM115
    return tar.extractfile(tar.next())


def truncated_gzip_response():
    headers = b"Content-Length: %d\r\n" % len(ZIPPED)
    return gzip.GzipFile(fileobj=response(headers, ZIPPED, sent=500))


TRUNCATED_STREAMS = {
    "http.client": lambda: response(b"Content-Length: 9\r\n", b"123456789", sent=3),
    "http.client-nothing": lambda: response(b"Content-Length: 9\r\n"),
    "http.client-chunked": lambda: response(
        b"Transfer-Encoding: chunked\r\n", b"3\r\n123\r\n6\r\n45"
    ),
    "BufferedReader": lambda: io.BufferedReader(
        response(b"Content-Length: 9\r\n", b"123456789", sent=3)
    ),
    "urllib3": lambda: urllib3_response(
        {"Content-Length": "9"}, b"123", enforce_content_length=False
    ),
    "urllib3-checked": lambda: urllib3_response(
        {"Content-Length": "9"}, b"123", enforce_content_length=True
    ),
    "urllib3-gzip": lambda: urllib3_response(GZIP, ZIPPED[:500], enforce_content_length=False),
    "urllib3-gzip-nothing": lambda: urllib3_response(GZIP, b"", enforce_content_length=False),
    "GzipFile": truncated_gzip_response,
    "BufferedReader-GzipFile": lambda: io.BufferedReader(truncated_gzip_response()),
    "tar": lambda: tar_member(sent=tarfile.BLOCKSIZE + 2),
    "botocore": lambda: StreamingBody(io.BytesIO(b"123"), 9),
    "headers": lambda: StreamWithHeaders(b"123", {"content-length": "9"}),
    "length": lambda: StreamWithLength(b"123", 9),
}

COMPLETE_STREAMS = {
    "http.client": (lambda: response(b"Content-Length: 3\r\n", b"123"), b"123"),
    "http.client-partly-read": (
        lambda: skip(1, response(b"Content-Length: 3\r\n", b"123")),
        b"23",
    ),
    "http.client-chunked": (
        lambda: response(b"Transfer-Encoding: chunked\r\n", b"3\r\n123\r\n0\r\n\r\n"),
        b"123",
    ),
    "http.client-unknown": (lambda: response(b"", b"123"), b"123"),
    "BufferedReader": (
        lambda: skip(1, io.BufferedReader(response(b"Content-Length: 3\r\n", b"123"))),
        b"23",
    ),
    "urllib3": (lambda: urllib3_response({"Content-Length": "3"}, b"123"), b"123"),
    "urllib3-part": (
        lambda: skip(1, urllib3_response({"Content-Length": "3"}, b"123")),
        b"23",
    ),
    "urllib3-gzip": (
        lambda: urllib3_response(
            {**GZIP, "Content-Length": str(len(gzip.compress(b"1")))}, gzip.compress(b"1")
        ),
        b"1",
    ),
    "GzipFile": (
        lambda: gzip.GzipFile(
            fileobj=response(
                b"Content-Length: %d\r\n" % len(gzip.compress(b"1")), gzip.compress(b"1")
            )
        ),
        b"1",
    ),
    "BufferedReader-GzipFile": (
        lambda: io.BufferedReader(gzip.GzipFile(fileobj=response(b"", gzip.compress(b"1")))),
        b"1",
    ),
    "tar": (tar_member, b"123"),
    "headers": (lambda: StreamWithHeaders(b"123", {"Content-Length": "3"}), b"123"),
    "headers-encoded": (
        lambda: StreamWithHeaders(b"123", {"Content-Length": "9", "Content-Encoding": "br"}),
        b"123",
    ),
    "headers-invalid": (lambda: StreamWithHeaders(b"123", {"Content-Length": "?"}), b"123"),
    "headers-none": (lambda: StreamWithHeaders(b"123", None), b"123"),
    "length": (lambda: StreamWithLength(b"123", 3), b"123"),
    "length-is-no-number": (lambda: StreamWithLength(b"123", len), b"123"),
}


def skip(count, stream):
    stream.read(count)
    return stream


class TestStreamLength:
    """Streams that know how many bytes they have."""

    @pytest.mark.parametrize("name", TRUNCATED_STREAMS)
    @pytest.mark.usefixtures("nothing_sent")
    def test_truncated_stream_is_rejected(self, client, name):
        with pytest.raises(SourceReadError) as raised:
            attach_confirm.upload(client, TRUNCATED_STREAMS[name](), "token", name="a.txt")
        assert raised.value.retryable

    @pytest.mark.usefixtures("nothing_sent")
    def test_message_has_the_number_of_missing_bytes(self, client):
        for stream in (TRUNCATED_STREAMS["http.client"](), TRUNCATED_STREAMS["headers"]()):
            with pytest.raises(SourceReadError) as raised:
                attach_confirm.upload(client, stream, "token", name="a.txt")
            assert str(raised.value) == "source: ended after 3 bytes; 6 are missing"

    @pytest.mark.parametrize("name", COMPLETE_STREAMS)
    def test_complete_stream_is_sent(self, fake, token, name):
        create, data = COMPLETE_STREAMS[name]
        attach_confirm.upload(fake.client, create(), token, name="a.txt")
        assert fake.attachments[0].data == data

    @pytest.mark.parametrize("name", COMPLETE_STREAMS)
    def test_complete_stream_is_sent_without_a_copy(
        self, client, scripted_responses, make_pending_upload, monkeypatch, name
    ):
        monkeypatch.setattr("tempfile.TemporaryFile", None)
        create, data = COMPLETE_STREAMS[name]
        requests = scripted_responses(client, "s3.PutObject", 200)
        attach_confirm.put(client, make_pending_upload(size=len(data)), create())
        assert requests[0].body == data

    @pytest.mark.parametrize("name", sorted(TRUNCATED_STREAMS.keys() - {"botocore"}))
    def test_truncated_stream_is_not_confirmed_without_a_copy(
        self, client, scripted_responses, make_pending_upload, name
    ):
        """The size that the stream should have is known."""
        sizes = {"GzipFile": 1000, "urllib3-gzip": 1000, "urllib3-gzip-nothing": 1000}
        requests = scripted_responses(client, "s3.PutObject", 200)
        with pytest.raises(SourceReadError) as raised:
            attach_confirm.put(
                client, make_pending_upload(size=sizes.get(name, 9)), TRUNCATED_STREAMS[name]()
            )
        assert raised.value.retryable
        assert requests == []

    @pytest.mark.parametrize("name", ["http.client", "urllib3", "headers", "length"])
    def test_stream_of_another_length_is_rejected(
        self, client, scripted_responses, make_pending_upload, name
    ):
        """Otherwise, the bytes that arrived could have the declared size."""
        requests = scripted_responses(client, "s3.PutObject", 200)
        with pytest.raises(InvalidInputError) as raised:
            attach_confirm.put(client, make_pending_upload(size=3), TRUNCATED_STREAMS[name]())
        assert str(raised.value) == "source: has 9 bytes; must have 3"
        assert requests == []


def test_stream_that_is_its_own_underlying_file_is_sent(fake, token):
    stream = NonSeekableStream(PDF)
    stream.raw = stream
    sent = attach_confirm.upload(fake.client, stream, token, name="a.pdf")
    assert sent.size == len(PDF)


class TestOneShotStream:
    """Streams that cannot seek, in `put`, which knows the size."""

    def test_stream_is_not_read_beyond_its_size(
        self, client, scripted_responses, make_pending_upload
    ):
        """What follows may belong to another file, or never come."""
        stream = NonSeekableStream(b"abcdef")
        requests = scripted_responses(client, "s3.PutObject", 200)
        attach_confirm.put(client, make_pending_upload(size=3), stream)
        assert requests[0].body == b"abc"
        assert stream.read() == b"def"

    def test_stream_that_was_read_is_not_sent_again(
        self, client, scripted_responses, make_pending_upload
    ):
        """A caller that follows RETRY passes the same stream again. The rest is not the file."""
        stream = NonSeekableStream(b"abcdef")
        requests = scripted_responses(client, "s3.PutObject", 503, 200)
        with pytest.raises(PutFailedError) as raised:
            attach_confirm.put(client, make_pending_upload(size=3), stream)
        assert advise(raised.value).action is Action.RETRY
        with pytest.raises(InvalidInputError, match="partly read by an earlier call") as rejected:
            attach_confirm.put(client, make_pending_upload(size=3), stream)
        assert advise(rejected.value).action is Action.FIX
        assert [request.body for request in requests] == [b"abc"]

    def test_stream_with_several_files_is_sent(
        self, client, scripted_responses, make_pending_upload
    ):
        stream = NonSeekableStream(b"abcdef")
        requests = scripted_responses(client, "s3.PutObject", 200)
        for _ in range(2):
            attach_confirm.put(client, make_pending_upload(size=3), stream)
        assert [request.body for request in requests] == [b"abc", b"def"]

    def test_short_stream_raises(self, client, scripted_responses, make_pending_upload):
        requests = scripted_responses(client, "s3.PutObject", 200)
        with pytest.raises(SourceReadError) as raised:
            attach_confirm.put(client, make_pending_upload(size=9), NonSeekableStream(b"abc"))
        assert str(raised.value) == "source: ended after 3 of 9 bytes"
        assert raised.value.retryable
        assert requests == []

    def test_open_source_with_size(self):
        stream = NonSeekableStream(b"abcdef", name="a.txt")
        with _source.open_source(stream, 3) as source:
            assert source == (stream, 3, "a.txt", False, 0)
        assert not stream.closed

    def test_open_source_checks_size_of_file(self):
        with (
            pytest.raises(InvalidInputError, match=r"^source: has 6 bytes; must have 3$"),
            _source.open_source(b"abcdef", 3),
        ):
            pass

    def test_open_source_without_size_copies(self):
        with _source.open_source(NonSeekableStream(b"abcdef")) as source:
            assert source.can_seek
            assert (source.size, source.stream.read()) == (6, b"abcdef")
        assert source.stream.closed

    def test_size_of_proc_file_is_unknown(self, client, scripted_responses, make_pending_upload):
        path = "/proc/version"
        if not Path(path).exists():
            pytest.skip("the platform has no /proc")
        data = Path(path).read_bytes()
        requests = scripted_responses(client, "s3.PutObject", 200)
        attach_confirm.put(client, make_pending_upload(size=len(data)), path)
        assert requests[0].body == data

    @pytest.mark.parametrize("path", ["/proc/version", "/proc/self/cmdline"])
    def test_proc_file_is_sent(self, fake, token, path):
        """The first cannot seek to its end, and the end of the second is its start."""
        if not Path(path).exists():
            pytest.skip("the platform has no /proc")
        attach_confirm.upload(fake.client, path, token, name="a.txt")
        assert fake.attachments[0].data == Path(path).read_bytes()


def archive_error(function):
    try:
        function()
    except Exception as error:  # noqa: BLE001
        return error
    raise AssertionError


PERMANENT_ERRORS = [
    ValueError("no"),
    TypeError("no"),
    UnicodeDecodeError("utf-8", b"", 0, 1, "no"),
    io.UnsupportedOperation("no"),
    PermissionError(errno.EACCES, "no"),
    FileNotFoundError(errno.ENOENT, "no"),
    IsADirectoryError(errno.EISDIR, "no"),
    NotADirectoryError(errno.ENOTDIR, "no"),
    EOFError("no"),
    archive_error(lambda: gzip.decompress(b"no gzip")),
    archive_error(lambda: zlib.decompress(b"no zlib")),
    archive_error(lambda: lzma.decompress(b"no lzma")),
    archive_error(lambda: zipfile.ZipFile(io.BytesIO(b"no zip"))),
    archive_error(lambda: tarfile.open(fileobj=io.BytesIO(b"no tar"))),  # noqa: SIM115
]
TRANSIENT_ERRORS = [
    OSError(errno.EIO, "no"),
    OSError(errno.ENOSPC, "no"),
    ConnectionResetError(errno.ECONNRESET, "no"),
    BrokenPipeError(errno.EPIPE, "no"),
    TimeoutError("no"),
    ssl.SSLError("no"),
    http.client.IncompleteRead(b""),
    urllib3.exceptions.ProtocolError("no"),
    urllib3.exceptions.ReadTimeoutError(None, None, "no"),
    requests.ConnectionError("no"),
    requests.ReadTimeout("no"),
    requests.exceptions.ChunkedEncodingError("no"),
    IncompleteReadError(actual_bytes=1, expected_bytes=2),
    BotocoreReadTimeoutError(endpoint_url="no"),
    RuntimeError("no"),
    LookupError("no"),
]


class FailingStream(NonSeekableStream):
    """A stream that raises an exception at the second read."""

    def __init__(self, error):
        super().__init__(b"abc")
        self._error = error
        self._has_read = False

    def read(self, size=-1, /):
        if size and self._has_read:
            raise self._error
        self._has_read = self._has_read or bool(size)
        return super().read(min(size, 1))


class TestErrors:
    """Exceptions of sources."""

    @pytest.fixture(autouse=True)
    def storage(self, client, scripted_responses):
        """Store the bodies of PUTs."""
        return scripted_responses(client, "s3.PutObject", 200)

    @pytest.mark.parametrize(
        ("error", "retryable"),
        [(error, False) for error in PERMANENT_ERRORS]
        + [(error, True) for error in TRANSIENT_ERRORS],
        ids=lambda value: type(value).__name__,
    )
    def test_read_error_raises(self, client, make_pending_upload, error, retryable):
        for send in (upload, put):
            with pytest.raises(SourceReadError) as raised:
                send(client, FailingStream(error), make_pending_upload)
            assert raised.value.__cause__ is error
            assert raised.value.retryable is retryable
            assert raised.value.reason.startswith("read failed: ")
            action = Action.RETRY if retryable else Action.FIX
            assert advise(raised.value).action is action

    @pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(), CancelledError()])
    def test_base_exception_propagates_unchanged(self, client, make_pending_upload, error):
        for send in (upload, put):
            with pytest.raises(type(error)) as raised:
                send(client, FailingStream(error), make_pending_upload)
            assert raised.value is error

    @pytest.mark.parametrize("method", ["read", "readable", "seekable", "tell", "seek"])
    @pytest.mark.usefixtures("nothing_sent")
    def test_error_from_other_method_raises(self, client, method):
        class Stream(io.BytesIO):
            pass

        def fail(*_):
            raise ConnectionResetError(errno.ECONNRESET, "gone")

        setattr(Stream, method, fail)
        with pytest.raises(SourceReadError) as raised:
            attach_confirm.upload(client, Stream(b"abc"), "token", name="a.txt")
        assert str(raised.value) in {"source: read failed: gone", "source: seek failed: gone"}
        assert raised.value.retryable

    @pytest.mark.parametrize("number", [errno.EINVAL, errno.ESPIPE])
    def test_stream_that_cannot_seek_to_its_end_is_copied(self, number):
        """Some streams, for example files of /proc, report that they can seek."""

        class Stream(io.BytesIO):
            def seek(self, offset, whence=os.SEEK_SET):
                if whence == os.SEEK_END:
                    raise OSError(number, "no")
                return super().seek(offset, whence)

        with _source.open_source(Stream(b"abc")) as source:
            assert (source.size, source.stream.read()) == (3, b"abc")

    def test_seek_error_before_retry_raises(self, client, scripted_responses, make_pending_upload):
        class Stream(io.BytesIO):
            seeks = 0

            def seek(self, *args):
                self.seeks += 1
                if self.seeks > 3:
                    raise OSError(errno.EIO, "gone")
                return super().seek(*args)

        scripted_responses(client, "s3.PutObject", 500)
        with pytest.raises(SourceReadError, match=r"^source: seek failed: gone$"):
            attach_confirm.put(client, make_pending_upload(), Stream(b"abc"))

    def test_query_of_url_is_redacted(self, client):
        error = requests.ConnectionError("failed: https://bucket.example/k?X-Amz-Signature=5eed")
        with pytest.raises(SourceReadError) as raised:
            upload(client, FailingStream(error), None)
        assert "https://bucket.example/k?<redacted>" in str(raised.value)

    def test_exception_without_text_shows_class(self, client):
        with pytest.raises(SourceReadError, match=r"^source: read failed: RuntimeError$"):
            upload(client, FailingStream(RuntimeError()), None)

    @pytest.mark.parametrize(
        ("chunk", "reason"),
        [
            (None, "the stream is in non-blocking mode; pass a blocking stream"),
            ("text", "read() returned str instead of bytes"),
            (bytearray(b"abc"), "read() returned bytearray instead of bytes"),
            (bytes(2_000_000), r"read\(\d+\) returned 2000000 bytes"),
        ],
        ids=["None", "str", "bytearray", "too-long"],
    )
    def test_invalid_chunk_raises(self, client, make_pending_upload, chunk, reason):
        pattern = reason if "\\" in reason else re.escape(reason)
        for send in (upload, put):
            stream = ReadOnlyStream(lambda size: chunk if size else b"")
            with pytest.raises(SourceReadError, match=f"^source: {pattern}$") as raised:
                send(client, stream, make_pending_upload)
            assert not raised.value.retryable

    @pytest.mark.usefixtures("nothing_sent")
    def test_non_blocking_pipe_raises(self, client):
        """A pipe that has no data yet has not ended."""
        read_end, write_end = os.pipe()
        os.set_blocking(read_end, False)
        with (
            os.fdopen(write_end, "wb"),
            os.fdopen(read_end, "rb") as pipe,
            pytest.raises(SourceReadError),
        ):
            attach_confirm.upload(client, pipe, "token", name="a.txt")

    @pytest.mark.parametrize(
        ("error", "error_class"),
        [
            (OSError(errno.EMFILE, "Too many open files"), SourceReadError),
            (OSError(errno.EIO, "Input/output error"), SourceReadError),
            (OSError(errno.ENAMETOOLONG, "File name too long"), InvalidInputError),
            (OSError(errno.ELOOP, "Too many levels of symbolic links"), InvalidInputError),
            (PermissionError(errno.EACCES, "Permission denied"), InvalidInputError),
        ],
    )
    def test_open_error_raises(self, client, receipt, monkeypatch, error, error_class):
        def fail(*_):
            raise error

        monkeypatch.setattr(Path, "open", fail)
        with pytest.raises(error_class) as raised:
            attach_confirm.upload(client, receipt, "token")
        assert str(raised.value) == f"source: cannot read {str(receipt)!r}: {error.strerror}"
        assert raised.value.__cause__ is error
        assert getattr(raised.value, "retryable", False) is (error_class is SourceReadError)


class TestTemporaryFile:
    """The copy of a stream whose size is unknown."""

    @pytest.mark.parametrize("method", ["create", "write", "flush"])
    @pytest.mark.usefixtures("nothing_sent")
    def test_full_disk_is_retryable(self, client, monkeypatch, method):
        """FileNotFoundError can mean that the disk is full, so the class does not decide."""
        error = FileNotFoundError(errno.ENOENT, "No usable temporary directory found")
        if method != "create":
            error = OSError(errno.ENOSPC, "No space left on device")
        temporary_file = tempfile.TemporaryFile()  # noqa: SIM115

        class File:
            def write(self, data):
                if method == "write":
                    raise error
                return len(data)

            def seek(self, _):
                raise error

            def close(self):
                temporary_file.close()
                raise error

        def create():
            if method == "create":
                raise error
            return File()

        monkeypatch.setattr("tempfile.TemporaryFile", create)
        with pytest.raises(SourceReadError) as raised:
            attach_confirm.upload(client, NonSeekableStream(b"abc"), "token", name="a.txt")
        assert str(raised.value) == (
            f"source: cannot copy the stream to a temporary file: {error.strerror}"
        )
        assert raised.value.retryable
        assert raised.value.__cause__ is error
        assert temporary_file.closed or method == "create"
        temporary_file.close()

    def test_rest_of_a_stream_is_not_sent(self, fake, token):
        """A caller that follows RETRY passes the same stream again."""
        stream = ScriptedStream(b"123", TimeoutError("timed out"), b"456")
        with pytest.raises(SourceReadError):
            attach_confirm.upload(fake.client, stream, token, name="a.txt")
        with pytest.raises(InvalidInputError) as raised:
            attach_confirm.upload(fake.client, stream, token, name="a.txt")
        assert str(raised.value) == ("source: was partly read by an earlier call; open it again")
        assert not fake.attachments

    def test_stream_that_failed_before_its_first_byte_is_sent(self, fake, token):
        stream = ScriptedStream(TimeoutError("timed out"), b"123")
        with pytest.raises(SourceReadError):
            attach_confirm.upload(fake.client, stream, token, name="a.txt")
        attach_confirm.upload(fake.client, stream, token, name="a.txt")
        assert fake.attachments[0].data == b"123"

    def test_stream_with_another_file_after_its_end_is_sent(self, fake, token):
        """A reader of a FIFO gets another file when another writer opens the FIFO."""
        stream = ScriptedStream(b"123", b"", b"456")
        for data in (b"123", b"456"):
            attach_confirm.upload(fake.client, stream, token, name="a.txt")
            assert fake.attachments[-1].data == data

    def test_stream_without_weak_references_is_sent(self, fake, token):
        class Stream:
            __slots__ = ("read",)

            def __init__(self, read):
                self.read = read

        attach_confirm.upload(fake.client, Stream(io.BytesIO(b"123").read), token, name="a.txt")
        assert fake.attachments[0].data == b"123"


TEXT_FILES = {
    "open": lambda path: path.open(encoding="utf-8"),
    "StringIO": lambda path: io.StringIO(path.read_text()),
    "codecs": lambda path: codecs.getreader("utf-8")(path.open("rb")),
    "NamedTemporaryFile": lambda _: tempfile.NamedTemporaryFile("w+"),  # noqa: SIM115
    "SpooledTemporaryFile": lambda _: tempfile.SpooledTemporaryFile(mode="w+"),  # noqa: SIM115
}


@pytest.mark.usefixtures("nothing_sent")
class TestInvalidSource:
    @pytest.mark.parametrize("file_type", TEXT_FILES)
    def test_text_file_is_rejected(self, client, receipt, file_type):
        with TEXT_FILES[file_type](receipt) as file:
            if file_type.endswith("TemporaryFile"):
                file.write("a receipt")
                file.seek(0)
            with pytest.raises(InvalidInputError) as raised:
                attach_confirm.upload(client, file, "token", name="a.txt")
        assert str(raised.value) == "source: is a text file; open it in binary mode"

    def test_non_seekable_text_stream_is_rejected(self, client):
        stream = ReadOnlyStream(io.StringIO("text").read)
        with pytest.raises(InvalidInputError) as raised:
            attach_confirm.upload(client, stream, "token", name="a.txt")
        assert raised.value.parameter == "source"

    def test_closed_file_is_rejected(self, client, receipt):
        with receipt.open("rb") as file:
            pass
        with pytest.raises(InvalidInputError, match=r"^source: cannot read the file: it is closed"):
            attach_confirm.upload(client, file, "token")

    def test_detached_file_is_rejected(self, client, receipt):
        file = receipt.open("rb")
        with file.detach(), pytest.raises(SourceReadError) as raised:
            attach_confirm.upload(client, file, "token", name="a.txt")
        assert str(raised.value) == "source: read failed: raw stream has been detached"
        assert not raised.value.retryable

    def test_write_only_file_is_rejected(self, client, receipt):
        with receipt.open("ab") as file:
            file.seek(0)
            with pytest.raises(InvalidInputError) as raised:
                attach_confirm.upload(client, file, "token")
        assert str(raised.value) == "source: cannot read the file: it is not open for reading"

    def test_stream_of_other_type_is_rejected(self, client):
        """An asynchronous stream returns a coroutine, for example."""
        with pytest.raises(InvalidInputError) as raised:
            attach_confirm.upload(client, ReadOnlyStream(bytearray), "token", name="a.txt")
        assert str(raised.value) == "source: read() returns bytearray, not bytes"

    @pytest.mark.parametrize("send", FUNCTIONS)
    def test_other_type_is_rejected(self, client, make_pending_upload, send):
        """An int is not treated as a file descriptor."""
        for source in (None, 3, ["a.pdf"], bytearray(b"abc"), memoryview(b"abc")):
            with pytest.raises(InvalidInputError) as raised:
                send(client, source, make_pending_upload)
            assert raised.value.reason == (
                f"must be a path, bytes or a binary file, not {type(source).__name__}"
            )


class TestResolveName:
    @pytest.mark.parametrize(
        "create_source",
        [
            bytes,
            io.BytesIO,
            NonSeekableStream,
            lambda data: NonSeekableStream(data, name="<stdin>"),
        ],
        ids=["bytes", "BytesIO", "stream", "stdin"],
    )
    @pytest.mark.usefixtures("nothing_sent")
    def test_source_without_file_name_is_rejected(self, client, create_source):
        source = create_source(PDF)
        with pytest.raises(InvalidInputError) as raised:
            attach_confirm.upload(client, source, "token", content_type="text/plain")
        assert str(raised.value) == "name: the source has no file name; pass a name"

    @pytest.mark.usefixtures("nothing_sent")
    def test_descriptor_number_is_not_a_file_name(self, client):
        """The `name` of an unnamed temporary file is an int."""
        with tempfile.TemporaryFile() as file:
            file.write(PDF)
            file.seek(0)
            with pytest.raises(InvalidInputError, match=r"^name: "):
                attach_confirm.upload(client, file, "token", content_type="text/plain")

    def test_folders_of_stream_name_are_removed(self, fake, token):
        stream = NonSeekableStream(PDF, name="/some/folder/receipt.pdf")
        assert attach_confirm.upload(fake.client, stream, token).name == "receipt.pdf"

    def test_tar_member_does_not_have_the_name_of_its_archive(self, fake, token, tmp_path):
        path = tmp_path / "archive.tar"
        with tarfile.open(path, "w") as archive:
            (tmp_path / "receipt.pdf").write_bytes(PDF)
            archive.add(tmp_path / "receipt.pdf", "receipts/receipt.pdf")
        with tarfile.open(path) as archive:
            member = archive.extractfile("receipts/receipt.pdf")
            with _source.open_source(member) as source:
                # Only Python 3.13 and later keep the member's name.
                assert source.name in {None, "receipt.pdf"}
            attach_confirm.upload(fake.client, member, token, name="receipt.pdf")
        assert fake.attachments[0].data == PDF

    @pytest.mark.parametrize(
        ("module", "file_name", "name"),
        [
            (gzip, "receipt.pdf.gz", "receipt.pdf"),
            (gzip, "RECEIPT.PDF.GZ", "RECEIPT.PDF"),
            (gzip, "receipt.pdf", "receipt.pdf"),
            (gzip, ".gz", ".gz"),
        ],
    )
    def test_decompressed_bytes_have_no_suffix_of_compression(
        self, tmp_path, module, file_name, name
    ):
        path = tmp_path / file_name
        path.write_bytes(module.compress(PDF))
        with module.open(path) as file, _source.open_source(file) as source:
            assert source.name == name

    @pytest.mark.parametrize(
        ("class_name", "suffix"), [("BZ2File", ".bz2"), ("LZMAFile", ".xz"), ("Other", "")]
    )
    def test_suffix_of_compression_by_class(self, class_name, suffix):
        """Before Python 3.13, these classes have no name."""
        stream_class = type(class_name, (NonSeekableStream,), {})
        with _source.open_source(stream_class(PDF, name=f"receipt.pdf{suffix}"), 9) as source:
            assert source.name == "receipt.pdf"

    def test_explicit_name_overrides_file_name(self, fake, token, receipt):
        sent = attach_confirm.upload(fake.client, receipt, token, name="Beleg.txt")
        assert (sent.name, sent.content_type) == ("Beleg.txt", "text/plain")


# Content types that AWS's chat clients send for the extensions that a new instance allows.
CONTENT_TYPES = {
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "heic": "image/heic",
    "jfif": "image/jpeg",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "mov": "video/quicktime",
    "mp4": "video/mp4",
    "pdf": "application/pdf",
    "png": "image/png",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "rtf": "application/rtf",
    "txt": "text/plain",
    "wav": "audio/wav",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class TestResolveContentType:
    @pytest.fixture
    def content_type_of(self, client, scripted_responses, recorded_requests):
        """Return a function that uploads under a name and returns the content type sent."""
        scripted_responses(client, "connectparticipant.StartAttachmentUpload", 400)
        requests = recorded_requests(client)

        def call(name, **kwargs):
            with pytest.raises(client.exceptions.ClientError):
                attach_confirm.upload(client, PDF, "token", name=name, **kwargs)
            return requests[-1].body["ContentType"]

        return call

    def test_content_type_of_default_extensions(self, content_type_of):
        sent = {extension: content_type_of(f"a.{extension}") for extension in CONTENT_TYPES}
        assert sent == CONTENT_TYPES

    @pytest.mark.parametrize("name", ["A.PDF", "a.tar.pdf", ".a.pdf", " .pdf"])
    def test_content_type_is_that_of_last_extension(self, content_type_of, name):
        assert content_type_of(name) == "application/pdf"

    def test_content_type_falls_back_to_mimetypes(self, content_type_of):
        assert content_type_of("a.zip") == "application/zip"
        assert content_type_of("a.webm") == "video/webm"

    def test_content_type_is_platform_independent(self, content_type_of, monkeypatch):
        mimetypes.init()
        monkeypatch.setitem(mimetypes.types_map, ".zip", "x/y")
        monkeypatch.setitem(mimetypes.types_map, ".pdf", "x/y")
        assert content_type_of("a.zip") == "application/zip"
        assert content_type_of("a.pdf") == "application/pdf"

    @pytest.mark.parametrize("name", ["receipt", "a.unknown-type", ".pdf", "a.", "a.pdf "])
    @pytest.mark.usefixtures("nothing_sent")
    def test_unknown_suffix_is_rejected(self, client, name):
        with pytest.raises(InvalidInputError) as raised:
            attach_confirm.upload(client, PDF, "token", name=name)
        assert str(raised.value) == (
            f"content_type: unknown file name suffix {Path(name).suffix!r}; pass a content type"
        )

    @pytest.mark.parametrize(
        "content_type",
        ["text/plain; charset=utf-8", 'multipart/mixed; boundary="a b"', "x-unknown/type"],
    )
    def test_explicit_content_type_is_sent(self, connectparticipant_server, content_type):
        fake = connectparticipant_server
        token = fake.connection_token()
        attach_confirm.upload(fake.client, b"1", token, name="a.pdf", content_type=content_type)
        (attachment,) = fake.attachments
        assert attachment.content_type == attachment.stored_content_type == content_type
