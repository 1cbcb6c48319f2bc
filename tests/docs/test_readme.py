"""What the README shows is what happens."""

import re
import shlex
from pathlib import Path

import botocore.exceptions
import pytest
from botocore.stub import ANY, Stubber
from moto import mock_aws
from typer.testing import CliRunner

import attach_confirm
import attach_confirm_stubs
from attach_confirm import cli
from attach_confirm_stubs import ConnectParticipantStubber, failure_cases, fake_connectparticipant

pytest_plugins = ["pytester"]

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def blocks(language):
    """Return the README's blocks in a language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with the file that the README sends."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "receipt.pdf").write_bytes(b"%PDF-1.4 a receipt")
    return tmp_path


def test_the_python_examples_run(folder):  # noqa: ARG001
    """Every Python example runs, one after another, with a participant's token given."""
    examples = blocks("python")
    with fake_connectparticipant("us-west-2") as fake:
        names = {"participant_token": fake.participant_token()}
        exec(examples[0], names)
        (attachment,) = fake.attachments
        assert attachment.state == "APPROVED"
        names["attachment_id"] = attachment.attachment_id
    for example in examples[1:]:
        with fake_connectparticipant("us-west-2"):
            exec(example, names)


def test_the_tests_that_it_shows_pass(pytester):
    """The README's tests of a caller's own pass with the fixtures of the plugin."""
    shown = [example for example in blocks("python") if "def test_" in example]
    pytester.makepyfile("\n\n".join(["import attach_confirm", *shown]))
    result = pytester.runpytest_subprocess("-p", "attach_confirm_stubs.plugin")
    result.assert_outcomes(passed=3 + len(failure_cases("CompleteAttachmentUpload")))


def counterparts(source):
    """Return the rows of the table of counterparts for one source, as lists of code."""
    (rows,) = re.findall(rf"^\| \*\*{source}\*\* \| \|\n((?:\| [^*].*\n)+)", README, re.MULTILINE)
    return [
        tuple(re.findall(r"`([^`]+)`", cell) for cell in row.strip("| ").split(" | "))
        for row in rows.splitlines()
    ]


def run(code, names):
    """Run a line, or the first of a block."""
    exec(f"{code} pass" if code.endswith(":") else code, names)


def outcome(client):
    """Return the code and the status of the error that a call gets, if it gets one."""
    try:
        client.send_event(ContentType="typing", ConnectionToken="token")
    except botocore.exceptions.ClientError as error:
        metadata = error.response["ResponseMetadata"]
        return error.response["Error"]["Code"], metadata["HTTPStatusCode"]
    return None


def test_what_botocores_stubber_does_has_its_counterpart(client):
    """Both cells of a row that adds an answer add the same one."""
    added = [(old[0], new[0]) for old, new in counterparts("botocore's Stubber") if old]
    assert [old[: old.index("(")] for old, _ in added] == [
        "Stubber",
        "stubber.add_response",
        "stubber.add_client_error",
        "stubber.assert_no_pending_responses",
    ]
    for old, new in added[1:3]:
        outcomes = []
        for stubber, code in (Stubber(client), old), (ConnectParticipantStubber(client), new):
            run(code, {"stubber": stubber, "ANY": ANY})
            with stubber:
                outcomes.append(outcome(client))
        assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("source", ["botocore's Stubber", "AWS's example stubbers", "moto"])
def test_each_counterpart_runs(client, source):
    """Each line that is to be written instead is one that can be."""
    public = {name: getattr(attach_confirm_stubs, name) for name in attach_confirm_stubs.__all__}
    public |= {"client": client, "mock_aws": mock_aws, "ANY": ANY}
    codes = [code for _, new in counterparts(source) for code in new if re.search(r"\(|:$", code)]
    assert codes
    for code in codes:
        with ConnectParticipantStubber(client, strict=True) as stubber:
            if "calls" in code:
                stubber.stub_send_event()
                outcome(client)
            run(code, {**public, "stubber": stubber})
            if "stub_" in code:
                outcome(client)


def test_the_commands_run(folder, monkeypatch):  # noqa: ARG001
    """Every line that calls the command is one that it takes, and that succeeds."""
    commands = re.findall(r"^\$ attach-confirm (.+)$", README, re.MULTILINE)
    assert len(commands) >= 3
    with fake_connectparticipant("us-west-2") as fake:
        token = fake.connection_token()
        sent = attach_confirm.upload(fake.client, "receipt.pdf", token)
        monkeypatch.setenv(cli.TOKEN_ENV_VAR, token)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
        for command in commands:
            arguments = shlex.split(command.replace("ID", sent.attachment_id))
            result = CliRunner().invoke(cli.app, arguments)
            assert (result.exit_code, result.stderr) == (0, "")


def error_named(name):
    """Return an error of a name that the README's table uses."""
    if hasattr(attach_confirm, name):
        arguments = {
            "AttachmentRejectedError": ("id",),
            "UploadUrlExpiredError": ("id", None),
            "WaitTimeoutError": ("id", None, 1.0),
        }
        return getattr(attach_confirm, name)(*arguments.get(name, ("a", "b")))
    if hasattr(botocore.exceptions, name):
        return getattr(botocore.exceptions, name)(endpoint_url="", proxy_url="", error="")
    return botocore.exceptions.ClientError({"Error": {"Code": name}}, "CompleteAttachmentUpload")


def test_the_table_of_errors_is_what_advise_says():
    """Each error that the table names gets the action of its row."""
    rows = re.findall(r"^\| (.*`.*) \| ([A-Z]+)[^|]* \|$", README, re.MULTILINE)
    told = {
        name: action
        for errors, action in rows
        for name in re.findall(r"`(\w+)`", errors)
        if not errors.startswith("`PutFailedError")
    }
    assert len(told) > 15
    assert told == {name: attach_confirm.advise(error_named(name)).action.value for name in told}


def test_the_table_of_errors_names_every_own_error():
    """No error of the library is missing in the table."""
    own = [name for name in attach_confirm.__all__ if is_error(getattr(attach_confirm, name))]
    assert [name for name in own if f"`{name}`" not in README] == []


def is_error(thing):
    """Tell a leaf of the error tree."""
    root = attach_confirm.AttachConfirmError
    return isinstance(thing, type) and issubclass(thing, root) and thing is not root
