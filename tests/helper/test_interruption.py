"""Ctrl-C at any moment of an upload: nothing is left behind, and the next one works."""

import gc
import io
import os
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from botocore.config import Config

import attach_confirm

MOMENTS = 40
PLACES = {"attach_confirm", "botocore", "urllib3"}
DESCRIPTORS = Path("/proc/self/fd")
SERVER = """
import sys
from attach_confirm_stubs import serve_connectparticipant

with serve_connectparticipant() as fake:
    print(fake.endpoint_url, fake.participant_token(), flush=True)
    sys.stdin.read()
"""

pytestmark = pytest.mark.skipif(not DESCRIPTORS.is_dir(), reason="counts what /proc lists")


class Drip(io.RawIOBase):
    """A stream that cannot seek."""

    def __init__(self):
        super().__init__()
        self.rest = io.BytesIO(b"abc" * 100_000)

    def readable(self):
        """Tell that it can be read."""
        return True

    def readinto(self, buffer):
        """Read on."""
        return self.rest.readinto(buffer)


@pytest.fixture(scope="module")
def elsewhere():
    """Serve the fake in another process, whose sockets are not this one's."""
    command = [sys.executable, "-c", SERVER]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ
    ) as process:
        yield process.stdout.readline().split()
        process.stdin.close()


@contextmanager
def interrupted(moment):
    """Raise KeyboardInterrupt at the nth call of a function of ours, botocore's or urllib3's.

    Not at one of Python's own, whose locks no exception is meant to come between. Gives a list
    of one number: the calls that were made.
    """
    calls = [0]

    def count(frame, event, _):
        if event == "call" and PLACES & set(Path(frame.f_code.co_filename).parts):
            calls[0] += 1
            if calls[0] == moment:
                sys.setprofile(None)
                raise KeyboardInterrupt

    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(None)


@pytest.fixture
def left(tmp_path, monkeypatch):
    """Return a way to tell what a process holds: threads, temporary files, open files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    # pytest's own keeps what was raised in a finalizer, with all that it refers to.
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)

    def look():
        gc.collect()
        return threading.active_count(), list(tmp_path.iterdir()), len(list(DESCRIPTORS.iterdir()))

    return look


@pytest.fixture
def client(elsewhere):
    """Return a client of the other process."""
    made = attach_confirm.client(
        "us-east-1", endpoint_url=elsewhere[0], config=Config(proxies={}), verify=True
    )
    yield made
    made.close()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_at_any_moment(elsewhere, client, left):
    """An upload that is interrupted anywhere leaves nothing; what was started can be repeated."""
    _, participant = elsewhere

    def send(token):
        return attach_confirm.upload(
            client, Drip(), token, name="a.txt", client_token="one-and-the-same"
        )

    token = attach_confirm.connect(client, participant).token
    with interrupted(None) as calls:
        first = send(token)
    client.close()
    before, interruptions = left(), 0
    for moment in range(1, calls[0], calls[0] // MOMENTS):
        # One in a finalizer, which raises nothing, is none.
        with suppress(KeyboardInterrupt), interrupted(moment):
            send(token)
            interruptions -= 1
        interruptions += 1
        client.close()
        assert left() == before, f"at call {moment} of {calls[0]}"
        assert send(token).attachment_id == first.attachment_id
    assert interruptions > MOMENTS * 0.8
