"""The attach-confirm command, against the fake."""

import json
import os
import pty
import subprocess
import sys

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from typer.testing import CliRunner

import attach_confirm
from attach_confirm import cli

REGION = "us-east-1"


@pytest.fixture
def pdf(tmp_path):
    """A small PDF file's path."""
    path = tmp_path / "receipt.pdf"
    path.write_bytes(b"%PDF-1.4 a receipt")
    return path


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run the command in this process, with a region and a connection token in its environment."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, token=None, region=REGION, stdin=None):
        env = {cli.TOKEN_VARIABLE: token, "AWS_DEFAULT_REGION": region}
        return CliRunner().invoke(cli.app, [str(a) for a in arguments], input=stdin, env=env)

    return run


def on_attempt(operation, handler):
    """Let every client made from now on call a handler before it sends an operation."""
    boto3.setup_default_session()
    boto3.DEFAULT_SESSION.events.register_first(f"before-send.{operation}", handler)


def raising(error):
    """Return an event handler that raises an error."""

    def handler(**_):
        raise error

    return handler


def test_upload_tells_what_happened_in_a_line(run, fake, token, pdf):
    """Piped, each file is one line with its id, ClientToken, attempts and status."""
    result = run("upload", pdf, token=token)
    (attachment,) = fake.attachments
    confirmed = attach_confirm.confirm(fake.client, attachment.attachment_id, token)
    assert result.stdout == (
        f"{pdf}: id {attachment.attachment_id}, ClientToken {confirmed.client_token},"
        " attempts 1, status APPROVED\n"
    )
    assert (result.exit_code, result.stderr) == (0, "")


def test_upload_sends_every_file(run, fake, token, pdf, tmp_path):
    """All files go, each as it is."""
    (tmp_path / "more.txt").write_bytes(b"more")
    assert run("upload", pdf, "more.txt", token=token).exit_code == 0
    assert [(a.name, a.data) for a in fake.attachments] == [
        ("receipt.pdf", pdf.read_bytes()),
        ("more.txt", b"more"),
    ]


def test_upload_prints_json_lines(run, fake, token, pdf):
    """With --json each file is an object with the same names as the library's."""
    result = run("upload", "--json", pdf, token=token)
    (attachment,) = fake.attachments
    facts = json.loads(result.stdout)
    assert facts.pop("client_token")
    assert facts == {
        "file": str(pdf),
        "attachment_id": attachment.attachment_id,
        "attempts": 1,
        "already_confirmed": False,
        "status": "APPROVED",
    }


def test_upload_shows_a_table_and_a_bar_on_a_terminal(run, fake, token, pdf, monkeypatch):
    """A person at a terminal sees a progress bar and a table."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = run("upload", pdf, token=token)
    (attachment,) = fake.attachments
    assert f"│ {attachment.attachment_id} │" in result.stdout
    assert "APPROVED" in result.stdout
    assert "━━" in result.stderr
    assert "18/18 bytes" in result.stderr


def test_upload_fake_needs_no_account(run, pdf):
    """With --fake neither a token nor a region is asked for."""
    result = run("upload", "--fake", pdf, region=None)
    assert "status APPROVED" in result.stdout
    assert result.exit_code == 0


def test_a_file_that_cannot_be_sent_does_not_keep_the_others(run, fake, token, pdf):
    """A missing file is one line on standard error, and the next file is sent."""
    result = run("upload", "missing.pdf", pdf, token=token)
    assert result.exit_code == 2
    assert result.stderr == (
        "attach-confirm: missing.pdf: source: 'missing.pdf' cannot be read: No such file or"
        " directory. FIX: An argument cannot be right; the error names it.\n"
    )
    assert [a.name for a in fake.attachments] == ["receipt.pdf"]


def test_an_error_is_json_too(run, fake, token):  # noqa: ARG001
    """With --json an error is an object with the advice in it."""
    result = run("upload", "--json", "missing.pdf", token=token)
    facts = json.loads(result.stdout)
    assert (facts["file"], facts["action"]) == ("missing.pdf", "FIX")
    assert result.exit_code == 2


def test_a_refusal_is_one_line(run, fake, pdf):  # noqa: ARG001
    """What the service refuses ends with 1 and says what to do, without a traceback."""
    result = run("upload", pdf, token="not-a-token")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "AccessDeniedException" in result.stderr
    assert "RECONNECT" in result.stderr


def test_a_lost_confirmation_says_how_to_go_on(run, fake, token, pdf):
    """When the confirmation's answers are lost, the line ends with the command that goes on."""
    lost = ReadTimeoutError(endpoint_url="https://example.com")
    on_attempt("connectparticipant.CompleteAttachmentUpload", raising(lost))
    result = run("upload", pdf, token=token)
    (attachment,) = fake.attachments
    assert result.exit_code == 1
    assert result.stderr.endswith(
        f" Go on with: attach-confirm confirm {attachment.attachment_id}\n"
    )


