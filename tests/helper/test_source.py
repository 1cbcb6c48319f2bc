"""A source can be a path, bytes or a binary file, and is sent as it is."""

import codecs
import gzip
import io
import mimetypes
import os
import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import attach_confirm
from attach_confirm import InvalidInputError

PDF = b"%PDF-1.7 a receipt"


@pytest.fixture
def receipt(tmp_path):
    """Write a file to send."""
    path = tmp_path / "receipt.pdf"
    path.write_bytes(PDF)
    return path


class Drip(io.RawIOBase):
    """A stream that cannot seek and gives a few bytes a time, as a socket does."""

    def __init__(self, data, name=None):
        super().__init__()
        self._inner = io.BytesIO(data)
        if name:
            self.name = name

    def readable(self):
        """Say that it can be read."""
        return True

    def readinto(self, buffer):
        """Give three bytes at the most."""
        return self._inner.readinto(memoryview(buffer)[:3])


class Place:
    """A path of somebody's own, in str or in bytes."""

    def __init__(self, path):
        self._path = path

    def __fspath__(self):
        return self._path


def upload(client, source, _):
    """Send a source with `upload`."""
    return attach_confirm.upload(client, source, "token", name="a.txt")


def put(client, source, pending):
    """Send a source with `put`."""
    return attach_confirm.put(client, pending(), source)


STEPS = [pytest.param(upload, id="upload"), pytest.param(put, id="put")]


class Bare:
    """A file-like object that has `read` and nothing else."""

    def __init__(self, data):
        self.read = io.BytesIO(data).read


class TestPaths:
    """Files of the file system."""

    @pytest.mark.parametrize("kind", [str, Path, lambda path: Place(str(path))])
    def test_every_kind_of_path(self, fake, token, receipt, kind):
        """A path is a str or anything of os.PathLike; the file's own name and bytes are sent."""
        sent = attach_confirm.upload(fake.client, kind(receipt), token)
        (attachment,) = fake.attachments
        assert (sent.name, sent.size, sent.content_type) == (
            "receipt.pdf",
            len(PDF),
            "application/pdf",
        )
        assert (attachment.name, attachment.size, attachment.content_type) == (
            sent.name,
            sent.size,
            sent.content_type,
        )
        assert attachment.data == PDF

    def test_relative_path(self, fake, token, receipt, monkeypatch):
        """A relative path counts from the working directory, and folders are left out."""
        monkeypatch.chdir(receipt.parent.parent)
        sent = attach_confirm.upload(fake.client, f"{receipt.parent.name}/receipt.pdf", token)
        assert sent.name == "receipt.pdf"

    @pytest.mark.parametrize(
        "wrong",
        [
            pytest.param(("/no.pdf", "No such file or directory"), id="missing-file"),
            pytest.param(("", "Is a directory"), id="directory"),
            pytest.param(("/\0.pdf", "embedded null byte"), id="null-byte"),
        ],
    )
    @pytest.mark.parametrize("step", STEPS)
    def test_unreadable(self, client, recorded_requests, pending, wrong, step):
        """A path that cannot be read is refused with the path and the system's reason."""
        sent = recorded_requests(client)
        path = f"{Path.home()}{wrong[0]}"
        with pytest.raises(InvalidInputError) as refused:
            step(client, path, pending)
        assert refused.value.parameter == "source"
        assert refused.value.reason == f"{path!r} cannot be read: {wrong[1]}"
        assert isinstance(refused.value.__cause__, (OSError, ValueError))
        assert sent == []

    def test_path_of_bytes(self, client, receipt):
        """A path in bytes, which os.PathLike allows, is refused rather than fails."""
        place = Place(os.fsencode(receipt))
        with pytest.raises(InvalidInputError) as refused:
            attach_confirm.upload(client, place, "token", name="receipt.pdf")
        assert refused.value.parameter == "source"

    @pytest.mark.skipif(os.name != "posix", reason="file names are bytes on POSIX only")
    def test_undecodable_name(self, client, tmp_path, recorded_requests):
        """A file whose name is no Unicode is refused as a name, not with a UnicodeError."""
        path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.pdf")
        try:
            Path(path).write_bytes(PDF)
        except OSError:
            pytest.skip("the file system takes Unicode only")
        sent = recorded_requests(client)
        with pytest.raises(InvalidInputError) as refused:
            attach_confirm.upload(client, path, "token")
        assert str(refused.value) == (
            "name: has 5 characters, and a lone surrogate, U+DCFF, at position 0"
        )
        assert sent == []


