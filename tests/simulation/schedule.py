"""Schedules: everything that is decided before a simulation runs."""

from __future__ import annotations

import random
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from collections.abc import Sequence

NO_FAULT = Latency(0)

_TRANSIENT_FAULTS = (
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
# A code that is listed twice is chosen twice as often.
_ERROR_CODES = {
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
OPERATIONS = tuple(sorted(_ERROR_CODES))
# A burst of 50 exceeds a client's retry quota, which allows about 35 retries.
_BURST_LENGTHS = (1, 2, 3) * 10 + (6,) * 9 + (50,)
_TLS_SHARE = 0.05
_EXPIRY_SHARE = 0.15
_LOST_CONFIRMATION_SHARE = 0.03
CRASH_MOMENTS = ("before", "body", "after")
_HOUR = 3600.0
# An upload URL is valid for 300 seconds, a connection for 24 hours, and a chat for 25.
_CLOCK_JUMPS = (1.0, 60.0, 299.0, 301.0, 900.0, 23.5 * _HOUR, 24.2 * _HOUR, 26 * _HOUR)
_NAMES = ("receipt.pdf", "a b.txt", "größe.png", "日本.csv", 'say "hi".docx', "x" * 251 + ".txt")
# The times from the death or the end of a process until the file is delivered again, in seconds.
# The upload may start over 90 seconds after the URL has expired.
_REDELIVERY_DELAYS = (0.0, 0.0, 1.0, 30.0, 200.0, 299.5, 301.0, 330.0, 389.0, 391.0, 600.0, _HOUR)
REDELIVERED_METHODS = ("upload with client_token", "upload with journal")
_CONTENT_TYPES = (None, "application/pdf", "text/plain; charset=utf-8", "image/png")
_SIZES = (1, 2, 17, 1000, 4096, 70_000, 300_000)


@dataclass(frozen=True)
class Crash:
    """A crash of a client process.

    Attributes:
        request: The number of the process's request at which it crashes; the first is 1.
        moment: "before" sending the request; while the "body" is read; or "after" the service
            processed the request, before the response is read.
    """

    request: int
    moment: str


@dataclass(frozen=True)
class File:
    """A file that a participant uploads.

    Attributes:
        name: The file name, unique in the schedule.
        content_type: The MIME type; None derives it from the name.
        size: The size in bytes.
        participant: The index of the participant.
        method: "upload"; "upload with client_token" or "upload with journal", as for a file that a
            queue delivers until it is sent, to a process that knows nothing of earlier ones; the
            three "steps"; or "steps with wrong size", which starts the upload with another size.
        source: "bytes", a "stream", a non-seekable "pipe", or a stream that "grows" or "shrinks"
            while it is read.
        crashes: The crashes of the process.
        second_process: Whether a second process works on the file at the same time: it confirms
            the same upload, or calls `upload` with the same client_token.
        trailing_newline: Whether the participant token ends with a newline, as if read from a
            file.
        redelivery_delays: The delays before each delivery after the first, in seconds. A process
            that has succeeded is followed by another one while delays are left.
        wait_timeout: The timeout of `wait` after the confirmation, in seconds; None skips `wait`.
    """

    name: str
    content_type: str | None
    size: int
    participant: int
    method: str
    source: str
    crashes: tuple[Crash, ...]
    second_process: bool
    trailing_newline: bool
    redelivery_delays: tuple[float, ...]
    wait_timeout: float | None


@dataclass(frozen=True)
class Schedule:
    """The inputs of one simulation.

    Attributes:
        seed: The seed of the schedule.
        chats: The index of each participant's chat.
        files: The files, which are uploaded at the same time.
        faults: The faults of the attempts of each operation, in order.
        scanner_rules: Rules of the scanner: status, file name or None for all, delay in seconds.
        clock_jumps: How far the clock jumps before the request with this number, in seconds.
        throttled: Whether the fake enforces the request quotas.
        attachment_quota: How many attachments each chat accepts; None keeps the service's quota.
        assumptions: Settings of the fake's undocumented behaviour.
        clock_skew: How far the clients' clocks are ahead of the service's, in seconds.
        shared_client: Whether all processes share one client.
        uses_tls: Whether the requests are sent over TLS to the served fake.
        journal_fails: Whether some calls of the journal raise an error.
    """

    seed: int
    chats: tuple[int, ...]
    files: tuple[File, ...]
    faults: dict[str, tuple[Fault, ...]]
    scanner_rules: tuple[tuple[str, str | None, float], ...]
    clock_jumps: dict[int, float]
    throttled: bool
    attachment_quota: int | None
    assumptions: dict[str, Any]
    clock_skew: float
    shared_client: bool
    uses_tls: bool
    journal_fails: bool

    def __str__(self) -> str:
        lines = [f"{field.name} = {getattr(self, field.name)!r}" for field in fields(self)]
        return "\n".join(lines)

    @property
    def disruptions(self) -> int:
        """The number of faults, clock jumps and crashes; each may cost a process a few calls."""
        faults = sum(fault != NO_FAULT for queue in self.faults.values() for fault in queue)
        crashes = sum(len(file.crashes) + len(file.redelivery_delays) for file in self.files)
        return faults + len(self.clock_jumps) + crashes

    @property
    def get_transcript_fails(self) -> bool:
        """Whether an attempt of GetTranscript fails or is throttled."""
        queue = self.faults.get("GetTranscript", ())
        return self.throttled or any(fault != NO_FAULT for fault in queue)

    @property
    def retries(self) -> int:
        """The maximum number of botocore's retries, apart from those that quotas cause."""
        api = [queue for operation, queue in self.faults.items() if operation != "PutObject"]
        return sum(fault != NO_FAULT for queue in api for fault in queue)


def create_schedule(seed: int) -> Schedule:
    """Return the schedule of a seed, which is always the same."""
    rng = random.Random(seed)
    uses_tls = is_tls_seed(seed)
    chats = tuple(rng.randrange(2) for _ in range(rng.choice((1, 1, 1, 2, 3))))
    files = tuple(
        _create_file(rng, number, len(chats)) for number in range(rng.choice((1, 1, 1, 1, 2, 3)))
    )
    names = [None, *(file.name for file in files)]
    scanner_rules = tuple(
        (
            rng.choice(("APPROVED", "APPROVED", "REJECTED", "IN_PROGRESS")),
            rng.choice(names),
            rng.choice((0.0, 0.0, 5.25, 59.75)),
        )
        for _ in range(rng.choice((0, 0, 0, 1, 2)))
    )
    assumptions = _create_assumptions(
        rng, files, scanner_ends="IN_PROGRESS" not in {status for status, _, _ in scanner_rules}
    )
    if "item_appears" in assumptions and rng.random() < 0.5:
        scanner_rules = (("APPROVED", None, 59.75), *scanner_rules)
    schedule = Schedule(
        seed=seed,
        chats=chats,
        files=files,
        faults={
            operation: queue
            for operation in OPERATIONS
            if (queue := _create_faults(rng, operation, uses_tls=uses_tls))
        },
        scanner_rules=scanner_rules,
        clock_jumps={
            rng.randrange(1, 12): rng.choice(_CLOCK_JUMPS)
            for _ in range(rng.choice((0, 0, 0, 0, 1, 2)))
        },
        throttled=rng.random() < 0.1,
        attachment_quota=rng.choice((0, 1, 2)) if rng.random() < 0.05 else None,
        assumptions=assumptions,
        clock_skew=rng.choice((0.0, 0.0, 0.0, 7.5, -7.5, 250.5, -250.5, 4000.5)),
        shared_client=rng.random() < 0.5,
        uses_tls=uses_tls,
        journal_fails=rng.random() < 0.1,
    )
    kind = rng.random()
    if kind < _EXPIRY_SHARE:
        return _create_expiry_schedule(rng, schedule)
    if kind < _EXPIRY_SHARE + _LOST_CONFIRMATION_SHARE:
        return _create_lost_confirmation_schedule(rng, schedule)
    return schedule


def _create_expiry_schedule(rng: random.Random, schedule: Schedule) -> Schedule:
    """Return a schedule in which one file is delivered several times around its URL's expiry.

    Other schedules seldom have a confirmation shortly before the expiry that the next process
    cannot see.
    """
    file = replace(
        schedule.files[0],
        method="upload with client_token",
        source="bytes",
        crashes=(Crash(rng.choice((3, 4, 4, 4)), rng.choice(("before", "after", "after"))),),
        second_process=False,
        trailing_newline=False,
        redelivery_delays=(
            rng.choice((1.0, 30.0, 30.0, 85.0, 391.0)),
            rng.choice((1.0, 60.0, 301.0, 391.0)),
            rng.choice((1.0, 301.0)),
        ),
    )
    faults: dict[str, tuple[Fault, ...]] = {}
    if rng.random() < 0.3:
        faults["GetTranscript"] = (ModeledError("AccessDeniedException"),) * 2
    clock_jumps = {4: rng.choice((0.0, 250.0, 280.0, 290.0))}
    if rng.random() < 0.3:
        # S3's response is too late for a confirmation.
        faults["PutObject"], clock_jumps = (Latency(45),), {3: 299.0}
    return replace(
        schedule,
        files=(file,),
        faults=faults,
        scanner_rules=(("APPROVED", None, 59.75),),
        clock_jumps=clock_jumps,
        throttled=False,
        attachment_quota=None,
        clock_skew=rng.choice((0.0, 250.5)),
        assumptions={
            "item_appears": rng.choice(("completed", "decided", "decided")),
            "start_again": rng.choice(("same_url", "same_url", "fresh_url")),
        },
    )


def _create_lost_confirmation_schedule(rng: random.Random, schedule: Schedule) -> Schedule:
    """Return a schedule in which `upload` fails although it has confirmed the attachment."""
    file = replace(schedule.files[0], method="upload", source="bytes", second_process=False)
    lost = ConnectionReset(after_commit=True)
    error_code = rng.choice(("AccessDeniedException", "ConflictException"))
    return replace(
        schedule,
        files=(replace(file, crashes=(), trailing_newline=False, redelivery_delays=()),),
        faults={"CompleteAttachmentUpload": (lost, ModeledError(error_code))},
        clock_jumps={},
        assumptions={},
    )


def is_tls_seed(seed: int) -> bool:
    """Return whether the schedule of a seed sends its requests over TLS: one in 20."""
    return random.Random(f"TLS {seed}").random() < _TLS_SHARE


def _create_file(rng: random.Random, number: int, participants: int) -> File:
    method = rng.choice(
        ("upload",) * 5 + REDELIVERED_METHODS * 5 + ("steps",) * 7 + ("steps with wrong size",)
    )
    is_redelivered = method in REDELIVERED_METHODS
    sources = ("bytes",) * 12 + ("stream",) * 6 + ("pipe",) * 2 + ("grows", "shrinks")
    return File(
        name=f"{number}{rng.choice(_NAMES)}",
        content_type=rng.choice(_CONTENT_TYPES),
        size=rng.choice(_SIZES) + rng.randrange(2),
        participant=rng.randrange(participants),
        method=method,
        source=rng.choice(sources),
        crashes=tuple(
            Crash(rng.randrange(1, 13 if is_redelivered else 9), rng.choice(CRASH_MOMENTS))
            for _ in range(rng.choice((0, 1, 1, 2, 3, 4) if is_redelivered else (0, 0, 0, 1, 1, 2)))
        ),
        second_process=(method == "steps" or is_redelivered) and rng.random() < 0.3,
        trailing_newline=rng.random() < 0.02,
        redelivery_delays=tuple(
            rng.choice(_REDELIVERY_DELAYS)
            for _ in range(rng.choice((0, 1, 2, 3)) if is_redelivered else 0)
        ),
        wait_timeout=rng.choice((None, None, None, 0.0, 9.5, 120.0)),
    )


def _create_faults(rng: random.Random, operation: str, *, uses_tls: bool) -> tuple[Fault, ...]:
    """Return bursts of faults with successful attempts between them."""
    faults: list[Fault] = []
    for _ in range(rng.choice((0, 0, 0, 1, 1, 2))):
        faults += [NO_FAULT] * rng.randrange(3)
        faults += [_create_fault(rng, operation) for _ in range(rng.choice(_BURST_LENGTHS))]
    if uses_tls:
        # A read timeout takes real time.
        faults = [
            ConnectionReset(fault.after_commit) if isinstance(fault, ReadTimeout) else fault
            for fault in faults
        ]
    return tuple(faults)


def _create_fault(rng: random.Random, operation: str) -> Fault:
    if rng.random() < 0.15:
        return ModeledError(rng.choice(_ERROR_CODES[operation]))
    return rng.choice(_TRANSIENT_FAULTS)


def _create_assumptions(
    rng: random.Random, files: Sequence[File], *, scanner_ends: bool
) -> dict[str, Any]:
    """Return settings of the fake, within the conditions of the methods of these files.

    With a client_token and without a journal, `upload` needs a service that remembers it, and a
    transcript that lists each confirmed attachment after at most 60 seconds.
    """
    methods = {file.method for file in files}
    needs_client_token = "upload with client_token" in methods
    assumptions: dict[str, Any] = {}
    if rng.random() < 0.3:
        assumptions["complete_before_put"] = None
    if rng.random() < 0.1:
        assumptions["complete_again"] = None
    if rng.random() < (0.5 if "upload with journal" in methods else 0.3) and not needs_client_token:
        assumptions["client_token_lifetime"] = timedelta(seconds=rng.choice((0, 2, 30)))
    if rng.random() < 0.2:
        assumptions["upload_url_lifetime"] = timedelta(seconds=rng.choice((5, 20)))
    if rng.random() < 0.2:
        assumptions["quota_counts"] = "completed"
    if rng.random() < 0.2 and not needs_client_token:
        assumptions["rejected_item"] = False
    if rng.random() < 0.4 and (scanner_ends or not needs_client_token):
        assumptions["item_appears"] = "decided"
    if rng.random() < 0.4:
        # After a lost response, the other methods cannot start.
        errors = ("ConflictException",) if methods == {"upload with journal"} else ()
        assumptions["start_again"] = rng.choice(("fresh_url", *errors))
    if methods == {"upload with journal"} and rng.random() < 0.3:
        # `upload` looks into every rejection; the other methods leave that to their caller.
        assumptions["complete_again"] = "ValidationException"
    return assumptions