def test_a_lost_confirmation_is_json_with_the_id(run, fake, token, pdf):
    """With --json the id to go on with is in the object."""
    lost = ReadTimeoutError(endpoint_url="https://example.com")
    on_attempt("connectparticipant.CompleteAttachmentUpload", raising(lost))
    result = run("upload", "--json", pdf, token=token)
    assert json.loads(result.stdout)["attachment_id"] == fake.attachments[0].attachment_id


def test_a_lost_status_says_how_to_go_on(run, fake, token, pdf):
    """When it is confirmed and its status is not known, the line ends with asking for it."""
    lost = ReadTimeoutError(endpoint_url="https://example.com")
    on_attempt("connectparticipant.GetTranscript", raising(lost))
    result = run("upload", pdf, token=token)
    (attachment,) = fake.attachments
    assert result.stderr.endswith(f"attach-confirm status {attachment.attachment_id}\n")


def test_an_interrupted_confirmation_says_how_to_go_on(run, fake, token, pdf):
    """Control-C while confirming exits with 130 and prints the command that goes on."""
    on_attempt("connectparticipant.CompleteAttachmentUpload", raising(KeyboardInterrupt))
    result = run("upload", pdf, token=token)
    (attachment,) = fake.attachments
    assert result.exit_code == 130
    assert result.stderr == (
        f"attach-confirm: {pdf}: interrupted."
        f" Go on with: attach-confirm confirm {attachment.attachment_id}\n"
    )


def test_an_interrupted_put_offers_nothing_to_confirm(run, fake, token, pdf):
    """Control-C while putting leaves nothing to go on with."""
    on_attempt("s3.PutObject", raising(KeyboardInterrupt))
    result = run("upload", pdf, token=token)
    assert result.exit_code == 130
    assert result.stderr == f"attach-confirm: {pdf}: interrupted.\n"
    assert [a.state for a in fake.attachments] == ["STARTED"]


def test_confirm_confirms(run, fake, token):
    """What was put and not confirmed can be confirmed by its id."""
    pending = attach_confirm.start(
        fake.client, name="a.txt", size=1, content_type="text/plain", connection_token=token
    )
    attach_confirm.put(fake.client, pending, b"a")
    result = run("confirm", pending.attachment_id, token=token)
    assert result.stdout.startswith(f"{pending.attachment_id}: id {pending.attachment_id}, Client")
    assert [a.state for a in fake.attachments] == ["APPROVED"]
    assert result.exit_code == 0


def test_confirm_says_when_an_earlier_attempt_got_through(run, fake, token):
    """A conflict over an attachment that is in the transcript is a success, and is named."""
    sent = attach_confirm.upload(fake.client, b"a", token, name="a.txt")
    pending = attach_confirm.start(
        fake.client, name="b.txt", size=1, content_type="text/plain", connection_token=token
    )
    attach_confirm.put(fake.client, pending, b"b")
    attach_confirm.confirm(fake.client, pending.attachment_id, token, client_token="other")
    result = run("confirm", sent.attachment_id, pending.attachment_id, token=token)
    first, second = result.stdout.splitlines()
    assert "confirmed" not in first
    assert second.endswith(", attempts 1, confirmed by an earlier attempt")


def test_status_tells_the_transcript(run, fake, token):
    """Status prints what the transcript says, and exits with 1 if one is not in it."""
    sent = attach_confirm.upload(fake.client, b"a", token, name="a.txt")
    found = run("status", sent.attachment_id, token=token)
    assert found.stdout == f"{sent.attachment_id}: id {sent.attachment_id}, status APPROVED\n"
    assert found.exit_code == 0
    missing = run("status", sent.attachment_id, "other", token=token)
    assert missing.stdout.endswith("other: id other, status not in the transcript\n")
    assert missing.exit_code == 1
    as_json = run("status", "--json", "other", token=token)
    assert json.loads(as_json.stdout) == {"attachment_id": "other", "status": None}


