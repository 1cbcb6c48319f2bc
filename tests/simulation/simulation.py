"""The fake in virtual time, with faults, jumps of the clock, and ears on everything."""

from __future__ import annotations

import json
import logging
import random
from collections import Counter
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from attach_confirm_stubs import ProxyPage
from attach_confirm_stubs.fake.models import reset_all
from tests.simulation.clients import RETRIES, Clients
from tests.simulation.scheduler import Turns
from tests.simulation.virtual_time import Ahead

if TYPE_CHECKING:
    from collections.abc import Iterator

    from attach_confirm_stubs import Attempt, FakeConnectParticipant
    from attach_confirm_stubs.fake.models._entities import Attachment
    from tests.simulation.client_process import Caller
    from tests.simulation.schedule import Schedule

# Answers after which `advise` says FIX or STOP, whatever was asked.
_FINAL = {"ServiceQuotaExceededException", "SignatureDoesNotMatch", "ValidationException"}

# The longest course of a thousand has a tenth of it.
_MANY = 1000

speaking: ContextVar[Caller] = ContextVar("speaking")


class Killed(BaseException):
    """The death of a process."""


class Endless(BaseException):
    """A caller that sends without end."""


class _Ear(logging.Handler):
    """Keeps every line that is logged."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


class World:
    """One schedule on its way.

    Attributes:
        schedule: What was decided.
        fake: The service.
        violations: What did not hold, so far.
        texts: What was logged and shown, to be searched for secrets.
        put: The ids of the attachments whose PUT was answered with success, by S3 and heard.
        figures: What is counted.
        callers: Who sends.
        rejected: The bytes that the scanner saw of what it rejected, by attachment id.
        turns: Who runs.
    """

    def __init__(self, schedule: Schedule, fake: FakeConnectParticipant) -> None:
        self.schedule = schedule
        self.fake = fake
        self.dice = random.Random(f"the course of {schedule.seed}")
        self.turns = Turns(self.dice)
        self.violations: list[str] = []
        self.texts: list[str] = []
        self.put: set[str] = set()
        self.rejected: dict[str, bytes] = {}
        self.figures: Counter[str] = Counter()
        self.callers: list[Caller] = []
        self._requests = 0
        self._known: list[int] = []
        self._shared: Any = None
        self._prepare()

    @property
    def backend(self) -> Any:
        """The service from the inside."""
        return self.fake._backend

    def attachment(self, attachment_id: str) -> Attachment:
        """Return an attachment from the inside."""
        return self.backend.attachments[attachment_id]

    def callers_now(self) -> datetime:
        """Return the time on the callers' clocks."""
        return self.fake.clock.now() + timedelta(seconds=self.schedule.skew)

    def violate(self, invariant: str, text: str) -> None:
        """Note that something does not hold."""
        self.violations.append(f"{invariant}: {text}")

    def client(self, *, new: bool) -> Any:
        """Return a client; another one than before where it is to be new."""
        schedule = self.schedule
        if self._shared is None or new or not schedule.one_client:
            self._shared = CLIENTS.lend(RETRIES + 1 if schedule.throttled else schedule.retries)
        return self._shared

    def _prepare(self) -> None:
        schedule, fake, backend = self.schedule, self.fake, self.backend
        for name, value in schedule.assumptions.items():
            setattr(fake.assumptions, name, value)
        if schedule.throttled:
            fake.quotas.enable()
        chats = [backend.start_chat() for _ in range(2)]
        if schedule.room is not None:
            for chat in chats:
                chat.attachment_count = 35 - schedule.room
        self.participants = [
            fake.participant_token(contact_id=chats[chat].contact_id) for chat in schedule.chats
        ]
        for verdict, name, after in schedule.scanner:
            self._order(verdict, name, after)
        for operation, faults in schedule.faults.items():
            fake.inject(operation, *faults)

    def _order(self, verdict: str, name: str | None, after: float) -> None:
        def which(attachment: Any) -> bool:
            applies = name in (None, attachment.name)
            if applies and verdict == "REJECTED":
                # It is gone afterwards, and was to be what was given all the same.
                self.rejected[attachment.attachment_id] = attachment.data
            return applies

        scanner = self.fake.scanner
        if verdict == "IN_PROGRESS":
            scanner.hold(which)
        else:
            {"APPROVED": scanner.approve, "REJECTED": scanner.reject}[verdict](which, after=after)

    def before(self, request: Any, event_name: str) -> None:
        """See a request that is about to be sent, which may come to something else."""
        caller, operation = speaking.get(), event_name.rpartition(".")[2]
        caller.requests += 1
        if caller.requests > _MANY:
            raise Endless(f"{caller} has sent {_MANY} requests")
        if caller.final:
            self.violate("final", f"{caller} sends {operation} after {caller.final}")
        if operation == "PutObject":
            self._look_at_time(caller, _id_of_put(request))
        self.turns.switch()
        self._requests += 1
        self.fake.clock.advance(self.schedule.jumps.get(self._requests, 0.0))
        if operation == "CompleteAttachmentUpload":
            caller.confirms += 1
            self._look_at_put(caller, json.loads(request.body)["AttachmentIds"])
        caller.live_on("before")
        self._known = [len(call.attempts) for call in self.backend.history._calls]

    def after(self, request: Any, event_name: str) -> None:
        """Hear an answer, as the caller is about to."""
        caller, attempt = speaking.get(), self._newest()
        caller.live_on("after")
        if attempt.error_code in _FINAL:
            caller.final = attempt.error_code
        done = attempt.status == 200 and not isinstance(attempt.fault, ProxyPage)
        if done and event_name.endswith("PutObject"):
            self.put.add(_id_of_put(request))

    def _newest(self) -> Attempt:
        calls = self.backend.history._calls
        lengths = chain(self._known, repeat(0))
        return next(
            c.attempts[-1] for c, n in zip(calls, lengths, strict=False) if len(c.attempts) > n
        )

    def _look_at_put(self, caller: Caller, attachment_ids: list[str]) -> None:
        for attachment_id in attachment_ids:
            if attachment_id not in self.put:
                self.violate("put first", f"{caller} confirms {attachment_id} without a 2xx PUT")

    def _look_at_time(self, caller: Caller, attachment_id: str) -> None:
        caller.puts += 1
        expires_at = self.attachment(attachment_id).upload_url.expires_at.replace(microsecond=0)
        if caller.puts > 1 and self.callers_now() >= expires_at:
            self.violate("in time", f"{caller} repeats the PUT of a URL whose time is up")


