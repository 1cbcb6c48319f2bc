"""What a seed stands for."""

from __future__ import annotations

import random
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from attach_confirm_stubs import (
    ConnectionReset,
    ConnectTimeout,
    Fault,
    Latency,
    ModeledError,
    ProxyPage,
    ReadTimeout,
    ServerError,
    Throttle,
    TruncatedResponse,
)

NO_FAULT = Latency(0)

# What can be heard and tried again, then what ends an attempt for good.
_PASSING = (
    Throttle(),
    ServerError(),
    ServerError(502),
    ServerError(503),
    ServerError(504),
    ConnectTimeout(),
    ReadTimeout(),
    ReadTimeout(after_commit=True),
    ConnectionReset(),
    ConnectionReset(after_commit=True),
    TruncatedResponse(),
    ProxyPage(),
    Latency(3),
    Latency(29),
)
_CODES = {
    "CompleteAttachmentUpload": (
        "AccessDeniedException",
        "ConflictException",
        "ConflictException",
        "InternalServerException",
        "ServiceQuotaExceededException",
        "ThrottlingException",
        "ValidationException",
    ),
    "CreateParticipantConnection": (
        "AccessDeniedException",
        "InternalServerException",
        "ThrottlingException",
        "ValidationException",
    ),
    "GetTranscript": (
        "AccessDeniedException",
        "InternalServerException",
        "ThrottlingException",
        "ValidationException",
    ),
    "PutObject": (
        "AccessDenied",
        "AccessDenied",
        "InternalError",
        "RequestTimeout",
        "ServiceUnavailable",
        "SignatureDoesNotMatch",
        "SlowDown",
    ),
    "StartAttachmentUpload": (
        "AccessDeniedException",
        "InternalServerException",
        "ServiceQuotaExceededException",
        "ThrottlingException",
        "ValidationException",
    ),
}
OPERATIONS = tuple(sorted(_CODES))
# botocore stops to retry after 35 retries or so, long or short ago.
_BURSTS = (1, 2, 3) * 10 + (6,) * 9 + (50,)
_HOURS = 3600.0
# An upload URL lives for 300 seconds, a connection for 24 hours, a chat for 25.
_JUMPS = (1.0, 60.0, 299.0, 301.0, 900.0, 23.5 * _HOURS, 24.2 * _HOURS, 26 * _HOURS)
_NAMES = ("receipt.pdf", "a b.txt", "größe.png", "日本.csv", 'say "hi".docx', "x" * 251 + ".txt")
_TYPES = (None, "application/pdf", "text/plain; charset=utf-8", "image/png")
_SIZES = (1, 2, 17, 1000, 4096, 70_000, 300_000)


@dataclass(frozen=True)
class Kill:
    """The death of a caller's process.

    Attributes:
        request: At which request of the caller, the first being 1.
        moment: "before" the request is sent, while its "body" is read, or "after" the service
            had it, with the answer unread.
    """

    request: int
    moment: str


@dataclass(frozen=True)
class File:
    """A file that someone sends.

    Attributes:
        name: Its name, of which a schedule has no second one.
        content_type: Its MIME type; None goes by the name.
        size: Its size in bytes.
        participant: Who sends it, by number.
        how: By "upload"; by "upload, pinned" with a ClientToken that outlives the process; by the
            three "steps"; or by "wrong length" steps, where another size was announced.
        source: As "bytes", a "stream" or a "pipe", which cannot seek; or as one that "grows" or
            "shrinks" while it is read.
        kills: When the process dies.
        twin: Whether another process confirms what this one has put, at the same time.
        stray: Whether the participant token comes with a newline, as out of a file.
        patience: How long `wait` is given afterwards, in seconds; None does not wait.
    """

    name: str
    content_type: str | None
    size: int
    participant: int
    how: str
    source: str
    kills: tuple[Kill, ...]
    twin: bool
    stray: bool
    patience: float | None


