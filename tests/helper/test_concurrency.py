"""Many threads and processes with one client."""

import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import attach_confirm
from attach_confirm import AttachmentStatus

DESCRIPTORS = Path("/proc/self/fd")
UPLOADS = 1000
THREADS = 32


def descriptors():
    """Return how many files and sockets this process has open."""
    return len(list(DESCRIPTORS.iterdir()))


@pytest.mark.skipif(not DESCRIPTORS.is_dir(), reason="counts what /proc lists")
def test_a_thousand_uploads_on_one_client(connectparticipant_server, caplog):
    """Each is confirmed once with its own bytes, and nothing is left open or complained of."""
    caplog.set_level(logging.WARNING)
    fake = connectparticipant_server
    client = fake.client
    tokens = [fake.connection_token() for _ in range(UPLOADS // 25)]
    attach_confirm.upload(client, b"first", tokens[0], name="first.txt")
    threads, open_before = threading.active_count(), descriptors()

    def send(number):
        token = tokens[number % len(tokens)]
        data = f"the bytes of {number}".encode()
        return attach_confirm.upload(client, data, token, name=f"{number}.txt").attachment_id

    with ThreadPoolExecutor(THREADS) as pool:
        sent = list(pool.map(send, range(1, UPLOADS)))
    held = {attachment.attachment_id: attachment for attachment in fake.attachments}
    assert len(set(sent)) == UPLOADS - 1
    assert len(held) == UPLOADS
    for number, attachment_id in enumerate(sent, 1):
        attachment = held[attachment_id]
        assert attachment.state == AttachmentStatus.APPROVED
        assert attachment.data == f"the bytes of {number}".encode()
    confirmations = fake.calls("CompleteAttachmentUpload")
    assert len(confirmations) == len({call.client_token for call in confirmations}) == UPLOADS
    assert caplog.records == []
    client.close()
    # The server's thread of each connection ends when the client's end is closed.
    for thread in threading.enumerate():
        if thread not in {threading.current_thread(), threading.main_thread()}:
            thread.join(0.2)
    assert threading.active_count() <= threads
    assert descriptors() <= open_before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_client_works_after_a_fork(connectparticipant_server):
    """Parent and child go on at once with the client that the parent used before."""
    fake = connectparticipant_server
    client, token = fake.client, fake.connection_token()
    attach_confirm.upload(client, b"before", token, name="before.txt")
    read_end, write_end = os.pipe()
    child = os.fork()
    if not child:
        status = 1
        try:
            for number in range(10):
                attach_confirm.upload(client, b"child", token, name=f"child-{number}.txt")
            status = 0
        finally:
            os.write(write_end, b"x")
            os._exit(status)
    for number in range(10):
        attach_confirm.upload(client, b"parent", token, name=f"parent-{number}.txt")
    os.read(read_end, 1)
    os.close(read_end)
    os.close(write_end)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert sorted({(a.name.split("-")[0], a.data) for a in fake.attachments}) == [
        ("before.txt", b"before"),
        ("child", b"child"),
        ("parent", b"parent"),
    ]
    assert len(fake.attachments) == 21
    assert {len(call.attempts) for call in fake.calls} == {1}


def test_the_library_keeps_nothing(fake, token):
    """Beside botocore's, no state is left behind in the process by a client and an upload."""
    before = {
        name: dict(vars(module)).keys()
        for name, module in sorted(vars(attach_confirm).items())
        if name.startswith("_") and hasattr(module, "__file__")
    }
    attach_confirm.upload(fake.client, b"1", token, name="a.txt")
    after = {name: vars(getattr(attach_confirm, name)).keys() for name in before}
    assert after == before
