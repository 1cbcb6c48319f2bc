"""Compare the result of a simulation with the state and history of the fake."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from botocore.exceptions import ClientError

from attach_confirm import (
    AttachmentRejectedError,
    InvalidInputError,
    PutFailedError,
    SourceReadError,
    UploadUrlExpiredError,
)
from attach_confirm_stubs import ModeledError
from tests.simulation.schedule import NO_FAULT
from tests.simulation.simulation import CONFIRMED_STATES, SERVICE_ATTACHMENT_QUOTA, Invariant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulation.client_process import ClientProcess
    from tests.simulation.simulation import Simulation

_MAX_NAME_LENGTH = 256
_SECRET_PART_LENGTH = 16
_EXCERPT_LENGTH = 80
_MAX_STARTS = 10


def check_invariants(simulation: Simulation) -> None:
    """Record the violations of a simulation that has ended."""
    _check_put_before_confirm(simulation)
    _check_client_tokens(simulation)
    for process in simulation.processes:
        _check_outcome(simulation, process)
        _check_confirmed_once(simulation, process)
        _check_bytes(simulation, process)
    for leak in find_leaks(simulation.backend, "\n".join(simulation.texts)):
        simulation.record_violation(Invariant.NO_LEAKED_SECRET, leak)


def _check_put_before_confirm(simulation: Simulation) -> None:
    for attachment_id in _confirmed_ids(simulation):
        successes = [
            attempt
            for call in simulation.fake.calls("PutObject")
            if call.params["Key"].endswith(attachment_id)
            for attempt in call.attempts
            if attempt.committed and attempt.status == 200
        ]
        if not successes:
            simulation.record_violation(
                Invariant.PUT_BEFORE_CONFIRM, f"{attachment_id} has no successful PUT"
            )


def _check_client_tokens(simulation: Simulation) -> None:
    tokens: dict[str, set[str | None]] = {}
    for call in simulation.fake.calls("CompleteAttachmentUpload"):
        (attachment_id,) = call.params["AttachmentIds"]
        tokens.setdefault(attachment_id, set()).update(a.client_token for a in call.attempts)
    for attachment_id, used in tokens.items():
        if len(used) > 1:
            simulation.record_violation(
                Invariant.ONE_CLIENT_TOKEN, f"{attachment_id} has {len(used)} ClientTokens"
            )


def _check_outcome(simulation: Simulation, process: ClientProcess) -> None:
    state = _state(simulation, process.state.attachment_id)
    rejection_is_hidden = state == "REJECTED" and not simulation.fake.assumptions.rejected_item
    scanner_is_slow = any(
        status == "IN_PROGRESS" or delay for status, _, delay in simulation.schedule.scanner_rules
    )
    is_hidden = _is_hidden(simulation, process.state.attachment_id)
    error = f"last error: {process.error!r}"
    if process.outcome == "stopped" and not _is_unavoidable(simulation, process):
        simulation.record_violation(Invariant.NO_AVOIDABLE_ERROR, f"{process} stopped; {error}")
    if process.outcome == "call_limit" and not (is_hidden or _used_all_starts(simulation, process)):
        simulation.record_violation(
            Invariant.TERMINATES, f"{process} continues after {process.calls} calls; {error}"
        )
    # After a short timeout or a jump of the clock, which all processes share, a failed request is
    # not repeated.
    clock_jumps = simulation.schedule.clock_jumps or any(
        file.redelivery_delays for file in simulation.schedule.files
    )
    has_one_attempt = process.file.wait_timeout != 120.0 or clock_jumps
    is_interrupted = simulation.schedule.get_transcript_fails and has_one_attempt
    is_late = scanner_is_slow or rejection_is_hidden or is_interrupted
    if process.outcome == "wait_timeout" and not is_late:
        simulation.record_violation(
            Invariant.TERMINATES, f"{process} timed out, but the attachment is {state}; {error}"
        )
    if process.outcome == "approved" and state != "APPROVED":
        simulation.record_violation(
            Invariant.SUCCESS_IS_TRUE, f"{process} returned APPROVED, but it is {state}"
        )


def _is_unavoidable(simulation: Simulation, process: ClientProcess) -> bool:
    """Return whether the schedule makes the process's last error unavoidable."""
    match process.error:
        case AttachmentRejectedError(attachment_id=attachment_id):
            return _state(simulation, attachment_id) == "REJECTED"
        case SourceReadError() | UploadUrlExpiredError() as error:
            is_source_error = isinstance(error, SourceReadError)
            return (
                process.size_changes if is_source_error else _used_all_starts(simulation, process)
            )
        case InvalidInputError(parameter=parameter):
            causes = {
                "name": len(process.file.name) > _MAX_NAME_LENGTH,
                "participant_token": process.file.trailing_newline,
                "source": process.size_changes,
            }
            return causes.get(parameter, False)
        case PutFailedError(error_code=error_code):
            return _was_injected(simulation, "PutObject", str(error_code))
        case ClientError() as error:
            return _is_unavoidable_client_error(simulation, process, error)
    return False