def test_the_token_comes_from_a_file_or_standard_input(run, fake, token, tmp_path):
    """A token file's last newline is no part of the token."""
    sent = attach_confirm.upload(fake.client, b"a", token, name="a.txt")
    (tmp_path / "token").write_text(f"{token}\n")
    assert run("status", sent.attachment_id, "--token-file", "token").exit_code == 0
    piped = run("status", sent.attachment_id, "--token-file", "-", stdin=f"{token}\n")
    assert piped.exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "no connection token: set ATTACH_CONFIRM_CONNECTION_TOKEN or give --token-file\n"),
        (["--token-file", "none"], "--token-file: none cannot be read: [Errno 2] No such file or"),
        (["--endpoint-url", "nowhere"], "Invalid endpoint: nowhere\n"),
        (["--region", "not a region"], "Provided region_name 'not a region' doesn't match"),
    ],
)
def test_a_wrong_call_is_one_line(run, arguments, complaint):
    """What a person can get wrong ends with 2 and one line that says what."""
    result = run("status", "some-id", *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"attach-confirm: {complaint}")
    assert result.stderr.count("\n") == 1


def test_no_region_is_one_line(run):
    """Without a region the command says where to give one."""
    result = run("status", "some-id", region=None, token="t")
    assert result.exit_code == 2
    assert result.stderr == "attach-confirm: no region: give --region or set AWS_DEFAULT_REGION\n"


def test_a_token_with_a_newline_is_not_echoed(run, fake):  # noqa: ARG001
    """A token that cannot be one is refused without being shown."""
    result = run("status", "some-id", token="secret\nsecret")
    assert result.exit_code == 2
    assert "secret" not in result.stderr
    assert result.stderr.count("\n") == 1


def isolated(program):
    """Run a program in an interpreter of its own, and return what it did."""
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )


def test_the_entry_point_runs_the_command(monkeypatch, capsys):
    """What the console script calls is the command."""
    monkeypatch.setattr(sys, "argv", ["attach-confirm", "--help"])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert exit_.value.code == 0
    assert "upload" in capsys.readouterr().out


def test_without_the_extra_the_command_names_it():
    """Who installed the library alone is told what the command needs."""
    result = isolated("import sys; sys.modules['typer'] = None; import attach_confirm.cli")
    assert result.returncode == 1
    assert result.stderr == (
        "attach-confirm: typer is missing: pip install 'attach-confirm[cli]'\n"
    )


@pytest.mark.parametrize("args", [["upload", "--fake", "receipt.pdf"], ["serve"]])
def test_without_the_stubs_extra_the_fake_names_it(args):
    """Without moto, the error names the extra to install."""
    result = isolated(
        f"import sys; sys.modules['moto'] = None; sys.argv[1:] = {args!r};"
        " from attach_confirm.cli import main; main()"
    )
    assert result.returncode == 2
    assert result.stderr == (
        "attach-confirm: moto is missing: pip install 'attach-confirm[stubs]'\n"
    )


def test_the_installed_command_runs_on_a_terminal(pdf):
    """The console script itself, on a real terminal, sends a file and shows it."""
    controller, terminal = pty.openpty()
    script = os.path.join(os.path.dirname(sys.executable), "attach-confirm")  # noqa: PTH118, PTH120
    with subprocess.Popen(
        [script, "upload", "--fake", str(pdf)],
        stdout=terminal,
        stderr=terminal,
        env={"PATH": os.environ["PATH"], "TERM": "xterm", "COLUMNS": "100"},
    ) as process:
        os.close(terminal)
        shown = b""
        while chunk := read_terminal(controller):
            shown += chunk
        os.close(controller)
    assert process.returncode == 0
    assert "18/18 bytes" in shown.decode()
    assert "│ status      │ APPROVED" in shown.decode()


def read_terminal(descriptor):
    """Return what a terminal shows next, and nothing once its program is gone."""
    try:
        return os.read(descriptor, 4096)
    except OSError:
        return b""
