"""The `attach-confirm` command.

Tokens come from the environment, a file or standard input, never from an argument, which every
user of the machine could read. Exit status: 0 all went well, 1 something was refused or lost,
2 the command was called wrongly, 130 it was interrupted.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

from botocore.exceptions import (
    ConfigParseError,
    InvalidRegionError,
    NoRegionError,
    ProfileNotFound,
)

import attach_confirm

try:
    import typer
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from attach_confirm.cli._output import MISUSED, REFUSED, Report, complain, facts_of, fail
except ModuleNotFoundError as missing:
    sys.exit(f"attach-confirm: {missing.name} is missing: pip install 'attach-confirm[cli]'")

if TYPE_CHECKING:
    from types_boto3_connectparticipant.client import ConnectParticipantClient

TOKEN_VARIABLE = "ATTACH_CONFIRM_CONNECTION_TOKEN"  # noqa: S105


app = typer.Typer(
    help="Send files in an Amazon Connect chat, confirm them once, see that they arrived.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

TokenFile = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help=f"Read the connection token from FILE, - for standard input; else ${TOKEN_VARIABLE}.",
    ),
]
Region = Annotated[str | None, typer.Option(help="The Connect instance's region.")]
EndpointUrl = Annotated[str | None, typer.Option(help="Where the service is, if not at AWS.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON object a line.")]
Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Attachment ids.")]


@app.command()
def upload(  # noqa: PLR0917
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="The files to send.")],
    fake: Annotated[
        bool, typer.Option("--fake", help="Use the embedded fake; needs no AWS account.")
    ] = False,
    timeout: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for each file's approval.")
    ] = 120.0,
    token_file: TokenFile = None,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
    as_json: AsJson = False,
) -> None:
    """Send files, confirm them, and wait until they are approved."""
    report = Report(as_json=as_json)
    with (
        _fake() if fake else nullcontext((_client(region, endpoint_url), _token(token_file))) as (
            client,
            token,
        )
    ):
        for file in files:
            with report.about("file", str(file)) as facts:
                with _progress(file) as callback:
                    sent = attach_confirm.upload(client, file, token, callback=callback)
                facts.update(facts_of(sent))
                status = attach_confirm.wait(client, sent.attachment_id, token, timeout=timeout)
                facts["status"] = status.value
    report.close()


@app.command()
def confirm(
    ids: Ids,
    token_file: TokenFile = None,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
    as_json: AsJson = False,
) -> None:
    """Confirm attachments whose bytes are uploaded. Doing it again is safe."""
    report = Report(as_json=as_json)
    client, token = _client(region, endpoint_url), _token(token_file)
    for attachment_id in ids:
        with report.about("attachment_id", attachment_id) as facts:
            done = attach_confirm.confirm(client, attachment_id, token, on_conflict="check")
            facts.update(facts_of(done))
    report.close()


@app.command()
def status(
    ids: Ids,
    token_file: TokenFile = None,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
    as_json: AsJson = False,
) -> None:
    """Tell what the chat's transcript says of attachments; exit with 1 if one is not in it."""
    report = Report(as_json=as_json)
    client, token = _client(region, endpoint_url), _token(token_file)
    for attachment_id in ids:
        with report.about("attachment_id", attachment_id) as facts:
            found = attach_confirm.status(client, attachment_id, token)
            facts["status"] = found and found.value
            if found is None:
                report.exit_status = REFUSED
    report.close()


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The name or address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 0,
) -> None:
    """Serve the fake over HTTP, for any client, until it is interrupted or terminated."""
    with _stubs_needed():
        from attach_confirm_stubs import serve_connectparticipant  # noqa: PLC0415
        from attach_confirm_stubs.server import _banner  # noqa: PLC0415
    for signal_ in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_, signal.default_int_handler)
    # Being interrupted is how it ends, so that is success.
    with suppress(KeyboardInterrupt), ExitStack() as stack:
        try:
            fake = stack.enter_context(serve_connectparticipant(host, port))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            fail(MISUSED, f"cannot serve at host {host!r}, port {port}: {reason}")
        if not _banner.is_loopback(host):
            complain(f"warning: whoever reaches {host} can do anything with the fake")
        tokens = fake.participant_token(), fake.connection_token()
        print(_banner.told(fake.endpoint_url, fake.region_name, *tokens), flush=True)  # noqa: T201
        Event().wait()


def main() -> None:
    """Run the command."""
    app()


def _client(region: str | None, endpoint_url: str | None) -> "ConnectParticipantClient":
    try:
        return attach_confirm.client(region, endpoint_url=endpoint_url)
    except NoRegionError:
        fail(MISUSED, "no region: give --region or set AWS_DEFAULT_REGION")
    except (ConfigParseError, InvalidRegionError, ProfileNotFound, ValueError) as error:
        fail(MISUSED, str(error))


def _token(token_file: str | None) -> str:
    """Return the connection token, without the newline that ends a file."""
    try:
        if token_file is None:
            return os.environ[TOKEN_VARIABLE]
        read = sys.stdin.read if token_file == "-" else Path(token_file).read_text  # noqa: S105
        return read().strip()
    except KeyError:
        fail(MISUSED, f"no connection token: set {TOKEN_VARIABLE} or give --token-file")
    except (OSError, UnicodeDecodeError) as error:
        fail(MISUSED, f"--token-file: {token_file} cannot be read: {error}")


@contextmanager
def _stubs_needed() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        fail(MISUSED, f"{package} is missing: pip install 'attach-confirm[stubs]'")


@contextmanager
def _fake() -> Iterator[tuple["ConnectParticipantClient", str]]:
    with _stubs_needed():
        from attach_confirm_stubs import fake_connectparticipant  # noqa: PLC0415
    with fake_connectparticipant() as fake:
        yield fake.client, fake.connection_token()


@contextmanager
def _progress(file: Path) -> Iterator[Callable[[int], None]]:
    """Show a bar while a file is sent, if anybody is looking."""
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
