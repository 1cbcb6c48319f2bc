"""What the command tells of what it did."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as BotocoreConnectionError
from rich.console import Console
from rich.table import Table

import attach_confirm

if TYPE_CHECKING:
    from collections.abc import Iterator

REFUSED, MISUSED, INTERRUPTED = 1, 2, 130
_ERRORS = (
    attach_confirm.AttachConfirmError,
    BotocoreConnectionError,
    ClientError,
    HTTPClientError,
)


class Report:
    """Tells what happened: as JSON lines, plain lines, or on a terminal a table each.

    Attributes:
        exit_status: What the command exits with at the end.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.exit_status = 0
        self._as_json = as_json

    @contextmanager
    def about(self, kind: str, name: str) -> Iterator[dict[str, Any]]:
        """Collect the facts about one file or attachment; tell them, or what went wrong."""
        facts: dict[str, Any] = {kind: name}
        try:
            yield facts
        except _ERRORS as error:
            misused = isinstance(error, attach_confirm.InvalidInputError)
            self.exit_status = max(self.exit_status, MISUSED if misused else REFUSED)
            self._tell_error(name, facts, error)
        except KeyboardInterrupt as interrupt:
            fail(INTERRUPTED, f"{name}: interrupted.{_way_on(facts, interrupt)}")
        else:
            self._tell(name, facts)

    def close(self) -> NoReturn:
        """End the command."""
        raise typer.Exit(self.exit_status)

    def _tell(self, name: str, facts: dict[str, Any]) -> None:
        console = Console()
        if self._as_json:
            _print(json.dumps(facts))
        elif console.is_terminal:
            table = Table(title=name, title_justify="left", show_header=False)
            for label, value in _shown(facts):
                table.add_row(label, value)
            console.print(table)
        else:
            _print(f"{name}: {', '.join(f'{label} {value}' for label, value in _shown(facts))}")

    def _tell_error(self, name: str, facts: dict[str, Any], error: BaseException) -> None:
        advice = attach_confirm.advise(error)
        text = " ".join(str(error).split())
        if self._as_json:
            known = {"attachment_id": advice.attachment_id} if advice.attachment_id else {}
            told = {"error": text, "action": advice.action.value, "reason": advice.reason}
            _print(json.dumps(known | facts | told))
        else:
            hint = f"{advice.action.value}: {advice.reason}{_way_on(facts, error)}"
            complain(f"{name}: {text.rstrip('.')}. {hint}")


def facts_of(confirmation: attach_confirm.Confirmation) -> dict[str, Any]:
    """Return what is told of a confirmation, by the names that `--json` prints."""
    return {
        "attachment_id": confirmation.attachment_id,
        "client_token": confirmation.client_token,
        "attempts": confirmation.attempts,
        "already_confirmed": confirmation.already_confirmed,
    }


def _shown(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield label and value of the facts that a person wants to see."""
    for fact, label in {
        "attachment_id": "id",
        "client_token": "ClientToken",
        "attempts": "attempts",
        "status": "status",
    }.items():
        if fact in facts:
            yield label, str(facts[fact] or "not in the transcript")
    if facts.get("already_confirmed"):
        yield "confirmed", "by an earlier attempt"


def _way_on(facts: dict[str, Any], error: BaseException) -> str:
    """Return the command that goes on where an upload's bytes had got through."""
    known = facts.get("attachment_id") or attach_confirm.advise(error).attachment_id
    if "file" not in facts or known is None:
        return ""
    return f" Go on with: attach-confirm {'status' if 'attempts' in facts else 'confirm'} {known}"


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def complain(text: str) -> None:
    """Print an error as one line."""
    print(f"attach-confirm: {text}", file=sys.stderr)  # noqa: T201


def fail(exit_status: int, text: str) -> NoReturn:
    """Print an error as one line, and end the command."""
    complain(text)
    raise typer.Exit(exit_status)
