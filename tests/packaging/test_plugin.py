"""The pytest plugin, in test suites of its users."""

import os
import subprocess
import sys

import pytest

from attach_confirm_stubs import ConnectParticipantStubber, _session

pytest_plugins = ["pytester"]

PLUGIN = "attach_confirm_stubs.plugin"
# What pytester imports for the inner run alone it forgets, and these would be there twice.
IMPORTED = (ConnectParticipantStubber, _session)

APP = """
import pytest

TOKEN = "connection-token"


def send(client, text="Hello"):
    return client.send_message(
        Content=text, ContentType="text/plain", ClientToken="once", ConnectionToken=TOKEN
    )


def send_or_not(client):
    try:
        return send(client)
    except Exception:
        return None


"""
UNEXPECTED = """\
No stub allows this call:
  SendMessage(Content='Hello', ContentType='text/plain', ClientToken='once', \
ConnectionToken=<redacted 1469>)
There are no stubs.
To allow the call, add:
  stubber.stub_send_message(Content='Hello', ContentType='text/plain')"""
SWALLOWED = f"CallList were made without a stub, and the error was caught.\n\n{UNEXPECTED}"
UNUSED = """\
Not every stub was used.
Stubs:
  1. SendMessage(Content='Hello'): unused
To allow that, give the stub optional=True."""


@pytest.fixture
def suite(pytester):
    """Return a way to run a test module, with the plugin as if it were installed."""

    def run(source, *args, plugin=PLUGIN, subprocess=False):
        pytester.makepyfile(APP + source)
        runner = pytester.runpytest_subprocess if subprocess else pytester.runpytest_inprocess
        return runner("-p", plugin, "-p", "no:randomly", "-p", "no:cacheprovider", *args)

    return run


def section(result, title):
    """Return the text of a section of pytest's output."""
    lines = result.outlines
    start = next(at for at, line in enumerate(lines) if f" {title} " in line) + 1
    ends = (at for at, line in enumerate(lines[start:], start) if line[:3] in {"===", "___", "---"})
    return "\n".join(lines[start : next(ends)])


def error_lines(result):
    """Return what pytest marks with an E, without its indentation."""
    return [line.removeprefix("E       ") for line in result.outlines if line.startswith("E  ")]


