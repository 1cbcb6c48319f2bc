"""Run the examples in docs/stubber.md, and compare its tables with the code."""

import re

import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber
from moto import mock_aws

import attach_confirm_stubs
from attach_confirm_stubs import ConnectParticipantStubber
from tests.docs.markdown import code_blocks, code_spans, read

pytest_plugins = ["pytester"]

PAGE = read("docs/stubber.md")
MIGRATION_SOURCES = ["botocore's Stubber", "AWS's example stubbers", "moto"]


def test_example_tests_pass(pytester):
    """The last example uses a function of the one before."""
    own_client, own_clients, requests, respx, pytest_httpx = code_blocks(PAGE, "python")
    pytester.makepyfile(
        test_own_client=own_client,
        test_own_clients=own_clients,
        test_requests=requests,
        test_httpx=f"{respx}\n\n{pytest_httpx}",
    )
    result = pytester.runpytest_subprocess("-p", "attach_confirm_stubs.plugin")
    result.assert_outcomes(passed=5)


def test_limits_that_remain_are_few():
    rows = re.findall(r"^\| (\d+) \| .* \| (.*) \|$", PAGE, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 15))
    assert [number for number, cell in rows if cell.startswith("Remains")] == ["1", "2", "11"]


def migration_rows(source):
    """Return the code of both cells of each row in a section of the migration table."""
    (rows,) = re.findall(rf"^\| \*\*{source}\*\* \| \|\n((?:\| [^*].*\n)+)", PAGE, re.MULTILINE)
    return [
        tuple(code_spans(cell) for cell in row.strip("| ").split(" | "))
        for row in rows.splitlines()
    ]


def run(code, namespace):
    """Run a line of code, which may be the first line of a `with` block."""
    exec(f"{code} pass" if code.endswith(":") else code, namespace)


def send_event(client):
    """Return the error code and the HTTP status of a call, or None if it succeeds."""
    try:
        client.send_event(ContentType="typing", ConnectionToken="token")
    except ClientError as error:
        metadata = error.response["ResponseMetadata"]
        return error.response["Error"]["Code"], metadata["HTTPStatusCode"]
    return None


def test_migration_from_botocore_stubber_has_same_outcome(client):
    rows = [
        (before[0], after[0]) for before, after in migration_rows("botocore's Stubber") if before
    ]
    assert [before[: before.index("(")] for before, _ in rows] == [
        "Stubber",
        "stubber.add_response",
        "stubber.add_client_error",
        "stubber.assert_no_pending_responses",
    ]
    for before, after in rows[1:3]:
        outcomes = []
        for stubber, code in (Stubber(client), before), (ConnectParticipantStubber(client), after):
            run(code, {"stubber": stubber, "ANY": ANY})
            with stubber:
                outcomes.append(send_event(client))
        assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("source", MIGRATION_SOURCES)
def test_migration_code_runs(client, source):
    namespace = {name: getattr(attach_confirm_stubs, name) for name in attach_confirm_stubs.__all__}
    namespace |= {"client": client, "mock_aws": mock_aws, "ANY": ANY}
    lines = [code for _, after in migration_rows(source) for code in after]
    lines = [line for line in lines if re.search(r"\(|:$", line)]
    assert lines
    for line in lines:
        with ConnectParticipantStubber(client, strict=True) as stubber:
            if "calls" in line:
                stubber.stub_send_event()
                send_event(client)
            run(line, {**namespace, "stubber": stubber})
            if "stub_send_event" in line:
                send_event(client)
