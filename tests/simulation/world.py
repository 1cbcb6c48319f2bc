"""The fake in virtual time, with faults, jumps of the clock, and ears on everything."""

from __future__ import annotations

import json
import logging
import random
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from botocore.config import Config

import attach_confirm
from attach_confirm_stubs import ProxyPage, fake_connectparticipant
from attach_confirm_stubs._session import hermetic_session
from attach_confirm_stubs.fake._forget import forget
from tests.simulation.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from attach_confirm_stubs import FakeConnectParticipant
    from attach_confirm_stubs.fake._chat import Attachment
    from tests.simulation.caller import Caller
    from tests.simulation.schedule import Schedule

_START = datetime(2031, 5, 6, 7, 8, 9, 250_000, timezone.utc)

speaking: ContextVar[Caller] = ContextVar("speaking")


class Killed(BaseException):
    """The death of a process."""


class _Frozen:
    """Stands where the fake expects `datetime`: the machine's time does not move by itself."""

    @staticmethod
    def now(_: timezone) -> datetime:
        return _START


class _Ahead:
    """Stands where attach_confirm expects `datetime`: the service's time and an offset."""

    def __init__(self, fake: FakeConnectParticipant, skew: float) -> None:
        self._fake = fake
        self._skew = timedelta(seconds=skew)

    def now(self, _: timezone) -> datetime:
        return self._fake.clock.now() + self._skew


class _Ticking:
    """Stands where tenacity expects `time`: seconds pass with the fake's clock alone."""

    def __init__(self, fake: FakeConnectParticipant) -> None:
        self._fake = fake

    def monotonic(self) -> float:
        return self._fake.clock.advanced

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


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
        if not self.schedule.one_client:
            return self._client()
        if self._shared is None or new:
            self._shared = self._client()
        return self._shared

    def _client(self) -> Any:
        options: Any = {"ignore_configured_endpoint_urls": True, "proxies": {}}
        made = attach_confirm.client(
            self.fake.region_name, session=_SESSION, config=Config(**options), verify=True
        )
        made.meta.events.register_first("before-send", self._before)
        made.meta.events.register_last("before-send", self._after)
        return made

    def _prepare(self) -> None:
        schedule, fake, backend = self.schedule, self.fake, self.backend
        for name, value in schedule.assumptions.items():
            setattr(fake.assumptions, name, value)
        if schedule.throttled:
            fake.quotas.enable()
        chats = [backend.start_chat() for _ in range(2)]
        if schedule.room is not None:
            for chat in chats:
                chat.attachments = 35 - schedule.room
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

    def _before(self, request: Any, event_name: str, **_: Any) -> None:
        caller, operation = speaking.get(), event_name.rpartition(".")[2]
        caller.requests += 1
        if operation == "PutObject":
            self._look_at_time(caller, _id_of_put(request))
        self.turns.switch()
        self._requests += 1
        self.fake.clock.advance(self.schedule.jumps.get(self._requests, 0.0))
        if operation == "CompleteAttachmentUpload":
            self._look_at_put(caller, json.loads(request.body)["AttachmentIds"])
        caller.live_on("before")

    def _after(self, request: Any, event_name: str, **_: Any) -> None:
        caller = speaking.get()
        caller.live_on("after")
        if event_name.endswith("PutObject"):
            attachment_id = _id_of_put(request)
            for call in self.fake.calls("PutObject"):
                last = call.attempts[-1]
                if call.params["Key"].endswith(attachment_id) and last.status == 200:
                    self._hear_put(attachment_id, last.fault)

    def _hear_put(self, attachment_id: str, fault: Any) -> None:
        if not isinstance(fault, ProxyPage):
            self.put.add(attachment_id)

    def _look_at_put(self, caller: Caller, attachment_ids: list[str]) -> None:
        for attachment_id in attachment_ids:
            if attachment_id not in self.put:
                self.violate("put first", f"{caller} confirms {attachment_id} without a 2xx PUT")

    def _look_at_time(self, caller: Caller, attachment_id: str) -> None:
        caller.puts += 1
        expires_at = self.attachment(attachment_id).upload.expires_at.replace(microsecond=0)
        if caller.puts > 1 and self.callers_now() >= expires_at:
            self.violate("in time", f"{caller} repeats the PUT of a URL whose time is up")


def _id_of_put(request: Any) -> str:
    return request.url.partition("?")[0].rpartition("/")[2]


@contextmanager
def universe() -> Iterator[FakeConnectParticipant]:
    """Start the fake, for any number of worlds one after the other."""
    with fake_connectparticipant() as fake, patch("tenacity.time", _Ticking(fake)):
        with patch("attach_confirm_stubs._clock.datetime", _Frozen):
            yield fake


@contextmanager
def world(schedule: Schedule, fake: FakeConnectParticipant) -> Iterator[World]:
    """Begin a world, with all logging heard."""
    forget()
    # Of botocore's and tenacity's jitter.
    random.seed(schedule.seed)
    root, ear = logging.getLogger(), _Ear()
    level, disabled = root.level, logging.root.manager.disable
    with ExitStack() as stack:
        stack.enter_context(patch("attach_confirm._put.datetime", _Ahead(fake, schedule.skew)))
        stack.callback(root.setLevel, level)
        stack.callback(root.removeHandler, ear)
        stack.callback(logging.disable, disabled)
        logging.disable(logging.NOTSET)
        root.addHandler(ear)
        root.setLevel(logging.DEBUG)
        made = World(schedule, fake)
        made.texts = ear.lines
        yield made


_SESSION = hermetic_session()