def test_a_test_with_the_fixture_passes(suite):
    """The test that a reader would write first: stub an error, see it handled."""
    result = suite("""
def test_a_conflict_is_reported(connectparticipant_stubber):
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


def test_a_stub_that_was_not_used_fails_the_test(suite):
    """The test passes, and its teardown says which stub was not used, and no more."""
    result = suite("""
def test_unused(connectparticipant_stubber):
    connectparticipant_stubber.stub_send_message(Content="Hello")
""")
    result.assert_outcomes(passed=1, errors=1)
    assert section(result, "ERROR at teardown of test_unused") == UNUSED


def test_a_call_without_a_stub_fails_the_test(suite):
    """The test fails where the call was made, with the message and nothing at teardown."""
    result = suite("""
def test_unexpected(connectparticipant_stubber):
    send(connectparticipant_stubber.client)
""")
    result.assert_outcomes(failed=1)
    first, *others = UNEXPECTED.splitlines()
    assert error_lines(result) == [
        f"attach_confirm_stubs.UnexpectedCallError: {first}",
        *others,
    ]
    assert "Captured connectparticipant" not in result.stdout.str()


def test_a_call_that_was_swallowed_fails_the_test(suite):
    """Code that catches every exception cannot hide a call from the teardown."""
    result = suite("""
def test_swallowed(connectparticipant_stubber):
    send_or_not(connectparticipant_stubber.client)
""")
    result.assert_outcomes(passed=1, errors=1)
    assert section(result, "ERROR at teardown of test_swallowed") == SWALLOWED


def test_a_call_that_was_swallowed_is_told_beside_another_failure(suite):
    """A test that fails because a call was swallowed shows the reason, and has no second error."""
    result = suite("""
def test_swallowed(connectparticipant_stubber):
    assert send_or_not(connectparticipant_stubber.client)
""")
    result.assert_outcomes(failed=1)
    assert error_lines(result)[0] == "assert None"
    assert section(result, "Captured connectparticipant teardown") == SWALLOWED


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
def test_a_test_that_did_not_come_to_its_end_is_not_burdened(suite, source, outcomes):
    """A test that failed, or was skipped, has stubs unused for a reason that it tells itself."""
    result = suite(f"""
@pytest.fixture
def stubbed(connectparticipant_stubber):
    connectparticipant_stubber.stub_send_message()

{source}
""")
    result.assert_outcomes(**outcomes)
    assert "Not every stub was used" not in result.stdout.str()


def test_a_test_that_is_run_again_begins_anew(suite, pytester):
    """A plugin that runs a failed test again gets the check of the stubs again."""
    pytester.makeconftest("""
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    runtestprotocol(item, nextitem=nextitem, log=False)
    runtestprotocol(item, nextitem=nextitem, log=True)
    return True
""")
    result = suite("""
runs = []

def test_flaky(connectparticipant_stubber):
    runs.append(connectparticipant_stubber)
    connectparticipant_stubber.stub_send_message(Content="Hello")
    assert len(runs) == 2
""")
    result.assert_outcomes(passed=1, errors=1)
    assert section(result, "ERROR at teardown of test_flaky") == UNUSED


def test_no_token_stands_in_the_output(suite):
    """pytest prints arguments of the last frame, and none of ours holds a token."""  # noqa: D403
    result = suite("""
@pytest.fixture
def stubber(connectparticipant_stubber):
    return connectparticipant_stubber

def test_unexpected(stubber):
    send(stubber.client)

def test_another(stubber):
    stubber.stub_send_message(ConnectionToken="another-token")
    send(stubber.client)

def test_injected(stubber):
    stubber.stub_send_message(error=KeyError("injected"))
    send(stubber.client)

def test_compared(stubber):
    stubber.stub_send_message()
    send(stubber.client)
    assert stubber.calls[0].params == {}

def test_asserted(stubber):
    stubber.stub_send_message()
    send(stubber.client)
    stubber.calls.assert_called_once_with("SendMessage", ConnectionToken="another-token")
""")
    result.assert_outcomes(failed=5)
    shown = [line for line in result.outlines if 'Token="another-token"' not in line]
    assert "connection-token" not in "\n".join(shown)
    assert "another-token" not in "\n".join(shown)


ORDERS = """
def calls_in_order(stubber):
    stubber.stub_send_message(Content="a")
    stubber.stub_send_message(Content="b")
    try:
        send(stubber.client, "b")
    except AssertionError:
        pytest.skip("in order")
    send(stubber.client, "a")
"""


def test_the_nearest_marker_counts(suite):
    """A marker of the test goes before its class's, and that before its module's."""
    result = suite(
        f"""
pytestmark = pytest.mark.connectparticipant(any_order=True)

{ORDERS}

def test_of_the_module(connectparticipant_stubber):
    calls_in_order(connectparticipant_stubber)

@pytest.mark.connectparticipant(any_order=False)
class TestOfAClass:
    def test_of_the_class(self, connectparticipant_stubber):
        calls_in_order(connectparticipant_stubber)

    @pytest.mark.connectparticipant(any_order=True)
    def test_of_the_test(self, connectparticipant_stubber):
        calls_in_order(connectparticipant_stubber)
""",
        "-rA",
        "--strict-markers",
    )
    result.assert_outcomes(passed=2, skipped=1)
    result.stdout.fnmatch_lines_random(
        ["PASSED *::test_of_the_module", "SKIPPED *in order", "PASSED *::test_of_the_test"]
    )


def test_without_a_marker_calls_come_in_order(suite):
    """The fixture's stubber is one in order, and strict."""
    result = suite(f"""
{ORDERS}

def test(connectparticipant_stubber):
    calls_in_order(connectparticipant_stubber)
""")
    result.assert_outcomes(skipped=1)


@pytest.mark.parametrize("options", ["True", "in_any_ordre=True", "strict=False"])
def test_a_marker_with_other_options_is_refused(suite, options):
    """A misspelt option is no default silently taken."""
    result = suite(f"""
@pytest.mark.connectparticipant({options})
def test(connectparticipant_stubber):
    pass
""")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["E*TypeError: *ConnectParticipantStubber*"])


def test_the_fixtures_and_the_marker_are_documented(suite):
    """`pytest --fixtures` and `pytest --markers` tell what there is."""
    told = suite("", "--fixtures").stdout
    for name, line in {
        "client": "A `connectparticipant` client of its own, as `attach_confirm.client` *",
        "fake": "A handle on the fake service, which is in AWS's place during the test.",
        "server": "A handle on the fake service, which is served over HTTP on this machine *",
        "stubber": "An active, strict `ConnectParticipantStubber`; its client is *",
    }.items():
        told.fnmatch_lines([f"connectparticipant_{name} -- *plugin.py:*", f"    {line}"])
    suite("", "--markers").stdout.fnmatch_lines(
        ["@pytest.mark.connectparticipant(any_order=False): options of the *_stubber fixture.*"]
    )


