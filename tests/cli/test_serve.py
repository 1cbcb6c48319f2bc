"""The command `serve`, which runs in a separate process, and the AWS CLI as its client."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

import attach_confirm
from attach_confirm_stubs import serve_connectparticipant
from attach_confirm_stubs.fake import _patterns

SCRIPT = Path(sys.executable).with_name("attach-confirm")
# `make cover` and `make wheel` install the AWS CLI, which pins its dependencies, into a separate
# virtual environment.
AWS_CLI = os.environ.get("AWSCLI")
REGION = "us-east-1"


@contextmanager
def start_server(*arguments):
    """Run `serve` in a process. Yield the process, and the URL and the tokens that it prints."""
    with subprocess.Popen(
        [SCRIPT, "serve", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            banner = "".join(iter(process.stdout.readline, "AWS CLI:\n"))
            yield SimpleNamespace(
                process=process,
                url=re.search(r"Service: (\S+)\n", banner)[1],
                participant_token=re.search(r"Participant token: (\S+)\n", banner)[1],
                connection_token=re.search(r"Connection token: (\S+)\n", banner)[1],
            )
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("host", "signum", "warning"),
    [
        ("127.0.0.1", signal.SIGINT, ""),
        (
            "0.0.0.0",
            signal.SIGTERM,
            "attach-confirm: warning: anyone who can reach 0.0.0.0 has full control of the fake\n",
        ),
    ],
)
def test_serve_exits_with_0_on_signal(host, signum, warning):
    with start_server("--host", host) as server:
        client = attach_confirm.client(REGION, endpoint_url=server.url)
        attach_confirm.upload(client, b"1", server.connection_token, name="a.txt")
        connection = attach_confirm.connect(client, server.participant_token)
        attach_confirm.upload(client, b"2", connection.token, name="a.txt")
        server.process.send_signal(signum)
        _, stderr = server.process.communicate(timeout=20)
        assert (server.process.returncode, stderr) == (0, warning)
        client.close()


def run_serve(*arguments):
    """Run `serve` with invalid arguments, and return its exit code and stderr."""
    result = subprocess.run(
        [SCRIPT, "serve", *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert result.stdout == ""
    return result.returncode, result.stderr


def test_serve_port_in_use_is_usage_error():
    with serve_connectparticipant() as server:
        port = urlsplit(server.endpoint_url).port
        exit_code, stderr = run_serve("--port", str(port))
    assert exit_code == 2
    assert stderr == (
        f"attach-confirm: cannot serve at host '127.0.0.1', port {port}: Address already in use\n"
    )


def test_serve_empty_host_is_usage_error():
    """The socket module would bind all addresses if the host were empty."""
    exit_code, stderr = run_serve("--host", "")
    assert exit_code == 2
    assert stderr.startswith("attach-confirm: cannot serve at host '', port 0: host ")


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("::", False), ("shop", False)],
)
def test_is_loopback(host, is_loopback):
    assert _patterns.is_loopback(host) is is_loopback


@pytest.mark.skipif(not AWS_CLI, reason="AWSCLI is not the path of the AWS CLI; run `make cover`")
@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_aws_cli_uploads_and_downloads(tmp_path):
    file = tmp_path / "receipt.pdf"
    file.write_bytes(b"%PDF-1.4 " + bytes(range(256)))

    def run(*command):
        return subprocess.run(command, capture_output=True, check=True, env=env).stdout

    def run_aws_cli(operation, **parameters):
        # The AWS CLI parses a value that starts with a dash as an option, unless "=" precedes it.
        options = [f"--{name.replace('_', '-')}={value}" for name, value in parameters.items()]
        output = run(AWS_CLI, "connectparticipant", operation, "--no-sign-request", *options)
        return json.loads(output or "{}")

    with start_server() as server:
        env = {
            **os.environ,
            "AWS_ENDPOINT_URL_CONNECTPARTICIPANT": server.url,
            "AWS_DEFAULT_REGION": REGION,
        }
        connection = run_aws_cli(
            "create-participant-connection",
            type="CONNECTION_CREDENTIALS",
            participant_token=server.participant_token,
        )
        token = connection["ConnectionCredentials"]["ConnectionToken"]
        started = run_aws_cli(
            "start-attachment-upload",
            content_type="application/pdf",
            attachment_size_in_bytes=file.stat().st_size,
            attachment_name=file.name,
            connection_token=token,
        )
        upload, attachment_id = started["UploadMetadata"], started["AttachmentId"]
        headers = [f"-H{name}: {value}" for name, value in upload["HeadersToInclude"].items()]
        run("curl", "-sS", "--fail", "--upload-file", file, *headers, upload["Url"])
        params = {"attachment_ids": attachment_id, "connection_token": token}
        assert run_aws_cli("complete-attachment-upload", **params) == {}
        transcript = run_aws_cli("get-transcript", connection_token=token)["Transcript"]
        attachments = [a for item in transcript for a in item.get("Attachments", [])]
        assert [attachment["Status"] for attachment in attachments] == ["APPROVED"]
        download = run_aws_cli(
            "get-attachment", attachment_id=attachment_id, connection_token=token
        )
        assert run("curl", "-sS", "--fail", download["Url"]) == file.read_bytes()
