"""The state of one simulation: the fake in virtual time, injected faults, and observers."""

from __future__ import annotations

import json
import logging
import random
import re
from collections import Counter
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from enum import Enum
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from attach_confirm_stubs import ProxyPage
from attach_confirm_stubs.fake.models import reset_all
from tests.simulation.clients import MAX_RETRIES, ClientPool
from tests.simulation.journal import SimulatedJournal
from tests.simulation.scheduler import CooperativeScheduler
from tests.simulation.virtual_time import SkewedClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from attach_confirm_stubs import Attempt, FakeAttachment, FakeConnectParticipant
    from attach_confirm_stubs.fake.models._entities import Attachment
    from tests.simulation.client_process import ClientProcess
    from tests.simulation.schedule import Schedule

SERVICE_ATTACHMENT_QUOTA = 35
CONFIRMED_STATES = frozenset({"IN_PROGRESS", "APPROVED", "REJECTED"})

# Error codes for which `advise` returns FIX or STOP, for every operation.
_FINAL_ERROR_CODES = frozenset(
    {"ServiceQuotaExceededException", "SignatureDoesNotMatch", "ValidationException"}
)

# Ten times the maximum of a thousand schedules.
_MAX_REQUESTS = 1000

# `upload` with a client_token starts over 90 seconds after the URL has expired, and the scanner
# takes up to 60 seconds.
_MAX_LATENESS = timedelta(seconds=30)

current_process: ContextVar[ClientProcess] = ContextVar("current_process")


class Invariant(Enum):
    """The invariants, each with the name that violations start with."""

    PUT_BEFORE_CONFIRM = "PUT before confirm"
    ONE_ITEM = "one item"
    ONE_CLIENT_TOKEN = "one ClientToken"
    SUCCESS_IS_TRUE = "success is true"
    CONFIRMED_ONCE = "confirmed once"
    CONFLICT_IS_CHECKED = "conflict is checked"
    FINAL_ERROR_ENDS = "final error ends"
    NO_PUT_AFTER_EXPIRY = "no PUT after expiry"
    NO_AVOIDABLE_ERROR = "no avoidable error"
    NO_UNEXPECTED_EXCEPTION = "no unexpected exception"
    NO_LEAKED_SECRET = "no leaked secret"
    TERMINATES = "terminates"


class ProcessKilled(BaseException):
    """A simulated crash. The library must not catch it."""


class RequestLimitExceeded(BaseException):
    """A process sent too many requests. The library must not catch it."""


class LogCapture(logging.Handler):
    """Stores the text of every log record."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Store a record."""
        self.lines.append(self.format(record))