def test_the_fakes_fixtures_are_the_fake(suite):
    """One stands in AWS's place without a pause, the other at an endpoint; both start empty."""
    suite("""
import attach_confirm, boto3

@pytest.mark.parametrize("turn", range(2))
def test_in_process(connectparticipant_fake, turn):
    fake = connectparticipant_fake
    client = boto3.client("connectparticipant", region_name="us-east-1")
    attach_confirm.upload(client, b"1", fake.connection_token(), name="a.txt")
    assert [attachment.data for attachment in fake.attachments] == [b"1"]

@pytest.mark.parametrize("turn", range(2))
def test_served(connectparticipant_server, turn):
    served = connectparticipant_server
    assert served.client.meta.endpoint_url == served.endpoint_url
    attach_confirm.upload(served.client, b"1", served.connection_token(), name="a.txt")
    assert [attachment.data for attachment in served.attachments] == [b"1"]
""").assert_outcomes(passed=4)


def test_each_test_has_a_client_of_its_own(suite):
    """What one test does to its client, or to botocore's retry quota, no other one sees."""
    result = suite("""
seen = []

@pytest.mark.parametrize("number", range(2))
def test(number, connectparticipant_client, connectparticipant_stubber):
    assert connectparticipant_stubber.client is connectparticipant_client
    assert connectparticipant_client not in seen
    seen.append(connectparticipant_client)
""")
    result.assert_outcomes(passed=2)


def test_it_works_under_xdist(suite):
    """The fixtures and the failures at teardown are there in xdist's workers."""
    result = suite(
        """
@pytest.mark.parametrize("number", range(4))
def test(connectparticipant_stubber, number):
    connectparticipant_stubber.stub_send_message(Content="Hello")
    if number:
        send(connectparticipant_stubber.client)
""",
        "-n2",
        subprocess=True,
    )
    result.assert_outcomes(passed=4, errors=1)
    assert section(result, "ERROR at teardown of test[0]").endswith(f"\n{UNUSED}")


def test_it_is_loaded_where_the_package_is_installed(pytester):
    """Without any option the fixtures and the marker are there."""
    pytester.makepyfile("""
import pytest

@pytest.mark.connectparticipant(any_order=True)
def test(connectparticipant_stubber):
    pass
""")
    result = pytester.runpytest_subprocess("--strict-markers", "--strict-config")
    result.assert_outcomes(passed=1)


def test_it_can_be_named_where_no_plugin_is_loaded(suite, monkeypatch):
    """`-p attach_confirm_stubs.plugin` loads it where no plugin is loaded by itself."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    result = suite("def test(connectparticipant_stubber): pass", subprocess=True)
    result.assert_outcomes(passed=1)


def test_it_can_be_left_out(suite):
    """`-p no:attach_confirm_stubs.plugin` takes the fixtures and the marker away."""
    result = suite("def test(connectparticipant_stubber): pass", plugin=f"no:{PLUGIN}")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["E*fixture 'connectparticipant_stubber' not found"])


def test_it_imports_nothing_heavy():
    """A pytest start with the plugin does not pay for boto3, botocore and moto."""
    program = f"import sys, {PLUGIN}; print(*sys.modules)"
    command = [sys.executable, "-c", program]
    modules = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    assert PLUGIN in modules
    assert not {"attach_confirm", "boto3", "botocore", "moto", "unittest.mock"} & set(modules)


MACHINE = {
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
SHUT_OUT = """
from attach_confirm_stubs import modeled_errors

@pytest.mark.parametrize("code", modeled_errors("SendMessage"))
def test_stubbed(connectparticipant_stubber, code):
    connectparticipant_stubber.stub_send_message(error_code=code)
    with pytest.raises(getattr(connectparticipant_stubber.client.exceptions, code)):
        send(connectparticipant_stubber.client)

def test_sent(connectparticipant_client):
    sent = []

    def refuse(request, **_):
        sent.append(request)
        raise KeyError

    connectparticipant_client.meta.events.register("before-send", refuse)
    with pytest.raises(KeyError):
        send(connectparticipant_client)
    (request,) = sent
    assert request.url == (
        "https://participant.connect.us-east-1.amazonaws.com/participant/message"
    )
    assert "Authorization" not in request.headers
    assert connectparticipant_client.meta.config.proxies == {}
"""


@pytest.mark.parametrize("machine", [{}, MACHINE])
def test_the_machines_settings_are_shut_out(suite, monkeypatch, tmp_path, machine):
    """Without credentials, region and `~/.aws`, and with broken ones, the fixtures are the same."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    if machine:
        models = tmp_path / ".aws/models/connectparticipant/2018-09-07"
        models.mkdir(parents=True)
        (models / "service-2.json").write_text("no JSON")
        (tmp_path / ".aws/config").write_text("no INI")
        (tmp_path / ".aws/credentials").write_text("no INI")
    for name, value in machine.items():
        monkeypatch.setenv(name, value)
    suite(SHUT_OUT, subprocess=True).assert_outcomes(passed=5)
