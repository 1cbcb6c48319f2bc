"""Run the pytest plugin in generated test modules."""

import os
import subprocess
import sys
from itertools import takewhile

import pytest

from attach_confirm_stubs import ConnectParticipantStubber, _session

pytest_plugins = ["pytester"]

PLUGIN = "attach_confirm_stubs.plugin"
# pytester unloads modules that only the inner run imported. A second import would create these
# classes again, so they are imported here.
KEEP_IMPORTED = (ConnectParticipantStubber, _session)

MODULE_HEADER = """
import pytest

TOKEN = "connection-token"


def send_message(client, text="Hello"):
    return client.send_message(
        Content=text, ContentType="text/plain", ClientToken="once", ConnectionToken=TOKEN
    )


def send_message_suppressing_errors(client):
    try:
        return send_message(client)
    except Exception:
        return None


"""
UNEXPECTED_MESSAGE = """\
Unexpected call:
  SendMessage(Content='Hello', ContentType='text/plain', ClientToken='once', \
ConnectionToken=<redacted 1469>)
Nothing is stubbed.
To allow the call, add:
  stubber.stub_send_message(Content='Hello', ContentType='text/plain')"""
SUPPRESSED_MESSAGE = (
    f"The code under test made unexpected calls and caught the errors.\n\n{UNEXPECTED_MESSAGE}"
)
UNUSED_MESSAGE = """\
Not every stub was used.
Stubs:
  1. SendMessage(Content='Hello'): unused
To allow an unused stub, pass optional=True to it."""


@pytest.fixture
def run_suite(pytester):
    """Return a function that runs a test module with the plugin."""

    def run(source, *args, plugin=PLUGIN, subprocess=False):
        pytester.makepyfile(MODULE_HEADER + source)
        runner = pytester.runpytest_subprocess if subprocess else pytester.runpytest_inprocess
        return runner("-p", plugin, "-p", "no:randomly", "-p", "no:cacheprovider", *args)

    return run


def output_section(result, title):
    """Return the text of the section with this title in pytest's output."""
    lines = iter(result.outlines)
    for line in lines:
        if f" {title} " in line:
            break
    return "\n".join(takewhile(lambda line: line[:3] not in {"===", "___", "---"}, lines))


def error_lines(result):
    """Return the lines that pytest marks with "E", without the mark."""
    return [line.removeprefix("E       ") for line in result.outlines if line.startswith("E  ")]


def test_stubber_fixture_passes(run_suite):
    result = run_suite("""
def test_conflict(connectparticipant_stubber):
    stubber = connectparticipant_stubber
    stubber.stub_complete_attachment_upload(
        AttachmentIds=["att-1"], error_code="ConflictException"
    )
    with pytest.raises(stubber.client.exceptions.ConflictException):
        stubber.client.complete_attachment_upload(
            AttachmentIds=["att-1"], ConnectionToken=TOKEN
        )
""")
    result.assert_outcomes(passed=1)


def test_unused_stub_fails_at_teardown(run_suite):
    result = run_suite("""
def test_unused(connectparticipant_stubber):
    connectparticipant_stubber.stub_send_message(Content="Hello")
""")
    result.assert_outcomes(passed=1, errors=1)
    assert output_section(result, "ERROR at teardown of test_unused") == UNUSED_MESSAGE


def test_unexpected_call_fails_the_test(run_suite):
    """The message must not be repeated at teardown."""
    result = run_suite("""
def test_unexpected(connectparticipant_stubber):
    send_message(connectparticipant_stubber.client)
""")
    result.assert_outcomes(failed=1)
    first, *others = UNEXPECTED_MESSAGE.splitlines()
    assert error_lines(result) == [
        f"attach_confirm_stubs.UnexpectedCallError: {first}",
        *others,
    ]
    assert "Captured connectparticipant" not in result.stdout.str()


def test_unexpected_call_whose_error_is_suppressed_fails_at_teardown(run_suite):
    result = run_suite("""
def test_suppressed(connectparticipant_stubber):
    send_message_suppressing_errors(connectparticipant_stubber.client)
""")
    result.assert_outcomes(passed=1, errors=1)
    assert output_section(result, "ERROR at teardown of test_suppressed") == SUPPRESSED_MESSAGE


def test_unexpected_call_whose_error_is_suppressed_is_reported_with_failure(run_suite):
    """The call is reported in a section, because it may be the cause of the failure."""
    result = run_suite("""
def test_suppressed(connectparticipant_stubber):
    assert send_message_suppressing_errors(connectparticipant_stubber.client)
""")
    result.assert_outcomes(failed=1)
    assert error_lines(result)[0] == "assert None"
    assert output_section(result, "Captured connectparticipant teardown") == SUPPRESSED_MESSAGE


