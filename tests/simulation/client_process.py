"""A program that sends a file and follows `advise` when a call fails."""

from __future__ import annotations

import sqlite3
import traceback
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

import attach_confirm
from attach_confirm import Action, AttachmentStatus
from tests.simulation.schedule import REDELIVERED_METHODS
from tests.simulation.simulation import (
    CONFIRMED_STATES,
    Invariant,
    ProcessKilled,
    current_process,
)
from tests.simulation.sources import create_data, create_source

if TYPE_CHECKING:
    from tests.simulation.schedule import File
    from tests.simulation.simulation import Simulation

_ERRORS = (
    attach_confirm.AttachConfirmError,
    BotoCoreError,
    ClientError,
    HTTPClientError,
    sqlite3.Error,
)
_MAX_WAIT_CALLS = 2
# A pipe that is too short cannot be distinguished from a lost connection, so its caller gives up.
_MAX_PIPE_ERRORS = 3
_SUCCESSES = frozenset({"sent", "approved", "rejected", "wait_timeout"})

# Without a journal, one process at a time may work on a client_token from this time before the URL
# expires.
_EXPIRY_MARGIN = timedelta(seconds=30)


@dataclass
class PersistedState:
    """The state that survives a crash.

    Attributes:
        attachment_id: The attachment id that a finished call returned, or None.
        uploaded: Whether the PUT is known to have succeeded.
        confirmed: Whether the attachment is known to be confirmed.
        finished: Whether the first process has finished.
    """

    attachment_id: str | None = None
    uploaded: bool = False
    confirmed: bool = False
    finished: bool = False


