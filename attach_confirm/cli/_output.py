"""Print results and errors."""

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

EXIT_FAILURE, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130
_EXPECTED_ERRORS = (
    attach_confirm.AttachConfirmError,
    BotocoreConnectionError,
    ClientError,
    HTTPClientError,
)
_LABELS = {
    "attachment_id": "id",
    "client_token": "ClientToken",
    "attempts": "attempts",
    "status": "status",
}


class Output:
    """Prints one result per item: as a JSON line, as a table on a terminal, or as a plain line.

    Attributes:
        exit_code: Exit code of the command.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.exit_code = 0
        self._as_json = as_json

    @contextmanager
    def item(self, key: str, name: str) -> Iterator[dict[str, Any]]:
        """Process one item, and print its fields or the error that ended it.

        Args:
            key: JSON key of the item's name: `file` or `attachment_id`.
            name: Name of the item.

        Yields:
            The fields of the result, for the block to fill in.
        """
        fields: dict[str, Any] = {key: name}
        try:
            yield fields
        except _EXPECTED_ERRORS as error:
            is_usage_error = isinstance(error, attach_confirm.InvalidInputError)
            self.exit_code = max(self.exit_code, EXIT_USAGE if is_usage_error else EXIT_FAILURE)
            self._print_error(name, fields, error)
        except KeyboardInterrupt as interrupt:
            exit_with_error(
                EXIT_INTERRUPTED, f"{name}: interrupted.{_next_command(fields, interrupt)}"
            )
        else:
            self._print_result(name, fields)

    def close(self) -> NoReturn:
        """End the command with the exit code."""
        raise typer.Exit(self.exit_code)

    def _print_result(self, name: str, fields: dict[str, Any]) -> None:
        console = Console()
        if self._as_json:
            _print_line(json.dumps(fields))
        elif console.is_terminal:
            table = Table(title=name, title_justify="left", show_header=False)
            for label, value in _display_fields(fields):
                table.add_row(label, value)
            console.print(table)
        else:
            values = ", ".join(f"{label} {value}" for label, value in _display_fields(fields))
            _print_line(f"{name}: {values}")

    def _print_error(self, name: str, fields: dict[str, Any], error: BaseException) -> None:
        advice = attach_confirm.advise(error)
        if self._as_json:
            attachment = {"attachment_id": advice.attachment_id} if advice.attachment_id else {}
            details = {
                "error": _one_line(error),
                "action": advice.action.value,
                "reason": advice.reason,
            }
            _print_line(json.dumps(attachment | fields | details))
        elif isinstance(error, attach_confirm.InvalidInputError):
            # The message of an OSError is enough, because the line starts with the file's name.
            print_error(f"{name}: {getattr(error.__cause__, 'strerror', None) or _one_line(error)}")
        else:
            hint = f"{advice.action.value}: {advice.reason}{_next_command(fields, error)}"
            print_error(f"{name}: {_one_line(error).rstrip('.')}. {hint}")


def confirmation_fields(confirmation: attach_confirm.Confirmation) -> dict[str, Any]:
    """Return the fields of a confirmation that the command prints, by JSON key."""
    return {
        "attachment_id": confirmation.attachment_id,
        "client_token": confirmation.client_token,
        "attempts": confirmation.attempts,
        "already_confirmed": confirmation.already_confirmed,
    }


def print_error(message: str) -> None:
    """Print an error or a warning to standard error."""
    print(f"attach-confirm: {message}", file=sys.stderr)  # noqa: T201


def exit_with_error(exit_code: int, message: str) -> NoReturn:
    """Print an error and end the command."""
    print_error(message)
    raise typer.Exit(exit_code)


def _display_fields(fields: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the label and the value of each field that is printed without `--json`."""
    for key, label in _LABELS.items():
        if key in fields:
            yield label, str(fields[key] or "not in the transcript")
    if fields.get("already_confirmed"):
        yield "confirmed", "by an earlier attempt"


def _next_command(fields: dict[str, Any], error: BaseException) -> str:
    """Return a hint with the command that continues a failed upload, if S3 has its bytes."""
    attachment_id = fields.get("attachment_id") or attach_confirm.advise(error).attachment_id
    if "file" not in fields or attachment_id is None:
        return ""
    command = "status" if "attempts" in fields else "confirm"
    return f" To continue: attach-confirm {command} {attachment_id}"


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _print_line(text: str) -> None:
    print(text, flush=True)  # noqa: T201
