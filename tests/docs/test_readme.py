"""Run the examples and commands in README.md, and compare its tables with the code."""

import re
import shlex
import sqlite3
import ssl
from datetime import datetime, timezone

import botocore.exceptions
import pytest
from botocore.exceptions import ClientError, HTTPClientError, ProxyConnectionError, SSLError
from typer.testing import CliRunner

import attach_confirm
from attach_confirm import cli
from attach_confirm_stubs import failure_cases, fake_connectparticipant
from tests.docs.markdown import code_blocks, code_spans, read, table_rows

pytest_plugins = ["pytester"]

README = read("README.md")


@pytest.fixture
def working_directory(tmp_path, monkeypatch):
    """Change to a directory that contains `receipt.pdf` and the empty directory `inbox`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "receipt.pdf").write_bytes(b"%PDF-1.4 a receipt")
    (tmp_path / "inbox").mkdir()
    return tmp_path


def test_python_examples_run(working_directory):
    first, *others = code_blocks(README, "python")
    with fake_connectparticipant("us-west-2") as fake:
        namespace = {"participant_token": fake.participant_token(), "contact_id": "contact"}
        exec(first, namespace)
        (attachment,) = fake.attachments
        assert attachment.state == "APPROVED"
        namespace["attachment_id"] = attachment.attachment_id
    for example in others:
        with fake_connectparticipant("us-west-2") as fake:
            # Each example runs against a new fake, which rejects tokens of an earlier fake.
            if "connection.token" in example:
                namespace["connection"] = attach_confirm.connect(
                    namespace["client"], fake.participant_token()
                )
            if "download(" in example:
                attach_confirm.upload(fake.client, "receipt.pdf", namespace["connection"].token)
            exec(example, namespace)
    downloaded = working_directory / "inbox" / "receipt.pdf"
    assert downloaded.read_bytes() == (working_directory / "receipt.pdf").read_bytes()


def test_example_tests_pass(pytester):
    examples = [example for example in code_blocks(README, "python") if "def test_" in example]
    pytester.makepyfile("\n\n".join(["import attach_confirm", *examples]))
    result = pytester.runpytest_subprocess("-p", "attach_confirm_stubs.plugin")
    result.assert_outcomes(passed=4 + len(failure_cases("CompleteAttachmentUpload")))


@pytest.mark.usefixtures("working_directory")
def test_commands_succeed(monkeypatch):
    commands = re.findall(r"^\$ attach-confirm (.+)$", README, re.MULTILINE)
    assert len(commands) >= 3
    (variable,) = re.findall(r"^\$ export (\w+)=", README, re.MULTILINE)
    with fake_connectparticipant("us-west-2") as fake:
        token = fake.connection_token()
        sent = attach_confirm.upload(fake.client, "receipt.pdf", token)
        monkeypatch.setenv(variable, token)
        monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
        for command in commands:
            arguments = shlex.split(command.replace("ID", sent.attachment_id))
            result = CliRunner().invoke(cli.app, arguments)
            assert (result.exit_code, result.stderr) == (0, "")


def client_error(code, operation="CompleteAttachmentUpload"):
    return ClientError({"Error": {"Code": code}}, operation)


EXPIRES_AT = datetime(2026, 1, 1, tzinfo=timezone.utc)

# The errors that the table distinguishes, by class or error code.
ERRORS = {
    "AccessDeniedException": [
        client_error("AccessDeniedException"),
        client_error("AccessDeniedException", "CreateParticipantConnection"),
    ],
    "AttachmentRejectedError": [attach_confirm.AttachmentRejectedError("id")],
    "ConflictException": [
        client_error("ConflictException"),
        client_error("ConflictException", "StartAttachmentUpload"),
    ],
    "DownloadFailedError": [
        attach_confirm.DownloadFailedError("id", "reason", retryable=True),
        attach_confirm.DownloadFailedError("id", "reason", retryable=False),
    ],
    "HTTPClientError": [
        HTTPClientError(error="a connection error"),
        HTTPClientError(error="Invalid header value"),
    ],
    "OperationalError": [
        sqlite3.OperationalError("database is locked"),
        sqlite3.OperationalError("no such table: uploads"),
    ],
    "ProvisionedThroughputExceededException": [
        client_error("ProvisionedThroughputExceededException", "PutItem"),
        client_error("AccessDeniedException", "PutItem"),
    ],
    "ProxyConnectionError": [
        ProxyConnectionError(proxy_url="", error="timed out"),
        ProxyConnectionError(proxy_url="", error="Tunnel connection failed: 407"),
    ],
    "PutFailedError": [
        attach_confirm.PutFailedError(503, None, None),
        attach_confirm.PutFailedError(403, None, None),
    ],
    "SSLError": [
        SSLError(endpoint_url="", error="EOF occurred in violation of protocol"),
        SSLError(endpoint_url="", error=ssl.SSLCertVerificationError()),
    ],
    "SourceReadError": [
        attach_confirm.SourceReadError("reason", retryable=True),
        attach_confirm.SourceReadError("reason", retryable=False),
        attach_confirm.SourceReadError("reason", retryable=False, changed=True),
    ],
    "UploadTimeoutError": [
        attach_confirm.UploadTimeoutError(1.0, "id", acknowledged=False),
        attach_confirm.UploadTimeoutError(1.0, "id", acknowledged=True),
    ],
    "UploadUrlExpiredError": [
        attach_confirm.UploadUrlExpiredError("id", EXPIRES_AT, retry_after=0.0),
        attach_confirm.UploadUrlExpiredError("id", EXPIRES_AT),
    ],
    "WaitTimeoutError": [attach_confirm.WaitTimeoutError("id", None, 1.0)],
}


def create_errors(name):
    """Return instances of an error that the table names."""
    if name in ERRORS:
        return ERRORS[name]
    if hasattr(attach_confirm, name):
        return [getattr(attach_confirm, name)("a", "b")]
    if hasattr(botocore.exceptions, name):
        return [getattr(botocore.exceptions, name)(endpoint_url="", error="")]
    return [client_error(name)]


def test_error_table_matches_advise():
    documented = {}
    for errors, action in table_rows(README, "error"):
        for name in code_spans(errors):
            if re.fullmatch(r"[A-Z]\w+(Error|Exception)", name):
                documented.setdefault(name, set()).update(re.findall("[A-Z]{3,}", action))
    assert len(documented) > 20
    assert documented == {
        name: {attach_confirm.advise(error).action.value for error in create_errors(name)}
        for name in documented
    }


def test_error_table_describes_unrelated_errors():
    *_, (_, action) = table_rows(README, "error")
    assert attach_confirm.advise(KeyError("in a callback")).action.value == action


def test_actions_are_explained():
    explained = re.findall(r"^- ([A-Z]+): ", README, re.MULTILINE)
    assert explained == [action.value for action in attach_confirm.Action]


def test_error_table_lists_put_failures():
    """The retryable statuses and codes are the same here and in the table of retries."""
    retryable, other = (
        (errors, action)
        for errors, action in table_rows(README, "error")
        if errors.startswith("`PutFailedError")
    )
    assert (retryable[1], other[1]) == ("RETRY", "FIX")
    values = re.findall(r"\d+|`\w+`", retryable[0])[1:]
    assert len(values) > 5
    for value in values:
        status, code = (int(value), None) if value.isdigit() else (400, value.strip("`"))
        error = attach_confirm.PutFailedError(status, code, None)
        assert attach_confirm.advise(error).action.value == "RETRY"
    (retried,) = (row[2] for row in table_rows(README, "request") if row[0] == "the PUT")
    assert ", ".join(values) in retried


def test_error_table_lists_own_errors():
    errors = [
        name
        for name, value in vars(attach_confirm).items()
        if isinstance(value, type)
        and issubclass(value, attach_confirm.AttachConfirmError)
        and value is not attach_confirm.AttachConfirmError
    ]
    assert len(errors) > 5
    (table,) = re.findall(r"^\| error \|.*\n(?:\|.*\n)+", README, re.MULTILINE)
    assert [name for name in errors if f"`{name}`" not in table] == []
