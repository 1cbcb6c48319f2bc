"""`attach-confirm serve`, as a process of its own, and the AWS CLI against it."""

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
from attach_confirm_stubs.server import _banner

SCRIPT = Path(sys.executable).with_name("attach-confirm")
# `make` puts the AWS CLI into an environment of its own, for it pins other packages.
AWS = os.environ.get("AWSCLI")
REGION = "us-east-1"


@contextmanager
def start_server(*arguments):
    """Run the command, and give its process, its endpoint and its tokens."""
    with subprocess.Popen(
        [SCRIPT, "serve", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            told = "".join(iter(process.stdout.readline, "The AWS CLI:\n"))
            yield SimpleNamespace(
                process=process,
                url=re.search(r" is at (\S+)\n", told)[1],
                participant_token=re.search(r"Participant token: (\S+)\n", told)[1],
                connection_token=re.search(r"Connection token: (\S+)\n", told)[1],
            )
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("host", "signal_", "told"),
    [
        ("127.0.0.1", signal.SIGINT, ""),
        (
            "0.0.0.0",
            signal.SIGTERM,
            "attach-confirm: warning: whoever reaches 0.0.0.0 can do anything with the fake\n",
        ),
    ],
)
def test_it_serves_until_it_is_told_to_end(host, signal_, told):
    """What it prints works, and either signal ends it at once, without another word."""
    with start_server("--host", host) as served:
        client = attach_confirm.client(REGION, endpoint_url=served.url)
        attach_confirm.upload(client, b"1", served.connection_token, name="a.txt")
        connection = attach_confirm.connect(client, served.participant_token)
        attach_confirm.upload(client, b"2", connection.token, name="a.txt")
        served.process.send_signal(signal_)
        _, complaints = served.process.communicate(timeout=20)
        assert (served.process.returncode, complaints) == (0, told)
        client.close()


def refused(*arguments):
    """Return the exit status and the complaint of a command that cannot serve."""
    done = subprocess.run(
        [SCRIPT, "serve", *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_a_busy_port_is_one_line():
    """A port that is taken is said, with no traceback."""
    with serve_connectparticipant() as other:
        port = urlsplit(other.endpoint_url).port
        status, complaint = refused("--port", str(port))
    assert status == 2
    assert complaint == (
        f"attach-confirm: cannot serve at host '127.0.0.1', port {port}: Address already in use\n"
    )


def test_no_host_is_one_line():
    """An empty host does not stand for all of them."""
    status, complaint = refused("--host", "")
    assert status == 2
    assert complaint.startswith("attach-confirm: cannot serve at host '', port 0: host is empty")


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("::", False), ("shop", False)],
)
def test_which_hosts_are_loopback(host, is_loopback):
    """Only what can be nothing else is served without a warning."""
    assert _banner.is_loopback(host) is is_loopback


@pytest.mark.skipif(not AWS, reason="AWSCLI does not name the AWS CLI; `make test` does")
@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")
def test_the_aws_cli_goes_through(tmp_path):
    """Connection, start, a PUT with curl, confirmation, transcript, and the file back again."""
    file = tmp_path / "receipt.pdf"
    file.write_bytes(b"%PDF-1.4 " + bytes(range(256)))

    def run(*command):
        return subprocess.run(command, capture_output=True, check=True, env=environment).stdout

    def aws(operation, **parameters):
        # With an equals sign, for a token may begin with a dash.
        options = [f"--{name.replace('_', '-')}={value}" for name, value in parameters.items()]
        told = run(AWS, "connectparticipant", operation, "--no-sign-request", *options)
        return json.loads(told or "{}")

    with start_server() as served:
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL_CONNECTPARTICIPANT": served.url,
            "AWS_DEFAULT_REGION": REGION,
        }
        connection = aws(
            "create-participant-connection",
            type="CONNECTION_CREDENTIALS",
            participant_token=served.participant_token,
        )
        token = connection["ConnectionCredentials"]["ConnectionToken"]
        started = aws(
            "start-attachment-upload",
            content_type="application/pdf",
            attachment_size_in_bytes=file.stat().st_size,
            attachment_name=file.name,
            connection_token=token,
        )
        upload, attachment_id = started["UploadMetadata"], started["AttachmentId"]
        headers = [f"-H{name}: {value}" for name, value in upload["HeadersToInclude"].items()]
        run("curl", "-sS", "--fail", "--upload-file", file, *headers, upload["Url"])
        confirmation = {"attachment_ids": attachment_id, "connection_token": token}
        assert aws("complete-attachment-upload", **confirmation) == {}
        transcript = aws("get-transcript", connection_token=token)["Transcript"]
        assert [one["Status"] for item in transcript for one in item.get("Attachments", [])] == [
            "APPROVED"
        ]
        found = aws("get-attachment", attachment_id=attachment_id, connection_token=token)
        assert run("curl", "-sS", "--fail", found["Url"]) == file.read_bytes()
