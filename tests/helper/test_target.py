"""Targets of a download: files, directories and binary files."""

import errno
import gzip
import io
import os
import stat
import tempfile
from pathlib import Path
from threading import Barrier, Thread

import pytest

from attach_confirm import InvalidInputError
from attach_confirm._target import open_target

MIB = 1024 * 1024


class Writer:
    """A file-like object that records the data that is written to it.

    Args:
        results: Return values of the first calls of `write`; the others return None.
    """

    def __init__(self, *results):
        self.data = b""
        self.results = list(results)

    def write(self, data):
        size = self.results.pop(0) if self.results else None
        self.data += data[:size]
        return size


class RawWriter(io.RawIOBase):
    """A raw stream that accepts at most 3 bytes at once, and nothing after 6."""

    def __init__(self):
        super().__init__()
        self.data = b""

    def writable(self):
        return True

    def write(self, data):
        if len(self.data) == 6:
            return None
        self.data += bytes(data[:3])
        return len(data[:3])


@pytest.fixture
def folder(tmp_path):
    """Return an empty directory."""
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder


def write(target, data=b"abc", name="a.txt"):
    """Write data to a target and return the path."""
    with open_target(target) as opened:
        opened.reserve(len(data))
        opened.write(data)
        return opened.finish(name)


def fail(target, error, before=lambda: None):
    """Raise an error while data is written."""
    with open_target(target) as opened:
        opened.write(b"abc")
        before()
        raise error


class TestFile:
    @pytest.mark.parametrize("path_type", [str, Path])
    def test_str_and_path_are_written(self, folder, path_type):
        path = folder / "b.txt"
        assert write(path_type(path)) == path
        assert path.read_bytes() == b"abc"
        assert list(folder.iterdir()) == [path]

    def test_path_is_returned_as_it_was_passed(self, folder, monkeypatch):
        monkeypatch.chdir(folder)
        assert write("b.txt") == Path("b.txt")
        assert (folder / "b.txt").read_bytes() == b"abc"

    def test_file_is_written_after_change_of_working_directory(self, folder, monkeypatch):
        monkeypatch.chdir(folder)
        (folder / "other").mkdir()
        with open_target("b.txt") as opened:
            opened.write(b"abc")
            monkeypatch.chdir("other")
            opened.finish("a.txt")
        assert (folder / "b.txt").read_bytes() == b"abc"

    def test_name_of_255_bytes_is_written(self, folder):
        path = folder / ("a" * 255)
        write(path)
        assert path.read_bytes() == b"abc"

    def test_existing_file_is_replaced_when_complete(self, folder):
        path = folder / "b.txt"
        path.write_bytes(b"before")
        with path.open("rb") as before, open_target(path) as opened:
            opened.write(b"abc")
            assert path.read_bytes() == b"before"
            opened.finish("a.txt")
            assert before.read() == b"before"
        assert path.read_bytes() == b"abc"

    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
    def test_error_keeps_existing_file(self, folder, error):
        path = folder / "b.txt"
        path.write_bytes(b"before")
        with pytest.raises(error):
            fail(path, error)
        assert path.read_bytes() == b"before"
        assert list(folder.iterdir()) == [path]

    def test_bytes_are_synced_before_the_rename(self, folder, monkeypatch):
        calls = []
        fsync = os.fsync

        def record_fsync(descriptor):
            calls.append(("fsync", os.fstat(descriptor).st_size, path.exists()))
            fsync(descriptor)

        path = folder / "b.txt"
        monkeypatch.setattr("os.fsync", record_fsync)
        write(path)
        assert calls == [("fsync", 3, False)]

    def test_file_is_closed_before_the_rename(self, folder, monkeypatch):
        """Windows does not rename an open file."""
        states = []
        replace = Path.replace
        with open_target(folder / "b.txt") as opened:
            file = opened._file

            def record_state(source, path):
                states.append(file.closed)
                return replace(source, path)

            monkeypatch.setattr("pathlib.Path.replace", record_state)
            opened.finish("a.txt")
        assert states == [True]

    def test_new_file_has_the_permissions_of_the_umask(self, folder):
        (folder / "expected").touch()
        path = write(folder / "b.txt")
        assert path.stat().st_mode == (folder / "expected").stat().st_mode

    def test_existing_file_keeps_its_permissions(self, folder):
        path = folder / "b.txt"
        path.touch(0o600)
        with open_target(path) as opened:
            (temporary_path,) = set(folder.iterdir()) - {path}
            assert stat.S_IMODE(temporary_path.stat().st_mode) == 0o600
            opened.finish("a.txt")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    @pytest.mark.parametrize("exists", [True, False])
    def test_symbolic_link_is_not_replaced(self, folder, tmp_path, exists):
        path = tmp_path / "b.txt"
        if exists:
            path.write_bytes(b"before")
        link = folder / "link"
        link.symlink_to(path)
        assert write(link) == link
        assert link.is_symlink()
        assert path.read_bytes() == b"abc"
        assert list(folder.iterdir()) == [link]

    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("missing/b.txt", "No such file or directory"),
            ("missing/", "No such file or directory"),
            ("file/b.txt", "Not a directory"),
            ("file/", "Not a directory"),
            ("a\0b", "embedded null byte"),
            ("b" * 256, "File name too long"),
            ("loop", "Too many levels of symbolic links"),
            ("fifo", "not a file or directory; open it and pass the binary file"),
        ],
    )
    def test_invalid_path_is_rejected(self, folder, name, reason):
        (folder / "file").touch()
        (folder / "loop").symlink_to("loop")
        os.mkfifo(folder / "fifo")
        path = f"{folder}/{name}"
        with pytest.raises(InvalidInputError) as raised, open_target(path):
            pytest.fail("the target was opened")
        assert raised.value.parameter == "target"
        assert raised.value.reason == f"cannot write to {path!r}: {reason}"
        assert len(list(folder.iterdir())) == 3

    @pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM, errno.EROFS])
    def test_directory_without_permission_is_rejected(self, folder, monkeypatch, code):
        """The super-user may write to any directory."""

        def raise_error(*_, **__):
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr("pathlib.Path.open", raise_error)
        with pytest.raises(InvalidInputError, match=os.strerror(code)), open_target(folder):
            pytest.fail("the target was opened")

    def test_disk_full_on_open_raises(self, folder, monkeypatch):
        def raise_error(*_, **__):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("pathlib.Path.open", raise_error)
        with pytest.raises(OSError, match="No space left"), open_target(folder / "b.txt"):
            pytest.fail("the target was opened")