@pytest.mark.parametrize(
    ("source", "outcomes"),
    [
        ("def test(stubbed): raise KeyError", {"failed": 1}),
        ("def test(stubbed): pytest.skip()", {"skipped": 1}),
        ("@pytest.mark.xfail\ndef test(stubbed): raise KeyError", {"xfailed": 1}),
        (
            "@pytest.fixture\ndef broken(stubbed): raise KeyError\ndef test(broken): pass",
            {"errors": 1},
        ),
        (
            (
                "import unittest\n"
                "@pytest.mark.usefixtures('stubbed')\n"
                "class TestCase(unittest.TestCase):\n"
                "    def test(self): self.fail()\n"
            ),
            {"failed": 1},
        ),
    ],
)
def test_unused_stub_is_ignored_if_test_does_not_pass(run_suite, source, outcomes):
    result = run_suite(f"""
@pytest.fixture
def stubbed(connectparticipant_stubber):
    connectparticipant_stubber.stub_send_message()

{source}
""")
    result.assert_outcomes(**outcomes)
    assert "Not every stub was used" not in result.stdout.str()


def test_rerun_ignores_failure_of_first_run(run_suite, pytester):
    """pytest-rerunfailures, for example, runs a failed test again with the same item."""
    pytester.makeconftest("""
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    runtestprotocol(item, nextitem=nextitem, log=False)
    runtestprotocol(item, nextitem=nextitem, log=True)
    return True
""")
    result = run_suite("""
runs = []

def test_flaky(connectparticipant_stubber):
    runs.append(connectparticipant_stubber)
    connectparticipant_stubber.stub_send_message(Content="Hello")
    assert len(runs) == 2
""")
    result.assert_outcomes(passed=1, errors=1)
    assert output_section(result, "ERROR at teardown of test_flaky") == UNUSED_MESSAGE


def test_output_does_not_contain_tokens(run_suite):
    """Pytest prints the arguments of the last frame of a traceback."""
    result = run_suite("""
@pytest.fixture
def stubber(connectparticipant_stubber):
    return connectparticipant_stubber

def test_unexpected(stubber):
    send_message(stubber.client)

def test_different_token(stubber):
    stubber.stub_send_message(ConnectionToken="another-token")
    send_message(stubber.client)

def test_injected_error(stubber):
    stubber.stub_send_message(error=KeyError("injected"))
    send_message(stubber.client)

def test_failed_comparison(stubber):
    stubber.stub_send_message()
    send_message(stubber.client)
    assert stubber.calls[0].params == {}

def test_failed_assertion(stubber):
    stubber.stub_send_message()
    send_message(stubber.client)
    stubber.calls.assert_called_once_with("SendMessage", ConnectionToken="another-token")
""")
    result.assert_outcomes(failed=5)
    # pytest shows the line of the test that contains the token.
    lines = [line for line in result.outlines if 'Token="another-token"' not in line]
    assert "connection-token" not in "\n".join(lines)
    assert "another-token" not in "\n".join(lines)


SKIP_IF_ORDERED = """
def skip_if_ordered(stubber):
    stubber.stub_send_message(Content="a")
    stubber.stub_send_message(Content="b")
    try:
        send_message(stubber.client, "b")
    except AssertionError:
        pytest.skip("in order")
    send_message(stubber.client, "a")
"""


def test_closest_marker_overrides_others(run_suite):
    result = run_suite(
        f"""
pytestmark = pytest.mark.connectparticipant(any_order=True)

{SKIP_IF_ORDERED}

def test_module_marker(connectparticipant_stubber):
    skip_if_ordered(connectparticipant_stubber)

@pytest.mark.connectparticipant(any_order=False)
class TestClass:
    def test_class_marker(self, connectparticipant_stubber):
        skip_if_ordered(connectparticipant_stubber)

    @pytest.mark.connectparticipant(any_order=True)
    def test_function_marker(self, connectparticipant_stubber):
        skip_if_ordered(connectparticipant_stubber)
""",
        "-rA",
        "--strict-markers",
    )
    result.assert_outcomes(passed=2, skipped=1)
    result.stdout.fnmatch_lines_random(
        [
            "PASSED *::test_module_marker",
            "SKIPPED *in order",
            "PASSED *::test_function_marker",
        ]
    )


def test_stubber_fixture_without_marker_is_ordered(run_suite):
    result = run_suite(f"""
{SKIP_IF_ORDERED}

def test(connectparticipant_stubber):
    skip_if_ordered(connectparticipant_stubber)
""")
    result.assert_outcomes(skipped=1)


