"""The commands `upload`, `confirm` and `status`, run against the fake."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from typer.testing import CliRunner

import attach_confirm
from attach_confirm import cli

RESPONSE_LOST = ReadTimeoutError(endpoint_url="https://example.com")


@pytest.fixture
def pdf(tmp_path):
    """Return the path of a small PDF file."""
    path = tmp_path / "receipt.pdf"
    path.write_bytes(b"%PDF-1.4 a receipt")
    return path


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Return a function that runs a command in this process, in `tmp_path`."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, token=None, region="us-east-1", stdin=None):
        env = {cli.TOKEN_ENV_VAR: token, "AWS_DEFAULT_REGION": region}
        return CliRunner().invoke(cli.app, [str(a) for a in arguments], input=stdin, env=env)

    return run


def raise_before_send(operation, error):
    """Raise an error instead of sending an operation, in all clients that are created later."""

    def handler(**_):
        raise error

    boto3.setup_default_session()
    boto3.DEFAULT_SESSION.events.register_first(f"before-send.{operation}", handler)


def put_without_confirming(fake, token):
    """Upload an attachment's bytes and return its ID."""
    pending = attach_confirm.start(
        fake.client, name="a.txt", size=1, content_type="text/plain", connection_token=token
    )
    attach_confirm.put(fake.client, pending, b"a")
    return pending.attachment_id


def run_python(program):
    """Run a program in a new interpreter."""
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )


def test_upload_prints_one_line_per_file(run, fake, token, pdf):
    result = run("upload", pdf, token=token)
    (attachment,) = fake.attachments
    confirmation = attach_confirm.confirm(fake.client, attachment.attachment_id, token)
    assert result.stdout == (
        f"{pdf}: id {attachment.attachment_id}, ClientToken {confirmation.client_token},"
        " attempts 1, status APPROVED\n"
    )
    assert (result.exit_code, result.stderr) == (0, "")


def test_upload_json(run, fake, token, pdf):
    result = run("upload", "--json", pdf, token=token)
    (attachment,) = fake.attachments
    fields = json.loads(result.stdout)
    assert fields.pop("client_token")
    assert fields == {
        "file": str(pdf),
        "attachment_id": attachment.attachment_id,
        "attempts": 1,
        "already_confirmed": False,
        "status": "APPROVED",
    }


def test_upload_on_terminal_shows_table_and_progress_bar(run, fake, token, pdf, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = run("upload", pdf, token=token)
    (attachment,) = fake.attachments
    assert f"│ {attachment.attachment_id} │" in result.stdout
    assert "APPROVED" in result.stdout
    assert "━━" in result.stderr
    assert "18/18 bytes" in result.stderr


def test_upload_fake_needs_no_token_and_no_region(run, pdf):
    result = run("upload", "--fake", pdf, region=None)
    assert "status APPROVED" in result.stdout
    assert result.exit_code == 0


def test_upload_continues_after_missing_file(run, fake, token, pdf, tmp_path):
    (tmp_path / "more.txt").write_bytes(b"more")
    result = run("upload", "missing.pdf", pdf, "more.txt", token=token)
    assert result.exit_code == 2
    assert result.stderr == "attach-confirm: missing.pdf: No such file or directory\n"
    assert [(attachment.name, attachment.data) for attachment in fake.attachments] == [
        ("receipt.pdf", pdf.read_bytes()),
        ("more.txt", b"more"),
    ]


def test_upload_json_error_contains_advice(run, fake, token):  # noqa: ARG001
    result = run("upload", "--json", "missing.pdf", token=token)
    fields = json.loads(result.stdout)
    assert (fields["file"], fields["action"]) == ("missing.pdf", "FIX")
    assert "No such file or directory" in fields["error"]
    assert fields["reason"]
    assert result.exit_code == 2


def test_upload_service_error_is_one_line_with_advice(run, fake, pdf):  # noqa: ARG001
    result = run("upload", pdf, token="not-a-token")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "AccessDeniedException" in result.stderr
    assert "RECONNECT: " in result.stderr
    assert "To continue" not in result.stderr


def test_upload_lost_confirmation_prints_next_command(run, fake, token, pdf):
    raise_before_send("connectparticipant.CompleteAttachmentUpload", RESPONSE_LOST)
    result = run("upload", pdf, token=token)
    (attachment,) = fake.attachments
    assert result.exit_code == 1
    assert result.stderr.endswith(
        f" To continue: attach-confirm confirm {attachment.attachment_id}\n"
    )
    json_result = run("upload", "--json", pdf, token=token)
    assert json.loads(json_result.stdout)["attachment_id"] == fake.attachments[1].attachment_id


def test_upload_lost_status_prints_next_command(run, fake, token, pdf):
    raise_before_send("connectparticipant.GetTranscript", RESPONSE_LOST)
    result = run("upload", pdf, token=token)
    (attachment,) = fake.attachments
    assert result.stderr.endswith(
        f" To continue: attach-confirm status {attachment.attachment_id}\n"
    )


@pytest.mark.parametrize(
    ("operation", "next_command"),
    [
        (
            "connectparticipant.CompleteAttachmentUpload",
            " To continue: attach-confirm confirm {attachment_id}",
        ),
        ("s3.PutObject", ""),
    ],
)
def test_upload_interrupted(run, fake, token, pdf, *, operation, next_command):
    """Only an upload whose bytes S3 has can be continued."""
    raise_before_send(operation, KeyboardInterrupt)
    result = run("upload", pdf, token=token)
    (attachment,) = fake.attachments
    hint = next_command.format(attachment_id=attachment.attachment_id)
    assert result.exit_code == 130
    assert result.stderr == f"attach-confirm: {pdf}: interrupted.{hint}\n"


def test_confirm_prints_one_line_per_attachment(run, fake, token):
    first_id, second_id = (put_without_confirming(fake, token) for _ in range(2))
    attach_confirm.confirm(fake.client, second_id, token, client_token="other")
    result = run("confirm", first_id, second_id, token=token)
    first, second = result.stdout.splitlines()
    assert first.startswith(f"{first_id}: id {first_id}, ClientToken ")
    assert first.endswith(", attempts 1")
    assert second.endswith(", attempts 1, confirmed by an earlier attempt")
    assert [attachment.state for attachment in fake.attachments] == ["APPROVED"] * 2
    assert result.exit_code == 0


def test_status_prints_transcript_status(run, fake, token):
    attachment_id = attach_confirm.upload(fake.client, b"a", token, name="a.txt").attachment_id
    listed = run("status", attachment_id, token=token)
    assert listed.stdout == f"{attachment_id}: id {attachment_id}, status APPROVED\n"
    assert listed.exit_code == 0
    unlisted = run("status", attachment_id, "other", token=token)
    assert unlisted.stdout.endswith("other: id other, status not in the transcript\n")
    assert unlisted.exit_code == 1
    json_result = run("status", "--json", "other", token=token)
    assert json.loads(json_result.stdout) == {"attachment_id": "other", "status": None}


def test_token_is_read_from_file_or_stdin(run, fake, token, tmp_path):
    """The newline at the end of a file does not belong to the token."""
    sent = attach_confirm.upload(fake.client, b"a", token, name="a.txt")
    (tmp_path / "token").write_text(f"{token}\n")
    assert run("status", sent.attachment_id, "--token-file", "token").exit_code == 0
    from_stdin = run("status", sent.attachment_id, "--token-file", "-", stdin=f"{token}\n")
    assert from_stdin.exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "region", "message"),
    [
        (
            [],
            "us-east-1",
            "no connection token: set ATTACH_CONFIRM_CONNECTION_TOKEN or pass --token-file\n",
        ),
        (["--token-file", "none"], "us-east-1", "--token-file: none: No such file or directory\n"),
        (["--token-file", "utf-16"], "us-east-1", "--token-file: utf-16: 'utf-8' codec can't"),
        (["--endpoint-url", "nowhere"], "us-east-1", "Invalid endpoint: nowhere\n"),
        (["--region", "?"], "us-east-1", "Provided region_name '?' doesn't match"),
        ([], None, "no region: pass --region or set AWS_DEFAULT_REGION\n"),
    ],
)
def test_usage_error_is_one_line(run, tmp_path, arguments, region, message):
    (tmp_path / "utf-16").write_text("token", encoding="utf-16")
    result = run("status", "some-id", *arguments, region=region)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"attach-confirm: {message}")
    assert result.stderr.count("\n") == 1