class Simulation:
    """One run of a schedule.

    Attributes:
        schedule: The schedule.
        fake: The fake.
        rng: The source of all choices during the run.
        scheduler: Chooses the process that runs next.
        processes: The client processes.
        participants: The participant tokens, by participant index.
        violations: The violations so far, each starting with the invariant's name.
        texts: Log lines and printed values, which must not contain secrets.
        acknowledged_puts: The ids of attachments whose PUT returned S3's success to the client.
        journal: The journal of all files.
        late_files: The names of files whose confirmation was unavoidably sent long after the URL
            had expired.
        rejected_data: The bytes of rejected attachments, by attachment id. The fake deletes them.
        counts: Statistics of the run.
    """

    def __init__(self, schedule: Schedule, fake: FakeConnectParticipant, texts: list[str]) -> None:
        self.schedule = schedule
        self.fake = fake
        self.rng = random.Random(f"run {schedule.seed}")
        self.scheduler = CooperativeScheduler(self.rng)
        self.processes: list[ClientProcess] = []
        self.violations: list[str] = []
        self.texts = texts
        self.acknowledged_puts: set[str] = set()
        self.journal = SimulatedJournal(self)
        self.late_files: set[str] = set()
        self.rejected_data: dict[str, bytes] = {}
        self.counts: Counter[str] = Counter()
        self._requests = 0
        self._attempt_counts: list[int] = []
        self._client: Any = None
        self._configure_fake()

    @property
    def backend(self) -> Any:
        """The fake's backend."""
        return self.fake._backend

    def attachment(self, attachment_id: str) -> Attachment:
        """Return the backend's record of an attachment."""
        return self.backend.attachments[attachment_id]

    def snapshot(self, attachment_id: str | None) -> FakeAttachment | None:
        """Return the public view of an attachment, or None if the id is unknown."""
        matches = (a for a in self.fake.attachments if a.attachment_id == attachment_id)
        return next(matches, None)

    def client_time(self) -> datetime:
        """Return the time on the clients' clocks."""
        return self.fake.clock.now() + timedelta(seconds=self.schedule.clock_skew)

    def record_violation(self, invariant: Invariant, text: str) -> None:
        """Record that an invariant does not hold."""
        self.violations.append(f"{invariant.value}: {text}")

    def client(self, *, new: bool) -> Any:
        """Return a client for a process that starts.

        Args:
            new: Whether to replace the shared client.
        """
        schedule = self.schedule
        if self._client is None or new or not schedule.shared_client:
            retries = MAX_RETRIES + 1 if schedule.throttled else schedule.retries
            self._client = CLIENTS.acquire(retries, self.fake)
        return self._client

    def _configure_fake(self) -> None:
        schedule, fake, backend = self.schedule, self.fake, self.backend
        for name, value in schedule.assumptions.items():
            setattr(fake.assumptions, name, value)
        if schedule.throttled:
            fake.quotas.enable()
        chats = [backend.start_chat() for _ in range(2)]
        if schedule.attachment_quota is not None:
            for chat in chats:
                chat.attachment_count = SERVICE_ATTACHMENT_QUOTA - schedule.attachment_quota
        self.participants = [
            fake.participant_token(contact_id=chats[chat].contact_id) for chat in schedule.chats
        ]
        for status, name, delay in schedule.scanner_rules:
            self._add_scanner_rule(status, name, delay)
        for operation, faults in schedule.faults.items():
            fake.inject(operation, *faults)

    def _add_scanner_rule(self, status: str, name: str | None, delay: float) -> None:
        def match(attachment: Any) -> bool:
            matches = name in (None, attachment.name)
            if matches and status == "REJECTED":
                self.rejected_data[attachment.attachment_id] = attachment.data
            return matches

        scanner = self.fake.scanner
        if status == "IN_PROGRESS":
            scanner.hold(match)
        else:
            {"APPROVED": scanner.approve, "REJECTED": scanner.reject}[status](match, after=delay)

    def before_send(self, request: Any, event_name: str) -> None:
        """Check a request before it is sent; switch processes, move the clock, or crash."""
        process, operation = current_process.get(), event_name.rpartition(".")[2]
        self._count_request(process)
        if process.final_error:
            self.record_violation(
                Invariant.FINAL_ERROR_ENDS,
                f"{process} sends {operation} after {process.final_error}",
            )
        if operation == "PutObject":
            self._check_expiry(process, request.url, _attachment_id(request))
        sent_at = self.fake.clock.now()
        self._switch()
        process.require_permission()
        if operation == "CompleteAttachmentUpload":
            process.confirmations += 1
            (attachment_id,) = json.loads(request.body)["AttachmentIds"]
            self._check_acknowledged(process, attachment_id)
            self._note_late_confirmation(process, attachment_id, sent_at)
        process.maybe_crash("before")
        self._attempt_counts = [len(call.attempts) for call in self.backend.history._calls]

    def after_response(self, request: Any, event_name: str, response: Any) -> None:
        """Record a response before the process reads it, or crash.

        Args:
            request: The request.
            event_name: The name of the event, which ends with the operation's name.
            response: The response of the served fake; None in-process.
        """
        process, operation = current_process.get(), event_name.rpartition(".")[2]
        if response is None:
            attempt = self._latest_attempt()
            error_code = attempt.error_code
            success = attempt.status == 200 and not isinstance(attempt.fault, ProxyPage)
        else:
            error_code = _error_code(response)
            success = response.status_code == 200 and "ETag" in response.headers
        process.maybe_crash("after")
        # The transcript may show that an earlier confirmation succeeded.
        is_checked = (operation, error_code) == ("CompleteAttachmentUpload", "ValidationException")
        if error_code in _FINAL_ERROR_CODES and not is_checked:
            process.final_error = error_code
        if success and operation == "PutObject":
            self.acknowledged_puts.add(_attachment_id(request))

    def before_journal_call(self) -> None:
        """Count a call of the journal as a request; switch processes, move the clock, or crash."""
        process = current_process.get()
        self._count_request(process)
        self._switch()
        process.maybe_crash("before")

    def _count_request(self, process: ClientProcess) -> None:
        process.requests += 1
        if process.requests > _MAX_REQUESTS:
            raise RequestLimitExceeded(f"{process} sent {_MAX_REQUESTS} requests")

    def _switch(self) -> None:
        self.scheduler.switch()
        self._requests += 1
        self.fake.clock.advance(self.schedule.clock_jumps.get(self._requests, 0.0))

    def _latest_attempt(self) -> Attempt:
        """Return the attempt that was added since `before_send`."""
        calls = self.backend.history._calls
        counts = chain(self._attempt_counts, repeat(0))
        return next(
            call.attempts[-1]
            for call, count in zip(calls, counts, strict=False)
            if len(call.attempts) > count
        )

    def _check_acknowledged(self, process: ClientProcess, attachment_id: str) -> None:
        if attachment_id not in self.acknowledged_puts:
            self.record_violation(
                Invariant.PUT_BEFORE_CONFIRM,
                f"{process} confirms {attachment_id} without a successful PUT",
            )

    def _note_late_confirmation(
        self, process: ClientProcess, attachment_id: str, sent_at: datetime
    ) -> None:
        """Record a confirmation that the library cannot send in time.

        Its caller sends it with `confirm`, or the process is suspended while it is sent.
        """
        attachment = self.backend.attachments.get(attachment_id)
        if attachment is None:
            return
        latest = attachment.upload_url.expires_at + _MAX_LATENESS
        is_suspended = sent_at <= latest < self.fake.clock.now()
        if is_suspended or (not process.is_uploading and self.fake.clock.now() > latest):
            self.late_files.add(process.file.name)

    def _check_expiry(self, process: ClientProcess, url: str, attachment_id: str) -> None:
        process.puts[url] += 1
        expires_at = self.attachment(attachment_id).upload_url.expires_at.replace(microsecond=0)
        if process.puts[url] > 1 and self.client_time() >= expires_at:
            self.record_violation(
                Invariant.NO_PUT_AFTER_EXPIRY, f"{process} retries a PUT to an expired URL"
            )


