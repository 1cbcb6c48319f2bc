"""What must hold at the end of a schedule, against what the fake has and heard."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from botocore.exceptions import ClientError

from attach_confirm import AttachmentRejectedError, InvalidInputError, PutFailedError
from attach_confirm_stubs import ModeledError
from tests.simulation.schedule import NO_FAULT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.simulation.client_process import Caller
    from tests.simulation.simulation import World

_CONFIRMED = {"IN_PROGRESS", "APPROVED", "REJECTED"}
_SLICE = 16


def judge(world: World, callers: Sequence[Caller]) -> None:
    """Note in the world's violations what does not hold."""
    _confirmed_after_a_put(world)
    _one_client_token(world)
    for caller in callers:
        _unavoidable(world, caller)
    _nothing_twice(world, callers)
    for leak in leaks(world.backend, "\n".join(world.texts)):
        world.violate("no secret", leak)


def _confirmed_after_a_put(world: World) -> None:
    for attachment_id in _confirmed(world):
        good = [
            attempt
            for call in world.fake.calls("PutObject")
            if call.params["Key"].endswith(attachment_id)
            for attempt in call.attempts
            if attempt.committed and attempt.status == 200
        ]
        if not good:
            world.violate("put first", f"{attachment_id} is confirmed without a 2xx PUT")


def _one_client_token(world: World) -> None:
    tokens: dict[str, set[str | None]] = {}
    for call in world.fake.calls("CompleteAttachmentUpload"):
        (attachment_id,) = call.params["AttachmentIds"]
        tokens.setdefault(attachment_id, set()).update(a.client_token for a in call.attempts)
    for attachment_id, used in tokens.items():
        if len(used) > 1:
            world.violate("one token", f"{attachment_id} has {len(used)} ClientTokens")


def _unavoidable(world: World, caller: Caller) -> None:
    if caller.outcome == "stopped" and not _is_excused(world, caller):
        world.violate("unavoidable", f"{caller} stopped: {caller.error!r}")
    state = _state(world, caller.kept.attachment_id)
    untold = state == "REJECTED" and not world.fake.assumptions.rejected_item
    if caller.outcome == "tired" and not untold:
        world.violate("bounded", f"{caller} goes on after {caller.calls}: {caller.error!r}")
    slow = any(verdict == "IN_PROGRESS" or after for verdict, _, after in world.schedule.scanner)
    if caller.outcome == "undecided" and not (slow or untold):
        world.violate("bounded", f"{caller} is {state} and was not told: {caller.error!r}")
    if caller.outcome == "approved" and state != "APPROVED":
        world.violate("true success", f"{caller}: not approved")


def _is_excused(world: World, caller: Caller) -> bool:
    """Tell whether the schedule makes an error unavoidable."""
    error = caller.error
    match error:
        case AttachmentRejectedError(attachment_id=attachment_id):
            return _state(world, attachment_id) == "REJECTED"
        case InvalidInputError(parameter=parameter):
            file = caller.file
            wrong = {"name": len(file.name) > 256, "participant_token": file.stray}
            return wrong.get(parameter, caller.changes and parameter == "source")
        case PutFailedError(error_code=code):
            return _was_injected(world, "PutObject", str(code))
        case ClientError():
            return _service_may(world, caller, error)
    return False


def _service_may(world: World, caller: Caller, error: ClientError) -> bool:
    code, operation = error.response["Error"]["Code"], error.operation_name
    participant = world.backend.participants[world.participants[caller.file.participant]]
    chat = participant.chat
    full = code == "ServiceQuotaExceededException" and chat.attachment_count >= 35
    # A participant has five minutes to connect the first time.
    late = chat.expires_at <= world.fake.clock.now() or not participant.connected
    over = late and (code, operation) == ("AccessDeniedException", "CreateParticipantConnection")
    return full or over or _was_injected(world, operation, code)


def _was_injected(world: World, operation: str, code: str) -> bool:
    attempts = chain.from_iterable(call.attempts for call in world.fake.calls(operation))
    return any(attempt.fault == ModeledError(code) for attempt in attempts)


def _nothing_twice(world: World, callers: Sequence[Caller]) -> None:
    """Of one file one attachment is confirmed, unless its caller cannot have known of another."""
    confirmed = _confirmed(world)
    for caller in callers:
        named = [i for i in confirmed if world.attachment(i).name == caller.file.name]
        forgotten = caller.expired or world.fake.assumptions.client_token_lifetime is not None
        blind = caller.lost and (caller.file.how == "upload" or forgotten)
        if len(named) > 1 and not blind:
            world.violate("nothing twice", f"{caller}: {len(named)} attachments are confirmed")


def leaks(backend: Any, told: str) -> Iterator[str]:
    """Yield where in a text a token or signature of the service is, or a part of one."""
    secrets = [*backend.participants, *backend.connections]
    for attachment in backend.attachments.values():
        secrets += parse_qs(urlsplit(attachment.upload_url.url).query)["X-Amz-Signature"]
    for secret in secrets:
        middle = len(secret) // 2
        parts = (secret[:_SLICE], secret[middle : middle + _SLICE], secret[-_SLICE:])
        for place in (told.find(part) for part in parts):
            if place >= 0:
                yield f"one is in a text after {told[max(0, place - 80) : place]!r}"
                break


def _confirmed(world: World) -> list[str]:
    return [seen.attachment_id for seen in world.fake.attachments if seen.state in _CONFIRMED]


def _state(world: World, attachment_id: str | None) -> str | None:
    for seen in world.fake.attachments:
        if seen.attachment_id == attachment_id:
            return seen.state
    return None


def heard(world: World) -> None:
    """Count the faults that came to pass, the calls and the retries."""
    figures = world.figures
    for call in world.fake.calls:
        figures["calls"] += 1
        figures["retries"] += len(call.attempts) - 1
        for attempt in call.attempts:
            figures["requests"] += 1
            if attempt.fault not in {None, NO_FAULT}:
                figures[f"faults {type(attempt.fault).__name__}"] += 1
