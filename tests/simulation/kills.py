"""Processes that are really killed, with the fake served over HTTP."""

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
from tests.simulation.invariants import leaks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from attach_confirm_stubs import ConnectParticipantServer

_SECONDS = 60
_FLOW = (
    "CreateParticipantConnection",
    "StartAttachmentUpload",
    "PutObject",
    "CompleteAttachmentUpload",
    "GetTranscript",
)
# Before a request is sent, while it is answered with nothing done or with all done.
MOMENTS = [
    *((operation, moment) for operation in _FLOW for moment in ("before", "undone", "done")),
    ("PutObject", "body"),
]


def kill(seed: int) -> list[str]:
    """Kill a sender at the moment of a seed, let another go on, and return what does not hold."""
    dice = random.Random(f"the death of {seed}")
    operation, moment = MOMENTS[seed % len(MOMENTS)]
    how = ("steps", "upload")[seed // len(MOMENTS) % 2]
    data = dice.randbytes(dice.choice((1, 1000, 300_000)))
    with TemporaryDirectory() as folder, serve_connectparticipant() as server:
        file = Path(folder, "killed.txt")
        file.write_bytes(data)
        sender = _Sender(server, file, Path(folder, "kept.json"), how)
        told = [sender.die(operation, moment), sender.end()]
        where = f"{how}, killed at {operation} {moment}"
        return [f"{where}: {text}" for text in _violations(server, data, told)]


class _Sender:
    """Starts the program `sender`, again and again."""

    def __init__(self, server: ConnectParticipantServer, file: Path, kept: Path, how: str) -> None:
        self._server = server
        self._token = server.participant_token()
        self._given = [server.endpoint_url, str(file), str(kept), how]

    def die(self, operation: str, moment: str) -> str:
        """Start it, kill it at a moment, and return what it said."""
        with ExitStack() as stack:
            held = _held(stack)
            if moment in {"undone", "done"}:
                self._server.inject(operation, ReadTimeout(after_commit=moment == "done"))
            process = stack.enter_context(self._started(f"{operation} {moment}"))
            if moment in {"undone", "done"}:
                held.get(timeout=_SECONDS)
            else:
                process.stdout.readline()
            os.kill(process.pid, signal.SIGKILL)
            said = "".join(process.communicate(timeout=_SECONDS))
            killed = process.returncode == -signal.SIGKILL
        return said if killed else f"{said}\nit ended with {process.returncode}"

    def end(self) -> str:
        """Start it, let it come to its end, and return what it said."""
        with self._started("") as process:
            said = "".join(process.communicate(timeout=_SECONDS))
        return said if process.returncode == 0 else f"{said}\nit ended with {process.returncode}"

    def _started(self, hold: str) -> Any:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.simulation.sender_process", *self._given, hold],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        process.stdin.write(f"{self._token}\n")
        process.stdin.flush()
        return process


def _held(stack: ExitStack) -> Queue[object]:
    """Return a queue that gets something whenever the service keeps an answer to itself."""
    held: Queue[object] = Queue()

    class Told(exceptions.ResponseNotDelivered):
        """An answer that is lost, and told of."""

        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            held.put(self.fault)

    stack.enter_context(patch.object(exceptions, "ResponseNotDelivered", Told))
    return held


def _violations(server: ConnectParticipantServer, data: bytes, told: list[str]) -> Iterator[str]:
    for text in told:
        if "\nit ended with " in text:
            yield text[-400:]
    found = [seen for seen in server.attachments if seen.state == "APPROVED"]
    if [seen.data for seen in found] != [data]:
        yield f"{len(found)} attachments are confirmed, or with other bytes"
    confirmations = [a for c in server.calls("CompleteAttachmentUpload") for a in c.attempts]
    if len({attempt.client_token for attempt in confirmations}) > len(found):
        yield "one is confirmed under two ClientTokens"
    puts = [a for call in server.calls("PutObject") for a in call.attempts]
    if not any(attempt.committed and attempt.status == 200 for attempt in puts):
        yield "it is confirmed without a 2xx PUT"
    yield from leaks(server._backend, "\n".join(told))
