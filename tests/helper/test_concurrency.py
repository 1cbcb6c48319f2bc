import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import attach_confirm
from attach_confirm import AttachmentStatus

OPEN_FILES = Path("/proc/self/fd")
UPLOADS = 1000
THREADS = 32


def count_open_files():
    return len(list(OPEN_FILES.iterdir()))


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="requires /proc")
def test_threads_share_client(connectparticipant_server, caplog):
    """Each file is confirmed once, and no thread, socket or warning remains."""
    caplog.set_level(logging.WARNING)
    fake = connectparticipant_server
    client = fake.client
    tokens = [fake.connection_token() for _ in range(UPLOADS // 25)]
    attach_confirm.upload(client, b"first", tokens[0], name="first.txt")
    threads_before, files_before = threading.active_count(), count_open_files()

    def upload(number):
        token = tokens[number % len(tokens)]
        data = f"content {number}".encode()
        return attach_confirm.upload(client, data, token, name=f"{number}.txt").attachment_id

    with ThreadPoolExecutor(THREADS) as pool:
        attachment_ids = list(pool.map(upload, range(1, UPLOADS)))
    attachments = {attachment.attachment_id: attachment for attachment in fake.attachments}
    assert len(set(attachment_ids)) == UPLOADS - 1
    assert len(attachments) == UPLOADS
    for number, attachment_id in enumerate(attachment_ids, 1):
        assert attachments[attachment_id].state == AttachmentStatus.APPROVED
        assert attachments[attachment_id].data == f"content {number}".encode()
    confirmations = fake.calls("CompleteAttachmentUpload")
    assert len(confirmations) == len({call.client_token for call in confirmations}) == UPLOADS
    assert caplog.records == []
    client.close()
    # The server's threads end when the client closes its connections.
    for thread in threading.enumerate():
        if thread not in {threading.current_thread(), threading.main_thread()}:
            thread.join(0.2)
    assert threading.active_count() <= threads_before
    assert count_open_files() <= files_before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_parent_and_child_share_client_after_fork(connectparticipant_server):
    fake = connectparticipant_server
    client, token = fake.client, fake.connection_token()
    attach_confirm.upload(client, b"before", token, name="before.txt")
    read_end, write_end = os.pipe()
    child = os.fork()
    if not child:
        exit_code = 1
        try:
            for number in range(10):
                attach_confirm.upload(client, b"child", token, name=f"child-{number}.txt")
            exit_code = 0
        finally:
            os.write(write_end, b"x")
            os._exit(exit_code)
    for number in range(10):
        attach_confirm.upload(client, b"parent", token, name=f"parent-{number}.txt")
    os.read(read_end, 1)
    os.close(read_end)
    os.close(write_end)
    _, wait_status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(wait_status) == 0
    assert sorted({(a.name.split("-")[0], a.data) for a in fake.attachments}) == [
        ("before.txt", b"before"),
        ("child", b"child"),
        ("parent", b"parent"),
    ]
    assert len(fake.attachments) == 21
    assert {len(call.attempts) for call in fake.calls} == {1}


def test_upload_adds_no_module_state(fake, token):
    modules = {
        name: module
        for name, module in vars(attach_confirm).items()
        if name.startswith("_") and hasattr(module, "__file__")
    }
    before = {name: set(vars(module)) for name, module in modules.items()}
    attach_confirm.upload(fake.client, b"1", token, name="a.txt")
    assert {name: set(vars(module)) for name, module in modules.items()} == before
