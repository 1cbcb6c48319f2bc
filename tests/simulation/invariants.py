"""Compare the result of a simulation with the state and history of the fake."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from botocore.exceptions import ClientError

from attach_confirm import AttachmentRejectedError, InvalidInputError, PutFailedError
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


def check_invariants(simulation: Simulation) -> None:
    """Record the violations of a simulation that has ended."""
    _check_put_before_confirm(simulation)
    _check_client_tokens(simulation)
    for process in simulation.processes:
        _check_outcome(simulation, process)
        _check_confirmed_once(simulation, process)
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
    error = f"last error: {process.error!r}"
    if process.outcome == "stopped" and not _is_unavoidable(simulation, process):
        simulation.record_violation(Invariant.NO_AVOIDABLE_ERROR, f"{process} stopped; {error}")
    if process.outcome == "call_limit" and not rejection_is_hidden:
        simulation.record_violation(
            Invariant.TERMINATES, f"{process} continues after {process.calls} calls; {error}"
        )
    if process.outcome == "wait_timeout" and not (scanner_is_slow or rejection_is_hidden):
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
    return quota_exceeded or connection_denied or _was_injected(simulation, operation, error_code)


def _was_injected(simulation: Simulation, operation: str, error_code: str) -> bool:
    attempts = chain.from_iterable(call.attempts for call in simulation.fake.calls(operation))
    return any(attempt.fault == ModeledError(error_code) for attempt in attempts)


def _check_confirmed_once(simulation: Simulation, process: ClientProcess) -> None:
    """Check that one attachment per file is confirmed.

    A second one is unavoidable if a process crashed in `upload` and the next one cannot find the
    first attachment: without a client_token, or because the service no longer knows the token.
    """
    confirmed = [
        attachment_id
        for attachment_id in _confirmed_ids(simulation)
        if simulation.attachment(attachment_id).name == process.file.name
    ]
    token_lifetime = simulation.fake.assumptions.client_token_lifetime
    token_is_unknown = process.url_expired or token_lifetime is not None
    cannot_resume = process.crashed_in_upload and (
        process.file.method == "upload" or token_is_unknown
    )
    if len(confirmed) > 1 and not cannot_resume:
        simulation.record_violation(
            Invariant.CONFIRMED_ONCE, f"{process}: {len(confirmed)} attachments are confirmed"
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


def _confirmed_ids(simulation: Simulation) -> list[str]:
    return [
        attachment.attachment_id
        for attachment in simulation.fake.attachments
        if attachment.state in CONFIRMED_STATES
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
