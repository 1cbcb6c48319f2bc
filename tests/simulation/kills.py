"""Kill real processes that send a file to the served fake, and deliver the file again."""

from __future__ import annotations

import multiprocessing
import random
import signal
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import Queue
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

from attach_confirm_stubs import ReadTimeout, serve_connectparticipant
from attach_confirm_stubs.fake import exceptions
from tests.simulation.invariants import find_leaks
from tests.simulation.sender_process import Job, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from attach_confirm_stubs import ConnectParticipantServer

_TIMEOUT = 60
_MAX_DELIVERIES = 6
_OPERATIONS = (
    "CreateParticipantConnection",
    "StartAttachmentUpload",
    "PutObject",
    "CompleteAttachmentUpload",
    "GetTranscript",
)
# Before the request; after it, with the operation not done or done and no response sent; while the
# body is read; or after the response to the confirmation.
_HTTP_MOMENTS = (
    *((operation, moment) for operation in _OPERATIONS for moment in ("before", "undone", "done")),
    ("PutObject", "body"),
    ("CompleteAttachmentUpload", "response"),
)
_JOURNAL_MOMENTS = tuple(
    (method, moment)
    for method in ("get", "claim", "mark_confirmed")
    for moment in ("before", "after")
)


class Kill(NamedTuple):
    """A kind of kill.

    Attributes:
        method: See `sender_process.Job`.
        operation: An operation of the service or a method of the journal.
        moment: The moment before, during or after it.
    """

    method: str
    operation: str
    moment: str

    @property
    def window(self) -> str:
        """The steps between which the process is killed."""
        if self.method != "journal" or self.operation in {"CreateParticipantConnection", "get"}:
            return f"{self.method}: {self.operation} {self.moment}"
        return f"{self.method}: {_JOURNAL_WINDOWS.get(self[1:], 'before claim')}"


_CLAIMED = "between claim and the confirmation"
_CONFIRMED = "between the confirmation and mark_confirmed"
_MARKED = "after mark_confirmed"
_JOURNAL_WINDOWS = {
    ("claim", "after"): _CLAIMED,
    ("CompleteAttachmentUpload", "before"): _CLAIMED,
    ("CompleteAttachmentUpload", "undone"): _CLAIMED,
    ("CompleteAttachmentUpload", "done"): _CONFIRMED,
    ("CompleteAttachmentUpload", "response"): _CONFIRMED,
    ("mark_confirmed", "before"): _CONFIRMED,
    ("mark_confirmed", "after"): _MARKED,
    **{("GetTranscript", moment): _MARKED for moment in ("before", "undone", "done")},
    **{
        (operation, moment): f"{operation} {moment}"
        for operation in ("StartAttachmentUpload", "PutObject")
        for moment in ("before", "undone", "done", "body")
    },
}
# The journal's moments are listed twice, to be chosen more often.
KILLS = [
    *(
        Kill(method, *moment)
        for method in ("steps", "upload", "journal")
        for moment in _HTTP_MOMENTS
    ),
    *(Kill("journal", *moment) for moment in _JOURNAL_MOMENTS * 2),
]


def get_kill(seed: int) -> Kill:
    """Return the kind of the kill with this seed."""
    return KILLS[seed % len(KILLS)]