def test_invalid_token_is_not_printed(run, fake):  # noqa: ARG001
    result = run("status", "some-id", token="secret\nsecret")
    assert result.exit_code == 2
    assert result.stderr.startswith("attach-confirm: some-id: connection_token: ")
    assert result.stderr.count("\n") == 1
    assert "secret" not in result.stderr


def test_version_prints_version(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["attach-confirm", "--version"])
    with pytest.raises(SystemExit) as raised:
        cli.main()
    assert raised.value.code == 0
    assert capsys.readouterr().out == f"attach-confirm {attach_confirm.__version__}\n"


def test_import_without_cli_extra_names_the_extra():
    result = run_python("import sys; sys.modules['typer'] = None; import attach_confirm.cli")
    assert result.returncode == 1
    assert result.stderr == (
        "attach-confirm: typer is missing: pip install 'attach-confirm[cli]'\n"
    )


@pytest.mark.parametrize("arguments", [["upload", "--fake", "receipt.pdf"], ["serve"]])
def test_fake_without_stubs_extra_names_the_extra(arguments):
    result = run_python(
        f"import sys; sys.modules['moto'] = None; sys.argv[1:] = {arguments!r};"
        " from attach_confirm.cli import main; main()"
    )
    assert result.returncode == 2
    assert result.stderr == (
        "attach-confirm: moto is missing: pip install 'attach-confirm[stubs]'\n"
    )


def test_console_script_on_terminal_prints_table(pdf):
    controller, terminal = pty.openpty()
    script = Path(sys.executable).with_name("attach-confirm")
    env = {"PATH": os.environ["PATH"], "TERM": "xterm", "COLUMNS": "100"}
    if "PYTHONPATH" in os.environ:
        env["PYTHONPATH"] = os.environ["PYTHONPATH"]
    with subprocess.Popen(
        [script, "upload", "--fake", pdf], stdout=terminal, stderr=terminal, env=env
    ) as process:
        os.close(terminal)
        output = b"".join(iter(lambda: read_terminal(controller), b""))
        os.close(controller)
    assert process.returncode == 0
    assert "18/18 bytes" in output.decode()
    assert "│ status      │ APPROVED" in output.decode()


def read_terminal(descriptor):
    """Return the next output of a terminal, or b"" after its process has ended."""
    try:
        return os.read(descriptor, 4096)
    except OSError:
        return b""
