"""Print the results and errors of the commands."""

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
        """Run a `with` block for one item, then print the result or the error that it raised.

        Args:
            key: JSON key of the item: `file` or `attachment_id`.
            name: File name or attachment ID.

        Yields:
            A dictionary to which the block adds the fields of the result.
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

    def exit(self) -> NoReturn:
        """Exit the command with `exit_code`."""
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
                "error": _error_message(error),
                "action": advice.action.value,
                "reason": advice.reason,
            }
            _print_line(json.dumps(attachment | fields | details))
        elif isinstance(error, attach_confirm.InvalidInputError):
            # The line starts with the file's name, so `strerror` alone describes an OSError.
            reason = getattr(error.__cause__, "strerror", None)
            print_error(f"{name}: {reason or _error_message(error)}")
        else:
            hint = f"{advice.action.value}: {advice.reason}{_next_command(fields, error)}"
            print_error(f"{name}: {_error_message(error).rstrip('.')}. {hint}")


def confirmation_fields(confirmation: attach_confirm.Confirmation) -> dict[str, Any]:
    """Return the fields of a confirmation that the commands print, by JSON key."""
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
    """Print an error, and exit the command."""
    print_error(message)
    raise typer.Exit(exit_code)


def _display_fields(fields: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the label and the value of each field that is printed if `--json` is not set."""
    for key, label in _LABELS.items():
        if key in fields:
            yield label, str(fields[key] or "not in the transcript")
    if fields.get("already_confirmed"):
        yield "confirmed", "by an earlier attempt"


def _next_command(fields: dict[str, Any], error: BaseException) -> str:
    """Return a hint with the command that continues a failed upload, or an empty string.

    There is a hint only if S3 has the bytes.
    """
    attachment_id = fields.get("attachment_id") or attach_confirm.advise(error).attachment_id
    if "file" not in fields or attachment_id is None:
        return ""
    command = "status" if "attempts" in fields else "confirm"
    return f" To continue: attach-confirm {command} {attachment_id}"


def _error_message(error: BaseException) -> str:
    """Return the message of an error on one line."""
    return " ".join(str(error).split())


def _print_line(text: str) -> None:
    print(text, flush=True)  # noqa: T201