def _attachment_id(request: Any) -> str:
    return request.url.partition("?")[0].rpartition("/")[2]


def _error_code(response: Any) -> str | None:
    """Return the error code of a response of the service or S3, or None."""
    match = re.search(rb"<Code>(\w+)</Code>", response.content)
    return match[1].decode() if match else response.headers.get("x-amzn-errortype")


@contextmanager
def start_simulation(schedule: Schedule, fake: FakeConnectParticipant) -> Iterator[Simulation]:
    """Reset the fake, and capture all log records until the block ends."""
    reset_all()
    # botocore and tenacity take their jitter from the global generator.
    random.seed(schedule.seed)
    logger, handler = logging.getLogger(), LogCapture()
    level, disabled = logger.level, logging.root.manager.disable
    with ExitStack() as stack:
        clock = SkewedClock(fake, schedule.clock_skew)
        stack.enter_context(patch("attach_confirm._put.datetime", clock))
        stack.enter_context(patch("attach_confirm._uploader.datetime", clock))
        stack.callback(logger.setLevel, level)
        stack.callback(logger.removeHandler, handler)
        stack.callback(logging.disable, disabled)
        logging.disable(logging.NOTSET)
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        yield Simulation(schedule, fake, texts=handler.lines)
    CLIENTS.release_all()


def before_send(request: Any, event_name: str, **_: Any) -> None:
    """Pass a request to the simulation of the process that sends it."""
    current_process.get().simulation.before_send(request, event_name)


def after_response(request: Any, event_name: str, response: Any) -> None:
    """Pass a request that got a response to the simulation of the process that sent it."""
    current_process.get().simulation.after_response(request, event_name, response)


CLIENTS = ClientPool(before_send, after_response)