@dataclass(frozen=True)
class Schedule:
    """All that is decided beforehand.

    Attributes:
        seed: What it was made of.
        chats: For each participant the number of their chat.
        files: What is sent, all at once.
        faults: For each operation the faults of its attempts.
        scanner: The orders to the scanner: verdict, name or None, seconds.
        jumps: By how many seconds the clock jumps, before the request of this number.
        throttled: Whether the quotas of requests are on.
        room: How many attachments the chats take; None as many as the service does.
        assumptions: What is switched in the fake.
        skew: How many seconds the callers' clocks are ahead of the service's.
        one_client: Whether all callers share one client.
    """

    seed: int
    chats: tuple[int, ...]
    files: tuple[File, ...]
    faults: dict[str, tuple[Fault, ...]]
    scanner: tuple[tuple[str, str | None, float], ...]
    jumps: dict[int, float]
    throttled: bool
    room: int | None
    assumptions: dict[str, Any]
    skew: float
    one_client: bool

    def __str__(self) -> str:
        lines = [f"{field.name} = {getattr(self, field.name)!r}" for field in fields(self)]
        return "\n".join(lines)

    @property
    def troubles(self) -> int:
        """How many things go wrong, each of which may cost a caller a call or two."""
        injected = sum(fault != NO_FAULT for queue in self.faults.values() for fault in queue)
        kills = sum(len(file.kills) for file in self.files)
        return injected + len(self.jumps) + kills

    @property
    def retries(self) -> int:
        """How often the client may have to repeat an attempt, quotas aside."""
        api = [queue for operation, queue in self.faults.items() if operation != "PutObject"]
        return sum(fault != NO_FAULT for queue in api for fault in queue)


def schedule(seed: int) -> Schedule:
    """Make the schedule of a seed, always the same."""
    dice = random.Random(seed)
    chats = tuple(dice.randrange(2) for _ in range(dice.choice((1, 1, 1, 2, 3))))
    files = tuple(
        _file(dice, number, len(chats)) for number in range(dice.choice((1, 1, 1, 1, 2, 3)))
    )
    names = [None, *(file.name for file in files)]
    return Schedule(
        seed=seed,
        chats=chats,
        files=files,
        faults={operation: queue for operation in OPERATIONS if (queue := _queue(dice, operation))},
        scanner=tuple(
            (
                dice.choice(("APPROVED", "APPROVED", "REJECTED", "IN_PROGRESS")),
                dice.choice(names),
                dice.choice((0.0, 0.0, 5.25, 61.75)),
            )
            for _ in range(dice.choice((0, 0, 0, 1, 2)))
        ),
        jumps={
            dice.randrange(1, 12): dice.choice(_JUMPS)
            for _ in range(dice.choice((0, 0, 0, 0, 1, 2)))
        },
        throttled=dice.random() < 0.1,
        room=dice.choice((0, 1, 2)) if dice.random() < 0.05 else None,
        assumptions=_assumptions(dice),
        skew=dice.choice((0.0, 0.0, 0.0, 7.5, -7.5, 250.5, -250.5, 4000.5)),
        one_client=dice.random() < 0.5,
    )


def _file(dice: random.Random, number: int, participants: int) -> File:
    how = dice.choice(
        ("upload",) * 5 + ("upload, pinned",) * 3 + ("steps",) * 7 + ("wrong length",)
    )
    sources = ("bytes",) * 12 + ("stream",) * 6 + ("pipe",) * 2 + ("grows", "shrinks")
    return File(
        name=f"{number}{dice.choice(_NAMES)}",
        content_type=dice.choice(_TYPES),
        size=dice.choice(_SIZES) + dice.randrange(2),
        participant=dice.randrange(participants),
        how=how,
        source=dice.choice(sources),
        kills=tuple(
            Kill(dice.randrange(1, 9), dice.choice(("before", "body", "after")))
            for _ in range(dice.choice((0, 0, 0, 1, 1, 2)))
        ),
        twin=how == "steps" and dice.random() < 0.3,
        stray=dice.random() < 0.02,
        patience=dice.choice((None, None, None, 0.0, 9.5, 120.0)),
    )


def _queue(dice: random.Random, operation: str) -> tuple[Fault, ...]:
    """Return bursts of faults, with attempts between them that go well."""
    queue: list[Fault] = []
    for _ in range(dice.choice((0, 0, 0, 1, 1, 2))):
        queue += [NO_FAULT] * dice.randrange(3)
        queue += [_fault(dice, operation) for _ in range(dice.choice(_BURSTS))]
    return tuple(queue)


def _fault(dice: random.Random, operation: str) -> Fault:
    if dice.random() < 0.15:
        return ModeledError(dice.choice(_CODES[operation]))
    return dice.choice(_PASSING)


def _assumptions(dice: random.Random) -> dict[str, Any]:
    switched: dict[str, Any] = {}
    if dice.random() < 0.3:
        switched["complete_before_put"] = None
    if dice.random() < 0.1:
        switched["complete_again"] = None
    if dice.random() < 0.3:
        switched["client_token_lifetime"] = timedelta(seconds=dice.choice((0, 2, 30)))
    if dice.random() < 0.2:
        switched["upload_url_lifetime"] = timedelta(seconds=dice.choice((5, 20)))
    if dice.random() < 0.2:
        switched["quota_counts"] = "completed"
    if dice.random() < 0.2:
        switched["rejected_item"] = False
    return switched