def _id_of_put(request: Any) -> str:
    return request.url.partition("?")[0].rpartition("/")[2]


@contextmanager
def world(schedule: Schedule, fake: FakeConnectParticipant) -> Iterator[World]:
    """Begin a world, with all logging heard."""
    reset_all()
    # Of botocore's and tenacity's jitter.
    random.seed(schedule.seed)
    root, ear = logging.getLogger(), _Ear()
    level, disabled = root.level, logging.root.manager.disable
    with ExitStack() as stack:
        stack.enter_context(patch("attach_confirm._put.datetime", Ahead(fake, schedule.skew)))
        stack.callback(root.setLevel, level)
        stack.callback(root.removeHandler, ear)
        stack.callback(logging.disable, disabled)
        logging.disable(logging.NOTSET)
        root.addHandler(ear)
        root.setLevel(logging.DEBUG)
        made = World(schedule, fake)
        made.texts = ear.lines
        yield made
    CLIENTS.take_back()


def hear_first(request: Any, event_name: str, **_: Any) -> None:
    """Tell the caller's world of a request before anything else hears of it."""
    speaking.get().world.before(request, event_name)


def hear_last(request: Any, event_name: str, **_: Any) -> None:
    """Tell the caller's world of a request that was answered."""
    speaking.get().world.after(request, event_name)


CLIENTS = Clients(hear_first, hear_last)