class TestFiles:
    """Binary files."""

    def test_open_file(self, fake, token, receipt):
        """An open file is sent under its own name, and left open."""
        with receipt.open("rb") as file:
            sent = attach_confirm.upload(fake.client, file, token)
            assert not file.closed
        assert sent.name == "receipt.pdf"
        assert fake.attachments[0].data == PDF

    def test_from_where_it_stands(self, fake, token):
        """A file is sent from its position on, and what stands before it does not count."""
        file = io.BytesIO(b"header" + PDF)
        file.seek(6)
        sent = attach_confirm.upload(fake.client, file, token, name="receipt.pdf")
        assert sent.size == len(PDF)
        assert fake.attachments[0].data == PDF

    def test_at_its_end(self, client):
        """A file that was read already is refused as empty, not sent as nothing."""
        file = io.BytesIO(PDF)
        file.read()
        with pytest.raises(InvalidInputError) as refused:
            attach_confirm.upload(client, file, "token", name="receipt.pdf")
        assert str(refused.value) == "source: has 0 bytes, and the service takes 1 or more"

    @pytest.mark.parametrize("make", [Drip, Bare])
    def test_cannot_seek(self, fake, token, make):
        """A stream that cannot seek is sent whole, though its size was not known."""
        data = bytes(range(256)) * 41
        sent = attach_confirm.upload(fake.client, make(data), token, name="a.txt")
        assert sent.size == len(data)
        assert fake.attachments[0].data == data

    def test_pipe(self, fake, token):
        """A pipe is a source; the number that it has for a name is none."""
        reading, writing = os.pipe()
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(PDF)
        with os.fdopen(reading, "rb") as pipe:
            attach_confirm.upload(fake.client, pipe, token, name="receipt.pdf")
        assert fake.attachments[0].data == PDF

    def test_unpacking(self, fake, token, receipt):
        """A file that is unpacked while it is read counts by its unpacked size."""
        packed = receipt.with_suffix(".pdf.gz")
        packed.write_bytes(gzip.compress(PDF * 100))
        with gzip.open(packed) as file:
            sent = attach_confirm.upload(fake.client, file, token, name="receipt.pdf")
        assert sent.size == len(PDF) * 100
        assert fake.attachments[0].data == PDF * 100

    def test_name_in_folders(self, fake, token):
        """A stream's own name loses its folders."""
        drip = Drip(PDF, "/somewhere/else/receipt.pdf")
        assert attach_confirm.upload(fake.client, drip, token).name == "receipt.pdf"

    @pytest.mark.parametrize("make", [Drip, Bare, bytes, io.BytesIO])
    @pytest.mark.parametrize("step", STEPS)
    def test_empty(self, client, recorded_requests, pending, make, step):
        """What has no bytes is refused before anything is sent."""
        sent = recorded_requests(client)
        with pytest.raises(
            InvalidInputError, match=r"has 0 bytes, and the service takes 1 or more$"
        ):
            step(client, make(b""), pending)
        assert sent == []

    def test_empty_file(self, client, tmp_path):
        """An empty file is refused by its size."""
        path = tmp_path / "empty.txt"
        path.touch()
        with pytest.raises(InvalidInputError, match=r"^source: has 0 bytes"):
            attach_confirm.upload(client, path, "token")


TEXT_FILES = {
    "open": lambda path: path.open(encoding="utf-8"),
    "StringIO": lambda path: io.StringIO(path.read_text()),
    "codecs": lambda path: codecs.getreader("utf-8")(path.open("rb")),
    "NamedTemporaryFile": lambda _: tempfile.NamedTemporaryFile("w+"),  # noqa: SIM115
    "SpooledTemporaryFile": lambda _: tempfile.SpooledTemporaryFile(mode="w+"),  # noqa: SIM115
}


class TestNoSources:
    """What cannot be sent."""

    @pytest.mark.parametrize("make", TEXT_FILES)
    def test_text_file(self, client, recorded_requests, receipt, make):
        """A file in text mode is refused before anything is sent, whatever class it is of."""
        sent = recorded_requests(client)
        with TEXT_FILES[make](receipt) as file:
            if make.endswith("TemporaryFile"):
                file.write("a receipt")
                file.seek(0)
            with pytest.raises(InvalidInputError) as refused:
                attach_confirm.upload(client, file, "token", name="a.txt")
        assert str(refused.value) == "source: is a text file; open it in binary mode"
        assert sent == []

    def test_text_that_cannot_seek(self, client, recorded_requests):
        """A stream of text that cannot seek is refused with what it gives."""
        sent = recorded_requests(client)
        stream = Bare(b"")
        stream.read = io.StringIO("text").read
        with pytest.raises(InvalidInputError) as refused:
            attach_confirm.upload(client, stream, "token", name="a.txt")
        assert refused.value.parameter == "source"
        assert sent == []

    def test_closed_file(self, client, recorded_requests, receipt):
        """A file that is closed already is refused."""
        sent = recorded_requests(client)
        with receipt.open("rb") as file:
            pass
        with pytest.raises(InvalidInputError) as refused:
            attach_confirm.upload(client, file, "token")
        assert refused.value.parameter == "source"
        assert sent == []

    def test_write_only_file(self, client, recorded_requests, receipt):
        """A file that was opened for writing alone is refused before anything is sent."""
        sent = recorded_requests(client)
        with receipt.open("ab") as file:
            file.seek(0)
            with pytest.raises(InvalidInputError) as refused:
                attach_confirm.upload(client, file, "token")
        assert refused.value.parameter == "source"
        assert sent == []

    @pytest.mark.parametrize("source", [None, 3, ["a.pdf"], bytearray(b"abc"), memoryview(b"abc")])
    @pytest.mark.parametrize("step", STEPS)
    def test_other_things(self, client, pending, source, step):
        """What is none of the three is refused with its type; a number is not a descriptor."""
        with pytest.raises(InvalidInputError) as refused:
            step(client, source, pending)
        assert refused.value.reason == (
            f"must be a path, bytes or a binary file, not {type(source).__name__}"
        )