def kill_many(seeds: Sequence[int], jobs: int) -> Iterator[tuple[int, list[str]]]:
    """Yield each seed with the violations of its kill, which run in several processes."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context) as pool:
        yield from zip(seeds, pool.map(kill_and_resume, seeds), strict=True)


def kill_and_resume(seed: int) -> list[str]:
    """Kill a process, deliver its file again until it is sent, and return the violations.

    Args:
        seed: Chooses the kind of kill, the file, and the deliveries. Consecutive seeds cover all
            kinds.
    """
    rng = random.Random(f"kill {seed}")
    kill = get_kill(seed)
    data = rng.randbytes(rng.choice((1, 1000, 300_000)))
    # The URL is valid for 300 seconds, and the upload may start over after another 90.
    delay = rng.choice((0, 0, 330, 400))
    if kill.operation == "CreateParticipantConnection":
        # A participant has five minutes to connect for the first time.
        delay = 0
    # Without a journal, two processes at once are allowed only while the URL is valid.
    runs_twice = rng.random() < 0.5 and (kill.method == "journal" or not delay)
    with TemporaryDirectory() as folder, serve_connectparticipant() as server:
        file = Path(folder, "killed.txt")
        file.write_bytes(data)
        sender = _Sender(server, file, kill.method)
        violations = sender.run_and_kill(kill.operation, kill.moment)
        server.clock.advance(delay)
        violations += sender.run_until_sent(2 if runs_twice and kill.method != "steps" else 1)
        violations += sender.run_until_sent(1)
        log = file.with_suffix(".log").read_text()
        violations += _find_violations(server, data, log)
    return [f"{kill.window}, {delay} s: {text}" for text in violations]


class _Sender:
    """Starts processes that send the same file."""

    def __init__(self, server: ConnectParticipantServer, file: Path, method: str) -> None:
        self._server = server
        self._arguments = (server.endpoint_url, server.participant_token(), file, method)
        self._context = multiprocessing.get_context("forkserver")
        # The children are forked from a process that has imported these modules.
        self._context.set_forkserver_preload([__name__, "tests.simulation.__main__"])

    def run_and_kill(self, operation: str, moment: str) -> list[str]:
        """Start a process, kill it at the moment, and return the violations."""
        with ExitStack() as stack:
            withheld_responses = _observe_withheld_responses(stack)
            is_server_side = moment in {"undone", "done"}
            if is_server_side:
                self._server.inject(operation, ReadTimeout(after_commit=moment == "done"))
            process, control = self._start(f"{operation} {moment}")
            with control:
                if is_server_side:
                    withheld_responses.get(timeout=_TIMEOUT)
                elif not control.poll(_TIMEOUT):
                    return ["the process did not reach the moment"]
                process.kill()
                process.join(_TIMEOUT)
        if process.exitcode != -signal.SIGKILL:
            return [f"unexpected exit status {process.exitcode}"]
        return []

    def run_until_sent(self, count: int) -> list[str]:
        """Run some processes at once, repeatedly until all have sent the file."""
        for _ in range(_MAX_DELIVERIES):
            started = [self._start("") for _ in range(count)]
            results = [_receive(process, control) for process, control in started]
            if None in results:
                return ["a process failed"]
            delays = [value for result, value in results if result == "failed"]
            if not delays:
                return []
            self._server.clock.advance(max(delays))
        return [f"{_MAX_DELIVERIES} deliveries failed"]

    def _start(self, stop_at: str) -> tuple[Any, Any]:
        control, child_control = multiprocessing.Pipe()
        with child_control:
            job = Job(*self._arguments, stop_at)
            process = self._context.Process(target=run, args=(job, child_control))
            process.start()
        return process, control


def _receive(process: Any, control: Any) -> Any:
    """Return what a process has sent at its end, or None if it failed."""
    with control:
        try:
            result = control.recv() if control.poll(_TIMEOUT) else None
        except EOFError:
            result = None
    process.join(_TIMEOUT)
    return result


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


def _find_violations(server: ConnectParticipantServer, data: bytes, log: str) -> Iterator[str]:
    approved = [a for a in server.attachments if a.state == "APPROVED"]
    if [attachment.data for attachment in approved] != [data]:
        yield f"{len(approved)} attachments are approved, or one has other bytes than the file"
    items = [item for item in server.transcript if item["Type"] == "ATTACHMENT"]
    if len(items) != 1:
        yield f"the transcript has {len(items)} items with an attachment"
    confirmations = {
        (*call.params["AttachmentIds"], attempt.client_token)
        for call in server.calls("CompleteAttachmentUpload")
        for attempt in call.attempts
    }
    if len(confirmations) > len({attachment_id for attachment_id, _ in confirmations}):
        yield "an attachment is confirmed with two ClientTokens"
    puts = [a for call in server.calls("PutObject") for a in call.attempts]
    if not any(attempt.committed and attempt.status == 200 for attempt in puts):
        yield "the attachment is confirmed without a successful PUT"
    yield from find_leaks(server._backend, log)
