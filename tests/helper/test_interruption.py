import gc
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
from tests.support.stubs import NonSeekableStream

INTERRUPTIONS = 40
PACKAGES = {"attach_confirm", "botocore", "urllib3"}
OPEN_FILES = Path("/proc/self/fd")
SERVER = """
import sys
from attach_confirm_stubs import serve_connectparticipant

with serve_connectparticipant() as fake:
    print(fake.endpoint_url, fake.participant_token(), flush=True)
    sys.stdin.read()
"""

pytestmark = pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="requires /proc")


@pytest.fixture(scope="module")
def remote_fake():
    """Run the fake in another process, and return its endpoint URL and a participant token."""
    command = [sys.executable, "-c", SERVER]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ
    ) as process:
        yield process.stdout.readline().split()
        process.stdin.close()


@contextmanager
def interrupt_at(call_number):
    """Raise KeyboardInterrupt at the nth call of a function in `PACKAGES`.

    Functions of the standard library are not interrupted, because an exception would leave their
    locks in an inconsistent state.

    Args:
        call_number: Number of the call that raises; None only counts.

    Yields:
        A list whose only item is the number of calls so far.
    """
    calls = [0]

    def count(frame, event, _):
        if event == "call" and PACKAGES & set(Path(frame.f_code.co_filename).parts):
            calls[0] += 1
            if calls[0] == call_number:
                sys.setprofile(None)
                raise KeyboardInterrupt

    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(None)


@pytest.fixture
def resources(tmp_path, monkeypatch):
    """Return a function that returns the process's threads, temporary files and open files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    # pytest's hook would keep every exception from a finalizer and the objects it refers to.
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)

    def snapshot():
        gc.collect()
        return threading.active_count(), list(tmp_path.iterdir()), len(list(OPEN_FILES.iterdir()))

    return snapshot


@pytest.fixture
def client(remote_fake):
    client = attach_confirm.client(
        "us-east-1", endpoint_url=remote_fake[0], config=Config(proxies={}), verify=True
    )
    yield client
    client.close()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_interrupted_upload_leaves_no_resources(remote_fake, client, resources):
    """After a Ctrl-C, the same upload can be repeated."""
    _, participant_token = remote_fake
    token = attach_confirm.connect(client, participant_token).token

    def upload():
        stream = NonSeekableStream(b"abc" * 100_000)
        return attach_confirm.upload(
            client, stream, token, name="a.txt", client_token="same-client-token"
        )

    with interrupt_at(None) as calls:
        first = upload()
    client.close()
    before, interruptions = resources(), 0
    for call_number in range(1, calls[0], calls[0] // INTERRUPTIONS):
        # Python ignores a KeyboardInterrupt that is raised in a finalizer.
        with suppress(KeyboardInterrupt), interrupt_at(call_number):
            upload()
            interruptions -= 1
        interruptions += 1
        client.close()
        assert resources() == before, f"at call {call_number} of {calls[0]}"
        assert upload().attachment_id == first.attachment_id
    assert interruptions > INTERRUPTIONS * 0.8