def _is_unavoidable_client_error(
    simulation: Simulation, process: ClientProcess, error: ClientError
) -> bool:
    error_code, operation = error.response["Error"]["Code"], error.operation_name
    token = simulation.participants[process.file.participant]
    participant = simulation.backend.participants[token]
    chat = participant.chat
    quota_exceeded = (
        error_code == "ServiceQuotaExceededException"
        and chat.attachment_count >= SERVICE_ATTACHMENT_QUOTA
    )
    # A participant must connect for the first time within five minutes.
    has_ended = chat.expires_at <= simulation.fake.clock.now() or not participant.connected
    connection_denied = has_ended and (error_code, operation) == (
        "AccessDeniedException",
        "CreateParticipantConnection",
    )
    # Without an item in the transcript, a repeated confirmation looks like an invalid one.
    code_of_repetition = simulation.fake.assumptions.complete_again
    is_ambiguous = (error_code, operation) == (code_of_repetition, "CompleteAttachmentUpload")
    is_hidden = is_ambiguous and _is_hidden(simulation, getattr(error, "attachment_id", None))
    unavoidable = quota_exceeded or connection_denied or is_hidden
    return unavoidable or _was_injected(simulation, operation, error_code)


def _is_hidden(simulation: Simulation, attachment_id: str | None) -> bool:
    """Return whether the transcript cannot show a confirmed attachment."""
    state, assumptions = _state(simulation, attachment_id), simulation.fake.assumptions
    is_undecided = state == "IN_PROGRESS" and assumptions.item_appears == "decided"
    return is_undecided or (state == "REJECTED" and not assumptions.rejected_item)


def _was_injected(simulation: Simulation, operation: str, error_code: str) -> bool:
    attempts = chain.from_iterable(call.attempts for call in simulation.fake.calls(operation))
    return any(attempt.fault == ModeledError(error_code) for attempt in attempts)


def _used_all_starts(simulation: Simulation, process: ClientProcess) -> bool:
    """Return whether `upload` has started as often for the file as it may."""
    names = [attachment.name for attachment in simulation.backend.attachments.values()]
    return process.is_redelivered and names.count(process.file.name) >= _MAX_STARTS


def _check_confirmed_once(simulation: Simulation, process: ClientProcess) -> None:
    """Check that one attachment per file is confirmed.

    Without a client_token, a second one is unavoidable if a process crashed in `upload`, because
    the next one does not know the first attachment.
    """
    confirmed = _confirmed_ids(simulation, process.file.name)
    invariant = Invariant.ONE_ITEM if process.is_redelivered else Invariant.CONFIRMED_ONCE
    # Until the scanner's verdict, nothing shows a late confirmation.
    is_late = (
        process.file.name in simulation.late_files
        and process.file.method == "upload with client_token"
        and simulation.fake.assumptions.item_appears == "decided"
    )
    cannot_resume = is_late or (process.crashed_in_upload and not process.is_redelivered)
    if len(confirmed) > 1 and not cannot_resume:
        simulation.record_violation(
            invariant, f"{process}: {len(confirmed)} attachments are confirmed"
        )
    listed = {
        attachment["AttachmentId"]
        for item in simulation.fake.transcript
        for attachment in item.get("Attachments", [])
        if attachment["AttachmentName"] == process.file.name
    }
    if not listed <= set(confirmed):
        simulation.record_violation(invariant, f"{process}: {listed} are in the transcript")


def _check_bytes(simulation: Simulation, process: ClientProcess) -> None:
    """Check that each confirmed attachment has the bytes of its file."""
    for attachment_id in _confirmed_ids(simulation, process.file.name):
        data = simulation.rejected_data.get(attachment_id)
        if data is None:
            data = simulation.snapshot(attachment_id).data
        if data != process.data or process.size_changes:
            simulation.record_violation(
                Invariant.ONE_ITEM, f"{process}: {attachment_id} has other bytes than the file"
            )


def find_leaks(backend: Any, text: str) -> Iterator[str]:
    """Yield a message for each token or signature of the backend that a text contains in part."""
    secrets = [*backend.participants, *backend.connections]
    for attachment in backend.attachments.values():
        secrets += parse_qs(urlsplit(attachment.upload_url.url).query)["X-Amz-Signature"]
    for secret in secrets:
        middle = len(secret) // 2
        parts = (
            secret[:_SECRET_PART_LENGTH],
            secret[middle : middle + _SECRET_PART_LENGTH],
            secret[-_SECRET_PART_LENGTH:],
        )
        for index in (text.find(part) for part in parts):
            if index >= 0:
                yield f"found after {text[max(0, index - _EXCERPT_LENGTH) : index]!r}"
                break


def _confirmed_ids(simulation: Simulation, name: str | None = None) -> list[str]:
    """Return the ids of the confirmed attachments, of all files or of the file with a name."""
    return [
        attachment.attachment_id
        for attachment in simulation.fake.attachments
        if attachment.state in CONFIRMED_STATES and name in (None, attachment.name)
    ]


def _state(simulation: Simulation, attachment_id: str | None) -> str | None:
    attachment = simulation.snapshot(attachment_id)
    return attachment.state if attachment else None


def count_attempts(simulation: Simulation) -> None:
    """Count the calls, requests and retries, and the faults that were applied."""
    counts = simulation.counts
    for call in simulation.fake.calls:
        counts["calls"] += 1
        counts["retries"] += len(call.attempts) - 1
        for attempt in call.attempts:
            counts["requests"] += 1
            if attempt.fault not in {None, NO_FAULT}:
                counts[f"faults {type(attempt.fault).__name__}"] += 1