class TestDirectory:
    def test_name_is_used(self, folder):
        assert write(folder) == folder / "a.txt"
        assert (folder / "a.txt").read_bytes() == b"abc"
        assert list(folder.iterdir()) == [folder / "a.txt"]

    def test_current_directory_is_returned_as_relative_path(self, folder, monkeypatch):
        monkeypatch.chdir(folder)
        assert write(".") == Path("a.txt")

    def test_symbolic_link_to_a_directory_is_followed(self, folder):
        (folder / "folder").mkdir()
        (folder / "link").symlink_to("folder")
        assert write(f"{folder}/link/") == folder / "link" / "a.txt"
        assert (folder / "folder" / "a.txt").read_bytes() == b"abc"

    def test_existing_files_are_not_overwritten(self, folder):
        """A directory and a dangling symbolic link have names as well."""
        (folder / "a.txt").write_bytes(b"before")
        (folder / "a (1).txt").mkdir()
        (folder / "a (2).txt").symlink_to("missing")
        assert write(folder) == folder / "a (3).txt"
        assert (folder / "a.txt").read_bytes() == b"before"
        assert not (folder / "missing").exists()
        assert len(list(folder.iterdir())) == 4

    @pytest.mark.parametrize("has_links", [True, False])
    def test_concurrent_targets_get_different_names(self, folder, monkeypatch, has_links):
        count = 8
        barrier = Barrier(count)
        paths = []

        def raise_error(*_):
            raise PermissionError(errno.EPERM, "Operation not permitted")

        if not has_links:
            monkeypatch.setattr("pathlib.Path.hardlink_to", raise_error)

        def run(data):
            with open_target(folder) as opened:
                opened.write(data)
                barrier.wait()
                path = opened.finish("a.txt")
            paths.append((path, data))

        threads = [Thread(target=run, args=(b"%d" % number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {path.read_bytes() for path in folder.iterdir()} == {data for _, data in paths}
        assert all(path.read_bytes() == data for path, data in paths)
        assert len({path for path, _ in paths}) == len(list(folder.iterdir())) == count

    def test_error_removes_the_reserved_name(self, folder, monkeypatch):
        """A file system without hard links gets an empty file first."""

        def raise_error(*_):
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr("pathlib.Path.hardlink_to", raise_error)
        monkeypatch.setattr("pathlib.Path.replace", raise_error)
        with pytest.raises(OSError, match="Operation not permitted"):
            write(folder)
        assert list(folder.iterdir()) == []


class TestDiskSpace:
    def test_space_is_reserved(self, folder):
        with open_target(folder) as opened:
            opened.reserve(MIB)
            (temporary_path,) = folder.iterdir()
            assert temporary_path.stat().st_blocks * 512 >= MIB
            assert temporary_path.stat().st_size == MIB

    @pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
    def test_failed_reservation_raises(self, folder, monkeypatch, code):
        def raise_error(*_):
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr("os.posix_fallocate", raise_error)
        with pytest.raises(OSError, match=os.strerror(code)):
            write(folder)
        assert list(folder.iterdir()) == []

    def test_unsupported_reservation_is_ignored(self, folder, monkeypatch):
        def raise_error(*_):
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")

        monkeypatch.setattr("os.posix_fallocate", raise_error)
        assert write(folder).read_bytes() == b"abc"

    def test_missing_posix_functions_are_ignored(self, folder, monkeypatch):
        monkeypatch.delattr("os.posix_fallocate")
        monkeypatch.delattr("os.posix_fadvise")
        data = os.urandom(9 * MIB)
        assert write(folder, data).read_bytes() == data

    def test_empty_file_is_written(self, folder):
        """posix_fallocate() rejects a size of 0."""
        assert write(folder, b"").read_bytes() == b""

    def test_unused_space_is_released(self, folder):
        with open_target(folder) as opened:
            opened.reserve(100)
            opened.write(b"abc")
            path = opened.finish("a.txt")
        assert path.read_bytes() == b"abc"

    def test_writeback_starts_while_bytes_arrive(self, folder, monkeypatch):
        ranges = []
        monkeypatch.setattr(
            "os.posix_fadvise", lambda _, start, size, __: ranges.append((start, size))
        )
        with open_target(folder) as opened:
            for _ in range(4):
                opened.write(bytes(5 * MIB))
            opened.rewind()
            opened.write(bytes(8 * MIB))
        assert ranges == [(0, 10 * MIB), (10 * MIB, 10 * MIB), (0, 8 * MIB)]


class TestBinaryFile:
    def test_file_is_written_at_its_position(self):
        file = io.BytesIO(b"0123456789")
        file.seek(2)
        assert write(file) is None
        assert file.getvalue() == b"01abc56789"
        assert not file.closed

    def test_buffered_file_is_flushed(self, folder):
        with (folder / "b.txt").open("wb") as file:
            write(file)
            assert (folder / "b.txt").read_bytes() == b"abc"

    def test_rewind_removes_appended_bytes(self):
        file = io.BytesIO(b"012")
        file.seek(3)
        with open_target(file) as opened:
            opened.write(b"abcdef")
            assert opened.written == 6
            assert opened.rewind()
            assert opened.written == 0
            assert file.getvalue() == b"012"
            opened.write(b"xyz")
        assert file.getvalue() == b"012xyz"

    def test_rewind_keeps_bytes_after_the_position(self):
        """They are not part of the download, which overwrites the same bytes again."""
        file = io.BytesIO(b"0123456789")
        with open_target(file) as opened:
            opened.write(b"abcdef")
            assert opened.rewind()
            opened.write(b"xyz")
        assert file.getvalue() == b"xyzdef6789"

    def test_rewind_removes_bytes_in_append_mode(self, folder):
        path = folder / "b.txt"
        path.write_bytes(b"012")
        with path.open("ab") as file, open_target(file) as opened:
            opened.write(b"abcdef")
            assert opened.rewind()
            opened.write(b"xyz")
            opened.finish("a.txt")
        assert path.read_bytes() == b"012xyz"

    def test_error_rewinds_file(self):
        file = io.BytesIO(b"012")
        file.seek(3)
        with pytest.raises(KeyboardInterrupt):
            fail(file, KeyboardInterrupt)
        assert (file.getvalue(), file.tell()) == (b"012", 3)

    def test_first_error_is_raised_if_rewind_fails_too(self, folder):
        with (folder / "b.txt").open("wb") as file, pytest.raises(KeyError):
            fail(file, KeyError, before=file.close)

    @pytest.mark.parametrize("methods", [{}, {"truncate": io.RawIOBase().truncate}])
    def test_file_without_truncate_is_rewound(self, methods):
        """The method of io.RawIOBase raises UnsupportedOperation."""

        class File(Writer):
            def seekable(self):
                return True

            def tell(self):
                return len(self.data)

            def seek(self, position, whence=os.SEEK_SET):
                self.data = self.data[:position] if whence == os.SEEK_SET else self.data
                return len(self.data)

        file = File()
        vars(file).update(methods)
        with open_target(file) as opened:
            opened.write(b"abc")
            assert opened.rewind()
            opened.write(b"xyz")
        assert file.data == b"xyz"

    def test_non_seekable_file_is_not_rewound(self):
        writer = Writer()
        with open_target(writer) as opened:
            assert opened.rewind()
            opened.write(b"abc")
            assert not opened.rewind()
            assert opened.written == 3
            assert opened.finish("a.txt") is None
        assert writer.data == b"abc"

    def test_pipe_is_not_rewound(self):
        reader, writer = os.pipe()
        with open(reader, "rb") as source, open(writer, "wb") as file:  # noqa: PTH123
            with open_target(file) as opened:
                opened.write(b"abc")
                assert not opened.rewind()
                opened.finish("a.txt")
            assert source.read(3) == b"abc"

    def test_gzip_file_is_not_rewound(self, folder):
        """It returns True from seekable(), but can only seek forward while it is written."""
        with gzip.open(folder / "b.gz", "wb") as file, open_target(file) as opened:
            opened.write(b"abc")
            assert not opened.rewind()
        with gzip.open(folder / "b.gz") as file:
            assert file.read() == b"abc"

    def test_spooled_file_is_rewound_after_rollover(self):
        with tempfile.SpooledTemporaryFile(max_size=4) as file:
            with open_target(file) as opened:
                opened.write(b"abc")
                opened.write(b"def")
                assert opened.rewind()
                opened.write(b"xyz")
            assert file.seek(0) == 0
            assert file.read() == b"xyz"

    def test_short_writes_are_completed(self):
        writer = Writer(1, 2)
        write(writer, b"abcdef")
        assert writer.data == b"abcdef"

    @pytest.mark.parametrize("create", [RawWriter, lambda: Writer(6, 0)])
    def test_write_that_accepts_nothing_raises(self, create):
        """A non-blocking raw stream returns None from write()."""
        target = create()
        with pytest.raises(BlockingIOError) as raised:
            write(target, b"abcdefghi")
        assert raised.value.args == (errno.EAGAIN, "the target does not accept data now")
        assert target.data == b"abcdef"

    def test_error_of_the_file_propagates(self):
        with (
            Path("/dev/full").open("wb", buffering=0) as file,
            pytest.raises(OSError, match="No space left on device"),
        ):
            write(file)


class TestInvalidTarget:
    @pytest.mark.parametrize(
        ("target", "reason"),
        [
            (None, "must be a path or a binary file, not NoneType"),
            (3, "must be a path or a binary file, not int"),
            (b"a.txt", "must be a path or a binary file, not bytes"),
            ("", "must be the path of a file, not ''"),
            (io.StringIO(), "is a text file; open it in binary mode"),
        ],
    )
    def test_other_type_is_rejected(self, target, reason):
        with pytest.raises(InvalidInputError) as raised:
            write(target)
        assert (raised.value.parameter, raised.value.reason) == ("target", reason)

    def test_bytes_path_is_rejected(self):
        class BytesPath:
            def __fspath__(self):
                return b"a.txt"

        with pytest.raises(InvalidInputError, match="must be the path of a file, not b'a"):
            write(BytesPath())

    def test_read_only_file_is_rejected(self):
        with Path(__file__).open("rb") as file, pytest.raises(InvalidInputError) as raised:
            write(file)
        assert str(raised.value) == "target: is not open for writing"

    def test_closed_file_is_rejected(self):
        file = io.BytesIO()
        file.close()
        with pytest.raises(InvalidInputError) as raised:
            write(file)
        assert str(raised.value) == (
            "target: cannot write to the file: I/O operation on closed file."
        )

    def test_temporary_text_file_is_rejected(self):
        with (
            tempfile.NamedTemporaryFile("w", encoding="utf-8") as file,
            pytest.raises(InvalidInputError, match="is a text file"),
        ):
            write(file)