@pytest.mark.parametrize(
    "options",
    [
        "True",
        "any_ordre=True",
        "strict=False",
        "True, every_client=True",
        "every_client=True, strict=False",
    ],
)
def test_marker_with_invalid_options_is_rejected(run_suite, options):
    result = run_suite(f"""
@pytest.mark.connectparticipant({options})
def test(connectparticipant_stubber):
    pass
""")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["E*TypeError: *ConnectParticipantStubber*"])


def test_fixtures_and_marker_are_documented(run_suite):
    output = run_suite("", "--fixtures").stdout
    for name, line in {
        "client": "A new `connectparticipant` client from `attach_confirm.client`, not yet *",
        "fake": "A handle to the fake service, which replaces AWS in this process *",
        "server": "A handle to the fake service, which is served over HTTP on this machine *",
        "stubber": "An active, strict `ConnectParticipantStubber` on *",
    }.items():
        output.fnmatch_lines([f"connectparticipant_{name} -- *plugin.py:*", f"    {line}"])
    run_suite("", "--markers").stdout.fnmatch_lines(
        ["@pytest.mark.connectparticipant(any_order=False, *, every_client=False): options of *"]
    )


def test_fake_and_server_fixtures_start_empty(run_suite):
    run_suite("""
import attach_confirm, boto3

@pytest.mark.parametrize("number", range(2))
def test_in_process(connectparticipant_fake, number):
    fake = connectparticipant_fake
    client = boto3.client("connectparticipant", region_name="us-east-1")
    attach_confirm.upload(client, b"1", fake.connection_token(), name="a.txt")
    assert [attachment.data for attachment in fake.attachments] == [b"1"]

@pytest.mark.parametrize("number", range(2))
def test_served(connectparticipant_server, number):
    server = connectparticipant_server
    assert server.client.meta.endpoint_url == server.endpoint_url
    attach_confirm.upload(server.client, b"1", server.connection_token(), name="a.txt")
    assert [attachment.data for attachment in server.attachments] == [b"1"]
""").assert_outcomes(passed=4)


def test_client_fixture_is_new_for_each_test(run_suite):
    """Tests must not share a client, because it has a retry quota and event handlers."""
    result = run_suite("""
clients = []

@pytest.mark.parametrize("number", range(2))
def test(number, connectparticipant_client, connectparticipant_stubber):
    assert connectparticipant_stubber.client is connectparticipant_client
    assert connectparticipant_client not in clients
    clients.append(connectparticipant_client)
""")
    result.assert_outcomes(passed=2)


def test_every_client_marker_stubs_clients_that_the_test_does_not_pass(run_suite):
    """The module-level client is created at import, as in a Lambda handler."""
    result = run_suite("""
import boto3

CLIENT = boto3.client("connectparticipant", region_name="us-east-1")

@pytest.mark.connectparticipant(every_client=True, any_order=True)
def test_every_client(connectparticipant_stubber, connectparticipant_client):
    stubber = connectparticipant_stubber
    stubber.stub_send_message(times=3, response={"Id": "1"})
    assert stubber.client is connectparticipant_client
    late = boto3.client("connectparticipant", region_name="us-east-1")
    for client in (CLIENT, late, stubber.client):
        assert send_message(client)["Id"] == "1"

@pytest.mark.connectparticipant(every_client=True)
def test_unused(connectparticipant_stubber):
    connectparticipant_stubber.stub_send_message(Content="Hello")

@pytest.mark.connectparticipant(every_client=True)
def test_suppressed(connectparticipant_stubber):
    send_message_suppressing_errors(CLIENT)

def test_module_client_is_not_stubbed(connectparticipant_stubber):
    def fail(**_):
        raise RuntimeError("not stubbed")

    CLIENT.meta.events.register_last("before-call", fail)
    with pytest.raises(RuntimeError, match="not stubbed"):
        send_message(CLIENT)
""")
    result.assert_outcomes(passed=4, errors=2)
    assert output_section(result, "ERROR at teardown of test_unused") == UNUSED_MESSAGE
    assert output_section(result, "ERROR at teardown of test_suppressed") == SUPPRESSED_MESSAGE


def test_passthrough_marker_sends_calls_without_stubs(run_suite):
    result = run_suite("""
@pytest.mark.connectparticipant(passthrough=True)
def test(connectparticipant_stubber):
    def fail(**_):
        raise KeyError

    connectparticipant_stubber.client.meta.events.register("before-send", fail)
    with pytest.raises(KeyError):
        send_message(connectparticipant_stubber.client)
    connectparticipant_stubber.calls.assert_called_once("SendMessage")
""")
    result.assert_outcomes(passed=1)