class ClientProcess:
    """A process that sends one file, and restarts after each crash.

    If a queue delivers the file, each process that follows a crash or a success knows nothing of
    the one before.

    Args:
        simulation: The simulation.
        file: The file.
        first: The first process, for a second process that works on the same file; None for a first
            process.

    Attributes:
        simulation: The simulation.
        file: The file.
        data: The content of the file.
        is_redelivered: Whether a queue delivers the file until it is sent.
        state: The state that survives a crash.
        requests: The number of requests, including those before a crash.
        puts: The number of PUT requests in the current call, by URL.
        confirmations: The number of CompleteAttachmentUpload requests in the current call.
        calls: The number of calls to attach_confirm.
        waits: The number of calls to `wait`.
        final_error: The code of an error response after which no request may be sent, or None.
        error: The last error that a call raised, or None.
        outcome: How the process ended; None while it runs. "sent" and "approved" mean success,
            "rejected" a rejection that `status` returned, "wait_timeout" that `wait` timed out,
            "stopped" that the advice was FIX or STOP, "idle" that a second process found no
            upload to confirm, and "call_limit" that the process made too many calls.
        is_uploading: Whether it is in a call of `upload`.
        crashed_in_upload: Whether it crashed in `upload`, so that the id may be unknown.
        is_waiting: Whether it waits until the file's other process has ended.
    """

    def __init__(
        self, simulation: Simulation, file: File, first: ClientProcess | None = None
    ) -> None:
        self.simulation = simulation
        self.file = file
        self.is_redelivered = file.method in REDELIVERED_METHODS
        shares_state = first is not None and not self.is_redelivered
        self.state = first.state if first and shares_state else PersistedState()
        self.requests = self.confirmations = self.calls = self.waits = self._pipe_errors = 0
        self.puts: Counter[str] = Counter()
        self.final_error: str | None = None
        self.error: Exception | None = None
        self.outcome: str | None = None
        self.crashed_in_upload = self.is_waiting = False
        self._is_second = first is not None
        self._confirms_only = shares_state
        self._crashes = set() if shares_state else set(file.crashes)
        self._redelivery_delays = [*file.redelivery_delays]
        self.data = create_data(simulation.schedule.seed, file.name, file.size)
        newline = "\n" if file.trailing_newline else ""
        self._participant_token = simulation.participants[file.participant] + newline
        self._start_process()

    def __str__(self) -> str:
        number = "second" if self._is_second else "first"
        return f"the {number} process of {self.file.name[:20]!r}"

    @property
    def size_changes(self) -> bool:
        """Whether the source has another size than the upload was started with."""
        return self.file.source in {"grows", "shrinks"} or self.file.method.endswith("wrong size")

    def run(self) -> None:
        """Call attach_confirm until the process has an outcome."""
        current_process.set(self)
        try:
            self._run_until_outcome()
        finally:
            self.state.finished = self.state.finished or not self._is_second

    def require_permission(self) -> None:
        """Kill the process if two must not work on the file now, until the other one has ended."""
        if self.file.method != "upload with client_token" or not self._others():
            return
        attachments = self.simulation.backend.attachments.values()
        names = {self.file.name}
        expiries = [a.upload_url.expires_at for a in attachments if a.name in names]
        now = self.simulation.fake.clock.now()
        if expiries and now >= min(expiries) - _EXPIRY_MARGIN:
            self.is_waiting = True
            raise ProcessKilled

    def _others(self) -> list[ClientProcess]:
        """Return the other processes that work on the file."""
        return [
            process
            for process in self.simulation.processes
            if process is not self
            and process.file is self.file
            and process.outcome is None
            and not process.is_waiting
        ]

    def maybe_crash(self, moment: str) -> None:
        """Crash if the schedule has a crash at this request and moment."""
        for crash in [*self._crashes]:
            if (crash.request, crash.moment) == (self.requests, moment):
                self._crashes.remove(crash)
                raise ProcessKilled

    def _run_until_outcome(self) -> None:
        if self._confirms_only:
            while not self.state.uploaded and not self.state.finished:
                self.simulation.scheduler.switch()
            if not self.state.uploaded:
                self.outcome = "idle"
        schedule = self.simulation.schedule
        max_calls = 12 + 4 * schedule.disruptions + 40 * schedule.throttled
        while self.outcome is None:
            self._call()
            if self.outcome in _SUCCESSES and self._redelivery_delays:
                self._redeliver()
            if self.outcome is None and self.calls >= max_calls:
                self.outcome = "call_limit"

    def _redeliver(self) -> None:
        """Start a process that knows nothing of this one."""
        while self.is_waiting and self._others():
            self.simulation.scheduler.switch()
        self.is_waiting = False
        delay = self._redelivery_delays.pop(0) if self._redelivery_delays else 0.0
        self.simulation.fake.clock.advance(delay)
        self.simulation.counts[f"redeliveries {self.file.method.replace(' ', '-')}"] += 1
        self.outcome = self.final_error = None
        self.waits = 0
        self.state = PersistedState()
        self._start_process()

    def _start_process(self) -> None:
        """Initialize what a process loses in a crash."""
        self._client: Any = self.simulation.client(new=self.requests > 0)
        self._connection: attach_confirm.Connection | None = None
        self._pending_upload: attach_confirm.PendingUpload | None = None
        self._must_check_status = self.is_uploading = self._checks_conflict = False

    def _call(self) -> None:
        """Make the next call, and handle its error."""
        self.calls += 1
        self.confirmations = self._reported_bytes = 0
        self.puts.clear()
        self._checks_conflict = False
        try:
            self._make_next_call()
        except ProcessKilled:
            self.simulation.counts["crashes"] += 1
            self.crashed_in_upload = self.crashed_in_upload or self.is_uploading
            if self.is_redelivered:
                self._redeliver()
            else:
                self._start_process()
        except _ERRORS as error:
            self.is_uploading = False
            self._follow_advice(error)

    def _make_next_call(self) -> None:
        if self._connection is None:
            self._connection = self._print(
                attach_confirm.connect(self._client, self._participant_token)
            )
        elif self.state.confirmed:
            self._wait(self._connection.token)
        elif self._must_check_status:
            self._check_status(self._connection.token)
        elif self.state.uploaded:
            self._confirm(self._connection.token)
        elif self.file.method.startswith("upload"):
            self._upload(self._connection.token)
        elif self._pending_upload is None:
            self._start(self._connection.token)
        else:
            self._put(self._pending_upload)

    def _start(self, token: str) -> None:
        self._pending_upload = self._print(
            attach_confirm.start(
                self._client,
                name=self.file.name,
                size=self.file.size + self.file.method.endswith("wrong size"),
                content_type=self.file.content_type or "text/plain",
                connection_token=token,
            )
        )

    def _put(self, pending_upload: attach_confirm.PendingUpload) -> None:
        attach_confirm.put(
            self._client, pending_upload, self._create_source(), callback=self._on_progress
        )
        self._check_reported("bytes", self._reported_bytes, self.file.size)
        self.state.attachment_id, self.state.uploaded = pending_upload.attachment_id, True

    def _upload(self, token: str) -> None:
        uses_journal = self.file.method == "upload with journal"
        self.is_uploading = self._checks_conflict = True
        upload = attach_confirm.upload(
            self._client,
            self._create_source(),
            token,
            name=self.file.name,
            content_type=self.file.content_type,
            callback=self._on_progress,
            client_token=f"queue/{self.file.name}" if self.is_redelivered else None,
            journal=self.simulation.journal if uses_journal else None,
        )
        self.is_uploading = False
        if upload.put_attempts and upload.attempts:
            self._check_reported("bytes", self._reported_bytes, self.file.size)
        self._check_reported("put_attempts", upload.put_attempts, self.puts.total())
        self._check_reported("attempts", upload.attempts, self.confirmations)
        self._on_confirmed(self._print(upload).attachment_id)

    def _confirm(self, token: str) -> None:
        on_conflict: Any = self.simulation.rng.choice(("raise", "check"))
        self._checks_conflict = on_conflict == "check"
        confirmation = attach_confirm.confirm(
            self._client, self._attachment_id(), token, on_conflict=on_conflict
        )
        self._check_reported("attempts", confirmation.attempts, self.confirmations)
        self._on_confirmed(self._print(confirmation).attachment_id)

    def _check_status(self, token: str) -> None:
        status = attach_confirm.status(self._client, self._attachment_id(), token)
        self._must_check_status = False
        if status is AttachmentStatus.REJECTED:
            self.outcome = "rejected"
        elif status is not None:
            self._on_confirmed(self._attachment_id())

    def _wait(self, token: str) -> None:
        self.waits += 1
        timeout = self.file.wait_timeout or 0.0
        attach_confirm.wait(self._client, self._attachment_id(), token, timeout=timeout)
        self.outcome = "approved"

    def _on_confirmed(self, attachment_id: str) -> None:
        """Compare a reported confirmation with the state of the fake."""
        self.state.attachment_id, self.state.confirmed = attachment_id, True
        if self.file.wait_timeout is None:
            self.outcome = "sent"
        attachment = self.simulation.snapshot(attachment_id)
        if attachment is None:
            return
        data = attachment.data
        if attachment.state == "REJECTED":
            data = self.simulation.rejected_data.get(attachment_id)
        if attachment.state not in CONFIRMED_STATES:
            self.simulation.record_violation(
                Invariant.SUCCESS_IS_TRUE, f"{self}: the attachment is {attachment.state}"
            )
        elif data != self.data or self.size_changes:
            self.simulation.record_violation(
                Invariant.SUCCESS_IS_TRUE, f"{self}: the attachment has other bytes than the file"
            )

    def _follow_advice(self, error: Exception) -> None:
        """Set the state, so that the next call does what `advise` recommends."""
        self._print(error)
        if self._checks_conflict and isinstance(error, self._client.exceptions.ConflictException):
            self._on_ambiguous_conflict(getattr(error, "attachment_id", self.state.attachment_id))
        advice = self._print(attach_confirm.advise(error))
        self.simulation.counts[f"advice {advice.action.value}"] += 1
        self.error = error
        if isinstance(error, attach_confirm.SourceReadError) and self.file.source == "pipe":
            self._pipe_errors += 1
        # `put` cannot repeat the step `start`; its caller can.
        is_expired_step = isinstance(
            error, attach_confirm.UploadUrlExpiredError
        ) and not self.file.method.startswith("upload")
        if is_expired_step:
            self._pending_upload = None
        elif (
            advice.action in {Action.FIX, Action.STOP, Action.UNRELATED}
            or self._pipe_errors >= _MAX_PIPE_ERRORS
        ):
            self.outcome = "stopped"
            return
        confirms = not self.is_redelivered or self._confirms_after(advice)
        if advice.attachment_id and not self.state.uploaded and confirms:
            self.state.attachment_id, self.state.uploaded = advice.attachment_id, True
        if advice.action is Action.RECONNECT:
            self._connection = None
        if advice.action is Action.CHECK and self.state.uploaded:
            self._must_check_status = True
        if isinstance(error, attach_confirm.WaitTimeoutError) and self.waits >= _MAX_WAIT_CALLS:
            self.outcome = "wait_timeout"
        delay = advice.retry_after or self.simulation.rng.choice((1.0, 5.0, 30.0))
        self.simulation.fake.clock.advance(delay)

    def _confirms_after(self, advice: attach_confirm.Advice) -> bool:
        """Return whether a queue's consumer confirms the upload, or has the file delivered again.

        If the service rejects a repeated confirmation as invalid, only `upload` with a journal
        distinguishes it from one that is invalid.
        """
        if self.simulation.fake.assumptions.complete_again == "ValidationException":
            return False
        return advice.action is Action.CHECK or self.simulation.rng.random() < 0.5

    def _on_ambiguous_conflict(self, attachment_id: str | None) -> None:
        """Check that an attachment whose conflict was raised is not in the transcript."""
        schedule = self.simulation.schedule
        if self.file.second_process or schedule.get_transcript_fails or schedule.clock_jumps:
            # The last scan may have failed, or the other process may have confirmed it afterwards.
            return
        for item in self.simulation.fake.transcript:
            if attachment_id in [a["AttachmentId"] for a in item.get("Attachments", [])]:
                self.simulation.record_violation(
                    Invariant.CONFLICT_IS_CHECKED,
                    f"{self}: a conflict was raised, but the attachment is confirmed",
                )

    def _on_progress(self, count: int) -> None:
        self._reported_bytes += count
        self.maybe_crash("body")

    def _check_reported(self, what: str, reported: int, actual: int) -> None:
        if reported != actual:
            self.simulation.record_violation(
                Invariant.SUCCESS_IS_TRUE,
                f"{self}: {reported} {what} were reported instead of {actual}",
            )

    def _create_source(self) -> Any:
        return create_source(self.file.source, self.data)

    def _attachment_id(self) -> str:
        return self.state.attachment_id or "unknown"

    def _print(self, value: Any) -> Any:
        """Record a value in all forms that a program may print or log, and return it."""
        texts = [repr(value), str(value)]
        if isinstance(value, BaseException):
            texts += [*traceback.format_exception(value), repr(vars(value)), repr(value.args)]
        self.simulation.texts += texts
        return value
