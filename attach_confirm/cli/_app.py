"""Define the commands and their options."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer
from botocore.exceptions import (
    ConfigParseError,
    InvalidRegionError,
    NoRegionError,
    ProfileNotFound,
)
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

import attach_confirm
from attach_confirm.cli._output import (
    EXIT_FAILURE,
    EXIT_USAGE,
    Output,
    confirmation_fields,
    exit_with_error,
    print_error,
)

if TYPE_CHECKING:
    from types_boto3_connectparticipant.client import ConnectParticipantClient

TOKEN_ENV_VAR = "ATTACH_CONFIRM_CONNECTION_TOKEN"  # noqa: S105


app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

TokenFile = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help=f'Read the connection token from FILE ("-" for stdin) instead of ${TOKEN_ENV_VAR}.',
    ),
]
Region = Annotated[
    str | None, typer.Option(metavar="REGION", help="Region of the Connect instance.")
]
EndpointUrl = Annotated[
    str | None, typer.Option(metavar="URL", help="Endpoint URL to use instead of AWS.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")]
AttachmentIds = Annotated[list[str], typer.Argument(metavar="ID...", help="Attachment IDs.")]


def _print_version(requested: bool) -> None:
    if requested:
        print(f"attach-confirm {attach_confirm.__version__}")  # noqa: T201
        raise typer.Exit


@app.callback()
def _main_options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version and exit.",
        ),
    ] = False,
) -> None:
    """Send files to an Amazon Connect chat and confirm that they arrived."""


@app.command()
def upload(  # noqa: PLR0917
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files to send.")],
    fake: Annotated[
        bool, typer.Option("--fake", help="Use the embedded fake; needs no AWS account.")
    ] = False,
    timeout: Annotated[
        float,
        typer.Option(min=0, metavar="SECONDS", help="Maximum time to wait for each approval."),
    ] = 120.0,
    token_file: TokenFile = None,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
    as_json: JsonOption = False,
) -> None:
    """Send files, confirm them, and wait until they are approved."""
    output = Output(as_json=as_json)
    with (
        _embedded_fake()
        if fake
        else nullcontext((_client(region, endpoint_url), _token(token_file))) as (client, token)
    ):
        for file in files:
            with output.item("file", str(file)) as fields:
                with _progress_bar(file) as callback:
                    sent = attach_confirm.upload(client, file, token, callback=callback)
                fields.update(confirmation_fields(sent))
                status = attach_confirm.wait(client, sent.attachment_id, token, timeout=timeout)
                fields["status"] = status.value
    output.exit()


@app.command()
def confirm(
    attachment_ids: AttachmentIds,
    token_file: TokenFile = None,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
    as_json: JsonOption = False,
) -> None:
    """Confirm uploaded attachments. It is safe to repeat this command."""
    output = Output(as_json=as_json)
    client, token = _client(region, endpoint_url), _token(token_file)
    for attachment_id in attachment_ids:
        with output.item("attachment_id", attachment_id) as fields:
            confirmation = attach_confirm.confirm(client, attachment_id, token, on_conflict="check")
            fields.update(confirmation_fields(confirmation))
    output.exit()


@app.command()
def status(
    attachment_ids: AttachmentIds,
    token_file: TokenFile = None,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
    as_json: JsonOption = False,
) -> None:
    """Show the status of attachments.

    The exit code is 1 if the chat's transcript does not list one of them.
    """
    output = Output(as_json=as_json)
    client, token = _client(region, endpoint_url), _token(token_file)
    for attachment_id in attachment_ids:
        with output.item("attachment_id", attachment_id) as fields:
            attachment_status = attach_confirm.status(client, attachment_id, token)
            fields["status"] = attachment_status and attachment_status.value
            if attachment_status is None:
                output.exit_code = EXIT_FAILURE
    output.exit()


@app.command()
def serve(
    host: Annotated[str, typer.Option(metavar="HOST", help="Address to bind.")] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            min=0, max=65535, metavar="PORT", help="Port to listen on; 0 picks a free one."
        ),
    ] = 0,
) -> None:
    """Serve the fake over HTTP."""
    with _require_stubs_extra():
        from attach_confirm_stubs import serve_connectparticipant  # noqa: PLC0415
        from attach_confirm_stubs.fake import _patterns  # noqa: PLC0415
        from attach_confirm_stubs.server import _banner  # noqa: PLC0415
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, signal.default_int_handler)
    # The server runs until a signal stops it, so KeyboardInterrupt is a success.
    with suppress(KeyboardInterrupt), ExitStack() as stack:
        try:
            fake = stack.enter_context(serve_connectparticipant(host, port))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            exit_with_error(EXIT_USAGE, f"cannot serve at host {host!r}, port {port}: {reason}")
        if not _patterns.is_loopback(host):
            print_error(f"warning: anyone who can reach {host} has full control of the fake")
        banner = _banner.startup_banner(
            fake.endpoint_url,
            fake.region_name,
            participant_token=fake.participant_token(),
            connection_token=fake.connection_token(),
        )
        print(banner, flush=True)  # noqa: T201
        Event().wait()


def main() -> None:
    """Run the command-line tool."""
    app()


def _client(region: str | None, endpoint_url: str | None) -> "ConnectParticipantClient":
    try:
        return attach_confirm.client(region, endpoint_url=endpoint_url)
    except NoRegionError:
        exit_with_error(EXIT_USAGE, "no region: pass --region or set AWS_DEFAULT_REGION")
    except (ConfigParseError, InvalidRegionError, ProfileNotFound, ValueError) as error:
        exit_with_error(EXIT_USAGE, str(error))


def _token(token_file: str | None) -> str:
    """Return the connection token, without the newline at the end of a token file."""
    try:
        if token_file is None:
            return os.environ[TOKEN_ENV_VAR]
        read_token = sys.stdin.read if token_file == "-" else Path(token_file).read_text  # noqa: S105
        return read_token().strip()
    except KeyError:
        exit_with_error(
            EXIT_USAGE, f"no connection token: set {TOKEN_ENV_VAR} or pass --token-file"
        )
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        exit_with_error(EXIT_USAGE, f"--token-file: {token_file}: {reason}")


@contextmanager
def _require_stubs_extra() -> Iterator[None]:
    """Exit with a message that names the extra to install, if an import in the block fails."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        exit_with_error(EXIT_USAGE, f"{package} is missing: pip install 'attach-confirm[stubs]'")


@contextmanager
def _embedded_fake() -> Iterator[tuple["ConnectParticipantClient", str]]:
    with _require_stubs_extra():
        from attach_confirm_stubs import fake_connectparticipant  # noqa: PLC0415
    with fake_connectparticipant() as fake:
        yield fake.client, fake.connection_token()


@contextmanager
def _progress_bar(file: Path) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on standard error if it is a terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        size = file.stat().st_size if file.is_file() else None
        yield partial(progress.advance, progress.add_task(file.name, total=size))