class TestNames:
    """What an attachment is called."""

    @pytest.mark.parametrize("make", [lambda: PDF, lambda: io.BytesIO(PDF), lambda: Drip(PDF)])
    def test_none(self, client, recorded_requests, make):
        """What has no name needs one from the caller."""
        sent = recorded_requests(client)
        with pytest.raises(InvalidInputError) as refused:
            attach_confirm.upload(client, make(), "token")
        assert str(refused.value) == "name: cannot be told from the source; pass one"
        assert sent == []

    def test_standard_input(self, client, recorded_requests):
        """Standard input's name is a description, not a file name."""
        sent = recorded_requests(client)
        with pytest.raises(InvalidInputError) as refused:
            attach_confirm.upload(client, Drip(PDF, "<stdin>"), "token", content_type="text/plain")
        assert refused.value.parameter == "name"
        assert sent == []

    def test_given(self, fake, token, receipt):
        """The caller's name wins over the file's, for the content type too."""
        sent = attach_confirm.upload(fake.client, receipt, token, name="Beleg.txt")
        assert (sent.name, sent.content_type) == ("Beleg.txt", "text/plain")

    @given(name=st.text(min_size=1, max_size=256))
    def test_wild(self, client, scripted_responses, recorded_requests, name):
        """Any name that can be written is announced as it is; any other is refused."""
        scripted_responses(client, "connectparticipant.StartAttachmentUpload", 400)
        sent = recorded_requests(client)
        if all(unicodedata.category(character) not in {"Cc", "Cs"} for character in name):
            with pytest.raises(client.exceptions.ClientError):
                attach_confirm.upload(client, b"abc", "token", name=name, content_type="a/b")
            assert sent[0].body["AttachmentName"] == name
        else:
            with pytest.raises(InvalidInputError, match=r"^name: has \d+ characters, and a "):
                attach_confirm.upload(client, b"abc", "token", name=name, content_type="a/b")
            assert not sent


# What AWS's own chat clients send for the extensions that a new instance allows.
TYPES = {
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


class TestContentTypes:
    """What an attachment is announced as."""

    @pytest.fixture
    def announced(self, client, scripted_responses, recorded_requests):
        """Return a way to learn the content type that a name is announced with."""
        scripted_responses(client, "connectparticipant.StartAttachmentUpload", 400)
        sent = recorded_requests(client)

        def announce(name, **given):
            with pytest.raises(client.exceptions.ClientError):
                attach_confirm.upload(client, PDF, "token", name=name, **given)
            return sent[-1].body["ContentType"]

        return announce

    @pytest.mark.parametrize("ending", TYPES)
    def test_allowed_by_default(self, announced, ending):
        """Every extension of a new instance has the type that AWS's own clients send."""
        assert announced(f"a.{ending}") == TYPES[ending]

    @pytest.mark.parametrize("name", ["A.PDF", "a.Pdf", "a.tar.pdf", ".a.pdf", " .pdf"])
    def test_spelling(self, announced, name):
        """The last extension counts, in capitals too."""
        assert announced(name) == "application/pdf"

    def test_beyond_the_defaults(self, announced):
        """An extension that an administrator can allow has a type too."""
        assert announced("a.zip") == "application/zip"
        assert announced("a.webm") == "video/webm"

    def test_the_same_everywhere(self, announced, monkeypatch):
        """What a machine's own tables say does not count."""
        monkeypatch.setattr(mimetypes, "types_map", {".pdf": "x/y"})
        mimetypes.add_type("x/z", ".pdf")
        assert announced("a.pdf") == "application/pdf"

    @pytest.mark.parametrize("name", ["receipt", "a.unheard-of", ".pdf", "a.", "a.pdf "])
    def test_unguessable(self, client, recorded_requests, name):
        """A name that says nothing is refused with its ending, before anything is sent."""
        sent = recorded_requests(client)
        with pytest.raises(InvalidInputError) as refused:
            attach_confirm.upload(client, PDF, "token", name=name)
        ending = Path(name).suffix
        assert str(refused.value) == (
            f"content_type: cannot be told from the name's ending {ending!r}; pass one"
        )
        assert sent == []

    def test_given(self, announced):
        """The caller's type is sent as it is, whatever the name says."""
        assert announced("a.pdf", content_type="x-unheard/of; a=b") == "x-unheard/of; a=b"