def test_overridden_client_fixture_is_stubbed(run_suite):
    result = run_suite("""
import boto3

CLIENT = boto3.client("connectparticipant", region_name="us-east-1")

@pytest.fixture
def connectparticipant_client():
    return CLIENT

def test(connectparticipant_stubber):
    connectparticipant_stubber.stub_send_message(response={"Id": "1"})
    assert send_message(CLIENT)["Id"] == "1"
    assert connectparticipant_stubber.client is CLIENT
""")
    result.assert_outcomes(passed=1)


def test_plugin_works_with_xdist(run_suite):
    result = run_suite(
        """
@pytest.mark.parametrize("number", range(4))
def test(connectparticipant_stubber, number):
    connectparticipant_stubber.stub_send_message(Content="Hello")
    if number:
        send_message(connectparticipant_stubber.client)
""",
        "-n2",
        subprocess=True,
    )
    result.assert_outcomes(passed=4, errors=1)
    assert output_section(result, "ERROR at teardown of test[0]").endswith(f"\n{UNUSED_MESSAGE}")


def test_plugin_is_loaded_from_entry_point(pytester):
    pytester.makepyfile("""
import pytest

@pytest.mark.connectparticipant(any_order=True)
def test(connectparticipant_stubber):
    pass
""")
    result = pytester.runpytest_subprocess("--strict-markers", "--strict-config")
    result.assert_outcomes(passed=1)


def test_plugin_can_be_loaded_without_autoload(run_suite, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    result = run_suite("def test(connectparticipant_stubber): pass", subprocess=True)
    result.assert_outcomes(passed=1)


def test_plugin_can_be_disabled(run_suite):
    result = run_suite("def test(connectparticipant_stubber): pass", plugin=f"no:{PLUGIN}")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["E*fixture 'connectparticipant_stubber' not found"])


def test_plugin_imports_only_pytest():
    """Pytest imports the plugin at every start, so the import must be fast."""
    program = f"import sys, {PLUGIN}; print(*sys.modules)"
    command = [sys.executable, "-c", program]
    modules = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    assert PLUGIN in modules
    assert not {"attach_confirm", "boto3", "botocore", "moto", "unittest.mock"} & set(modules)


MACHINE_CONFIGURATION = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_CA_BUNDLE": "/does/not/exist",
    "AWS_CONFIG_FILE": "",
    "AWS_DATA_PATH": "/does/not/exist",
    "AWS_DEFAULT_REGION": "xx-nowhere-1",
    "AWS_DEFAULTS_MODE": "nope",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_ENDPOINT_URL_CONNECTPARTICIPANT": "http://127.0.0.1:1",
    "AWS_MAX_ATTEMPTS": "nope",
    "AWS_PROFILE": "nope",
    "AWS_REGION": "xx-nowhere-1",
    "AWS_RETRY_MODE": "nope",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_SHARED_CREDENTIALS_FILE": "/does/not/exist",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "HTTPS_PROXY": "http://127.0.0.1:1",
    "HTTP_PROXY": "http://127.0.0.1:1",
    "REQUESTS_CA_BUNDLE": "/does/not/exist",
}
ISOLATION_TESTS = """
from attach_confirm_stubs import modeled_errors

@pytest.mark.parametrize("code", modeled_errors("SendMessage"))
def test_stubbed(connectparticipant_stubber, code):
    connectparticipant_stubber.stub_send_message(error_code=code)
    with pytest.raises(getattr(connectparticipant_stubber.client.exceptions, code)):
        send_message(connectparticipant_stubber.client)

def test_request(connectparticipant_client):
    requests = []

    def fail(request, **_):
        requests.append(request)
        raise KeyError

    connectparticipant_client.meta.events.register("before-send", fail)
    with pytest.raises(KeyError):
        send_message(connectparticipant_client)
    (request,) = requests
    assert request.url == (
        "https://participant.connect.us-east-1.amazonaws.com/participant/message"
    )
    assert "Authorization" not in request.headers
    assert connectparticipant_client.meta.config.proxies == {}
"""


@pytest.mark.parametrize("environment", [{}, MACHINE_CONFIGURATION])
def test_fixtures_ignore_machine_configuration(run_suite, monkeypatch, tmp_path, environment):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    if environment:
        models = tmp_path / ".aws/models/connectparticipant/2018-09-07"
        models.mkdir(parents=True)
        (models / "service-2.json").write_text("not JSON")
        (tmp_path / ".aws/config").write_text("not INI")
        (tmp_path / ".aws/credentials").write_text("not INI")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    run_suite(ISOLATION_TESTS, subprocess=True).assert_outcomes(passed=5)
