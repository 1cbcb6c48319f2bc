"""A program that sends a file, hears errors, and does what `advise` says."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

import attach_confirm
from attach_confirm import Action, AttachmentStatus
from tests.simulation.simulation import Killed, speaking
from tests.simulation.sources import data_of, source_of

if TYPE_CHECKING:
    from tests.simulation.schedule import File
    from tests.simulation.simulation import World

_ERRORS = (attach_confirm.AttachConfirmError, BotoCoreError, ClientError, HTTPClientError)
_WAITS = 2
_CONFIRMED = {"IN_PROGRESS", "APPROVED", "REJECTED"}


@dataclass
class Kept:
    """What outlives the process.

    Attributes:
        attachment_id: The attachment, once a call that ended told it.
        uploaded: Whether its bytes are known to be there.
        confirmed: Whether it is known to be confirmed.
        pin: How often a pinned ClientToken was replaced.
        over: Whether nothing is left to do.
    """

    attachment_id: str | None = None
    uploaded: bool = False
    confirmed: bool = False
    pin: int = 0
    over: bool = False


class Caller:
    """Sends one file.

    Attributes:
        file: Which.
        kept: What outlives the process.
        requests: How many requests were sent, over all lives.
        puts: How many of them were PUTs of the call under way.
        confirms: How many of them were confirmations.
        calls: How many of the library's functions were called.
        final: The code of an answer that was heard, and after which nothing may be sent.
        waits: How many of them were `wait`.
        error: What made it give up.
        outcome: How it ended: "sent", "approved", "rejected", "undecided", "stopped",
            "idle", or "tired" where it would have to go on.
        lost: Whether it died in an `upload`, so that it cannot know of an attachment.
        expired: Whether a URL's time was up.
    """

    def __init__(self, world: World, file: File, kept: Kept | None = None) -> None:
        self.world = world
        self.file = file
        self.kept = kept or Kept()
        self.requests = self.puts = self.confirms = self.calls = self.waits = 0
        self.error: Exception | None = None
        self.outcome: str | None = None
        self.final: str | None = None
        self.lost = self.expired = False
        self._is_twin = kept is not None
        self._kills = set() if self._is_twin else set(file.kills)
        self._data = data_of(world.schedule.seed, file.name, file.size)
        self._participant_token = world.participants[file.participant] + "\n" * file.stray
        self._live()

    def __str__(self) -> str:
        return f"{'the twin' if self._is_twin else 'the caller'} of {self.file.name[:20]!r}"

    def run(self) -> None:
        """Call until it is done, is told to give up, or has called too often."""
        speaking.set(self)
        try:
            self._send()
        finally:
            self.kept.over = self.kept.over or not self._is_twin

    def live_on(self, moment: str) -> None:
        """Die, if it is time to."""
        for kill in [*self._kills]:
            if (kill.request, kill.moment) == (self.requests, moment):
                self._kills.remove(kill)
                raise Killed

    def _send(self) -> None:
        while self._is_twin and not self.kept.uploaded and not self.kept.over:
            self.world.turns.switch()
        if self._is_twin and not self.kept.uploaded:
            self.outcome = "idle"
        schedule = self.world.schedule
        bound = 12 + 4 * schedule.troubles + 40 * schedule.throttled
        while self.outcome is None:
            self._call()
            if self.outcome is None and self.calls >= bound:
                self.outcome = "tired"

    def _live(self) -> None:
        """Begin a process, which knows what was kept and nothing else."""
        self._client: Any = self.world.client(new=self.requests > 0)
        self._connection: attach_confirm.Connection | None = None
        self._pending: attach_confirm.PendingUpload | None = None
        self._checking = self._uploading = self._looked = False

    def _call(self) -> None:
        """Call one function of the library, and heed what it raises."""
        self.calls += 1
        self.puts = self.confirms = self._told = 0
        self._looked = False
        try:
            self._act()
        except Killed:
            self.world.figures["deaths"] += 1
            self.lost = self.lost or self._uploading
            self._live()
        except _ERRORS as error:
            self._uploading = False
            self._heed(error)

    def _act(self) -> None:
        if self._connection is None:
            self._connection = self._shown(
                attach_confirm.connect(self._client, self._participant_token)
            )
        elif self.kept.confirmed:
            self._wait(self._connection.token)
        elif self._checking:
            self._check(self._connection.token)
        elif self.kept.uploaded:
            self._confirm(self._connection.token)
        elif self.file.how.startswith("upload"):
            self._upload(self._connection.token)
        elif self._pending is None:
            self._start(self._connection.token)
        else:
            attach_confirm.put(self._client, self._pending, self._source(), callback=self._progress)
            self._compare("bytes", self._told, self.file.size)
            self.kept.attachment_id, self.kept.uploaded = self._pending.attachment_id, True

    def _upload(self, token: str) -> None:
        pinned = f"{self.file.name} {self.kept.pin}" if "pinned" in self.file.how else None
        self._uploading = self._looked = True
        sent = attach_confirm.upload(
            self._client,
            self._source(),
            token,
            name=self.file.name,
            content_type=self.file.content_type,
            callback=self._progress,
            client_token=pinned,
        )
        self._uploading = False
        self._compare("bytes", self._told, self.file.size)
        self._compare("attempts", sent.attempts, self.confirms)
        self._succeed(self._shown(sent).attachment_id)

    def _start(self, token: str) -> None:
        self._pending = self._shown(
            attach_confirm.start(
                self._client,
                name=self.file.name,
                size=self.file.size + (self.file.how == "wrong length"),
                content_type=self.file.content_type or "text/plain",
                connection_token=token,
            )
        )

    def _confirm(self, token: str) -> None:
        on_conflict: Any = self.world.dice.choice(("raise", "check"))
        self._looked = on_conflict == "check"
        confirmed = attach_confirm.confirm(
            self._client, self._known_id(), token, on_conflict=on_conflict
        )
        self._compare("attempts", confirmed.attempts, self.confirms)
        self._succeed(self._shown(confirmed).attachment_id)

    def _check(self, token: str) -> None:
        found = attach_confirm.status(self._client, self._known_id(), token)
        self._checking = False
        if found is AttachmentStatus.REJECTED:
            self.outcome = "rejected"
        elif found is not None:
            self._succeed(self._known_id())

    def _wait(self, token: str) -> None:
        timeout = self.file.patience or 0.0
        self.waits += 1
        attach_confirm.wait(self._client, self._known_id(), token, timeout=timeout)
        self.outcome = "approved"

    def _succeed(self, attachment_id: str) -> None:
        """Compare a success that was reported with what the service holds."""
        self.kept.attachment_id, self.kept.confirmed = attachment_id, True
        if self.file.patience is None:
            self.outcome = "sent"
        for seen in self.world.fake.attachments:
            if seen.attachment_id == attachment_id:
                gone = seen.state == "REJECTED"
                data = self.world.rejected.get(attachment_id) if gone else seen.data
                if seen.state not in _CONFIRMED:
                    self.world.violate("true success", f"{self}: it is {seen.state}")
                elif data != self._data or self.changes:
                    self.world.violate("true success", f"{self}: other bytes than were given")

    @property
    def changes(self) -> bool:
        """Whether the file has another length in the end than it had at first."""
        return self.file.source in {"grows", "shrinks"} or self.file.how == "wrong length"

    def _heed(self, error: Exception) -> None:
        """Do what `advise` says, as far as it is not the next call."""
        self._shown(error)
        if self._looked and isinstance(error, self._client.exceptions.ConflictException):
            self._doubt(getattr(error, "attachment_id", self.kept.attachment_id))
        advice = attach_confirm.advise(error)
        self._shown(advice)
        self.world.figures[f"advice {advice.action.value}"] += 1
        if advice.action in {Action.FIX, Action.STOP}:
            self.error, self.outcome = error, "stopped"
            return
        if advice.attachment_id and not self.kept.uploaded:
            self.kept.attachment_id, self.kept.uploaded = advice.attachment_id, True
        if isinstance(error, attach_confirm.UploadUrlExpiredError):
            self._pending, self.expired = None, True
            self.kept.pin += 1
        if advice.action is Action.RECONNECT:
            self._connection = None
        if advice.action is Action.CHECK and self.kept.uploaded:
            self._checking = True
        if isinstance(error, attach_confirm.WaitTimeoutError) and self.waits >= _WAITS:
            self.outcome = "undecided"
        self.error = error
        self.world.fake.clock.advance(self.world.dice.choice((1.0, 5.0, 30.0)))

    def _doubt(self, attachment_id: str | None) -> None:
        """Look whether a conflict that the library looked into is one."""
        for item in self.world.fake.transcript:
            if attachment_id in [a["AttachmentId"] for a in item.get("Attachments", [])]:
                self.world.violate("looked into", f"{self}: it is confirmed, and none is told")

    def _progress(self, count: int) -> None:
        self._told += count
        self.live_on("body")

    def _compare(self, what: str, told: int, true: int) -> None:
        if told != true:
            self.world.violate("true success", f"{self}: told {told} {what}, there were {true}")

    def _source(self) -> Any:
        return source_of(self.file.source, self._data)

    def _known_id(self) -> str:
        return self.kept.attachment_id or "unknown"

    def _shown(self, thing: Any) -> Any:
        """Show something in all the ways that a program might, and return it."""
        texts = [repr(thing), str(thing)]
        if isinstance(thing, BaseException):
            texts += [*traceback.format_exception(thing), repr(vars(thing)), repr(thing.args)]
        self.world.texts += texts
        return thing
