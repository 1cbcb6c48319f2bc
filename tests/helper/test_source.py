import codecs
import gzip
import io
import mimetypes
import os
import tempfile
import tracemalloc
from pathlib import Path
from threading import Thread

import pytest

import attach_confirm
from attach_confirm import InvalidInputError
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
        empty_path = tmp_path / "empty.txt"
        empty_path.touch()
        empty_stream = ReadOnlyStream(io.BytesIO().read)
        for source in (b"", NonSeekableStream(b""), empty_stream, file_at_end, empty_path):
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
        with pytest.raises(InvalidInputError, match=r"^source: cannot read the file: "):
            attach_confirm.upload(client, file, "token")

    def test_write_only_file_is_rejected(self, client, receipt):
        with receipt.open("ab") as file:
            file.seek(0)
            with pytest.raises(InvalidInputError, match=r"^source: cannot read the file: "):
                attach_confirm.upload(client, file, "token")

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
        "source",
        [PDF, io.BytesIO(PDF), NonSeekableStream(PDF), NonSeekableStream(PDF, name="<stdin>")],
        ids=["bytes", "BytesIO", "stream", "stdin"],
    )
    @pytest.mark.usefixtures("nothing_sent")
    def test_source_without_file_name_is_rejected(self, client, source):
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

    def test_default_extensions(self, content_type_of):
        sent = {extension: content_type_of(f"a.{extension}") for extension in CONTENT_TYPES}
        assert sent == CONTENT_TYPES

    @pytest.mark.parametrize("name", ["A.PDF", "a.tar.pdf", ".a.pdf", " .pdf"])
    def test_last_extension_counts(self, content_type_of, name):
        assert content_type_of(name) == "application/pdf"

    def test_mimetypes_fallback(self, content_type_of):
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
    def test_explicit_content_type(self, connectparticipant_server, content_type):
        fake = connectparticipant_server
        token = fake.connection_token()
        attach_confirm.upload(fake.client, b"1", token, name="a.pdf", content_type=content_type)
        (attachment,) = fake.attachments
        assert attachment.content_type == attachment.stored_content_type == content_type
