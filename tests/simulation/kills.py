"""Kill real processes that send a file to the served fake."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from queue import Queue
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from attach_confirm_stubs import ReadTimeout, serve_connectparticipant
from attach_confirm_stubs.fake import exceptions
from tests.simulation.invariants import find_leaks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from attach_confirm_stubs import ConnectParticipantServer

_TIMEOUT = 60
_EXIT_MESSAGE = "\nunexpected exit status"
_OPERATIONS = (
    "CreateParticipantConnection",
    "StartAttachmentUpload",
    "PutObject",
    "CompleteAttachmentUpload",
    "GetTranscript",
)
# Before the request; after it, with the operation not done or done and no response sent; or while
# the body is read.
MOMENTS = [
    *((operation, moment) for operation in _OPERATIONS for moment in ("before", "undone", "done")),
    ("PutObject", "body"),
]
METHODS = ("steps", "upload")


def kill_and_resume(seed: int) -> list[str]:
    """Kill a sender, run it again to completion, and return the violations.

    Args:
        seed: Chooses the moment, the method and the file. Consecutive seeds cover all moments.
    """
    rng = random.Random(f"kill {seed}")
    operation, moment = MOMENTS[seed % len(MOMENTS)]
    method = METHODS[seed // len(MOMENTS) % len(METHODS)]
    data = rng.randbytes(rng.choice((1, 1000, 300_000)))
    with TemporaryDirectory() as folder, serve_connectparticipant() as server:
        file = Path(folder, "killed.txt")
        file.write_bytes(data)
        sender = _Sender(server, file, Path(folder, "state.json"), method)
        outputs = [sender.run_and_kill(operation, moment), sender.run()]
        description = f"{method}, killed at {operation} {moment}"
        return [f"{description}: {text}" for text in _find_violations(server, data, outputs)]


class _Sender:
    """Runs `sender_process` with the same file and state each time."""

    def __init__(
        self, server: ConnectParticipantServer, file: Path, state_file: Path, method: str
    ) -> None:
        self._server = server
        self._token = server.participant_token()
        self._arguments = [server.endpoint_url, str(file), str(state_file), method]

    def run_and_kill(self, operation: str, moment: str) -> str:
        """Start the process, kill it at the moment, and return its output."""
        with ExitStack() as stack:
            withheld_responses = _observe_withheld_responses(stack)
            is_server_side = moment in {"undone", "done"}
            if is_server_side:
                self._server.inject(operation, ReadTimeout(after_commit=moment == "done"))
            process = stack.enter_context(self._start(f"{operation} {moment}"))
            if is_server_side:
                withheld_responses.get(timeout=_TIMEOUT)
            else:
                process.stdout.readline()
            os.kill(process.pid, signal.SIGKILL)
            return _read_output(process, expected_status=-signal.SIGKILL)

    def run(self) -> str:
        """Run the process to completion, and return its output."""
        with self._start("") as process:
            return _read_output(process, expected_status=0)

    def _start(self, stop_at: str) -> Any:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.simulation.sender_process", *self._arguments, stop_at],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        process.stdin.write(f"{self._token}\n")
        process.stdin.flush()
        return process


def _read_output(process: Any, expected_status: int) -> str:
    output = "".join(process.communicate(timeout=_TIMEOUT))
    if process.returncode != expected_status:
        output += f"{_EXIT_MESSAGE} {process.returncode}"
    return output


def _observe_withheld_responses(stack: ExitStack) -> Queue[object]:
    """Return a queue that receives a fault whenever the fake withholds a response."""
    faults: Queue[object] = Queue()

    class ObservedError(exceptions.ResponseNotDelivered):
        """Puts its fault into the queue."""

        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            faults.put(self.fault)

    stack.enter_context(patch.object(exceptions, "ResponseNotDelivered", ObservedError))
    return faults


def _find_violations(
    server: ConnectParticipantServer, data: bytes, outputs: list[str]
) -> Iterator[str]:
    for output in outputs:
        if _EXIT_MESSAGE in output:
            yield output[-400:]
    approved = [a for a in server.attachments if a.state == "APPROVED"]
    if [attachment.data for attachment in approved] != [data]:
        yield f"{len(approved)} attachments are approved, or one has other bytes than the file"
    confirmations = [a for c in server.calls("CompleteAttachmentUpload") for a in c.attempts]
    if len({attempt.client_token for attempt in confirmations}) > len(approved):
        yield "an attachment is confirmed with two ClientTokens"
    puts = [a for call in server.calls("PutObject") for a in call.attempts]
    if not any(attempt.committed and attempt.status == 200 for attempt in puts):
        yield "the attachment is confirmed without a successful PUT"
    yield from find_leaks(server._backend, "\n".join(outputs))
