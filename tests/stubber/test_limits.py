"""The limits of botocore's Stubber: which `ConnectParticipantStubber` lifts, and which stay.

`test_limit_NN_...` is about row NN of the table in docs/stubber.md, and its name says whether the
limit `is_lifted` or `stays`. What stays is shown with both classes, side by side.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import botocore.session
import pytest
from botocore.credentials import DeferredRefreshableCredentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    ParamValidationError,
    StubAssertionError,
    StubResponseError,
)
from botocore.stub import ANY, Stubber

import attach_confirm
from attach_confirm_stubs import ConnectParticipantStubber, UnexpectedCallError

ROOT = Path(__file__).parents[2]
SENT = ("Content", "ContentType", "ConnectionToken", "ClientToken")
NO_TIME = {"Id": "1", "AbsoluteTime": "soon"}


@pytest.fixture(params=[Stubber, ConnectParticipantStubber])
def cls(request):
    """Either class."""
    return request.param


@pytest.fixture
def ours(client):
    """Our stubber, active on a client of the Participant Service."""
    stubber = ConnectParticipantStubber(client)
    stubber.activate()
    yield stubber
    stubber.deactivate()


def say(client, text="Hello", **params):
    """Send a message."""
    return client.send_message(
        Content=text, ContentType="text/plain", ConnectionToken="token", **params
    )


def test_limit_01_stays_events_of_the_wire_are_skipped(cls, client):
    """Stays: nothing is signed or sent, so nobody hears of it; the fake does both."""
    heard = []
    for event in ("before-sign", "before-send", "needs-retry", "after-call"):
        client.meta.events.register(event, lambda event_name, **_: heard.append(event_name))
    with cls(client) as stubber:
        stubber.add_response("send_message", {"Id": "1"})
        say(client)
    assert heard == ["after-call.connectparticipant.SendMessage"]


def test_limit_02_stays_nothing_is_retried(cls, client):
    """Stays: an error is the outcome of the call, not of an attempt; the fake's are attempts'."""
    with cls(client) as stubber:
        stubber.add_client_error("send_message", "ThrottlingException", http_status_code=429)
        stubber.add_response("send_message", {"Id": "1"})
        with pytest.raises(client.exceptions.ThrottlingException):
            say(client)
        assert say(client) == {"Id": "1"}


def test_limit_03_stays_for_add_response(cls, client):
    """Stays for `add_response`, which compares what the code under test gave."""
    with cls(client) as stubber:
        stubber.add_response("send_message", {"Id": "1"}, dict.fromkeys(SENT, ANY))
        with pytest.raises(StubAssertionError):
            say(client)


def test_limit_03_is_lifted_the_client_token_is_compared_as_sent(ours):
    """Lifted: a `stub_<operation>` compares what is sent."""
    ours.stub_send_message(**dict.fromkeys(SENT, ANY))
    say(ours.client)
    ours.verify()


def test_limit_04_is_lifted_two_stubbers_on_a_client(ours):
    """Lifted: the second is refused loudly instead of ignored, and takes nothing away."""
    second = ConnectParticipantStubber(ours.client)
    with pytest.raises(RuntimeError):
        second.activate()
    second.deactivate()
    ours.stub_send_message(response={"Id": "1"})
    assert say(ours.client)["Id"] == "1"


def swallowing(client):
    """Send a message, and take every error for a lost network."""
    try:
        say(client)
    except (BotoCoreError, ClientError):
        return False
    return True


def test_limit_05_stays_for_upstreams_methods_alone(cls, client):
    """Stays for upstream's methods alone, that tests for botocore's errors go on passing."""
    with cls(client) as stubber:
        assert not swallowing(client)
    stubber.assert_no_pending_responses()


def test_limit_05_is_lifted_an_unexpected_call_is_not_swallowed(ours):
    """Lifted: with a `stub_<operation>` it is not caught; and `verify` tells of it in any case."""
    assert not swallowing(ours.client)
    with pytest.raises(UnexpectedCallError):
        ours.verify()
    ours.stub_send_event()
    with pytest.raises(UnexpectedCallError):
        swallowing(ours.client)


def test_limit_06_is_lifted_threads(client):
    """Lifted with any_order=True, for `add_response` too."""
    texts = [str(number) for number in range(100)]
    with ConnectParticipantStubber(client, any_order=True) as stubber:
        for text in texts:
            expected = {"Content": text, "ContentType": ANY, "ConnectionToken": ANY}
            stubber.add_response("send_message", {"Id": text}, expected)
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda text: say(client, text), reversed(texts)))
    assert [answer["Id"] for answer in answers] == texts[::-1]
    stubber.assert_no_pending_responses()


def test_limit_06_is_lifted_errors_are_about_the_nearest(client):
    """In any order there is no next answer, so the one that differs least is named."""
    stubber = ConnectParticipantStubber(client, any_order=True)
    stubber.add_response("send_event", {})
    stubber.add_response("send_message", {}, {"Content": "Bye"})
    stubber.add_response("send_message", {}, {"Content": "Hello"})
    with stubber, pytest.raises(StubAssertionError, match=r"parameters:\n{'Content': 'Hello'}"):
        say(client)
    with stubber, pytest.raises(StubResponseError, match="found response for SendEvent"):
        client.get_transcript(ConnectionToken="token")


def test_limit_07_stays_for_add_client_error(cls, client):
    """Stays for `add_client_error`: it takes any code and any status."""
    with cls(client) as stubber:
        stubber.add_client_error("send_message", "NoSuchThing", http_status_code=999)
        with pytest.raises(ClientError, match="NoSuchThing"):
            say(client)


def test_limit_07_is_lifted_errors_are_checked(ours):
    """Lifted: a `stub_<operation>` wants a declared error; no method takes a misspelt operation."""
    with pytest.raises(ValueError, match="does not declare"):
        ours.stub_send_message(error_code="NoSuchThing")
    Stubber(ours.client).add_client_error("send_mesage")
    with pytest.raises(ValueError, match="does not have method: send_mesage"):
        ours.add_client_error("send_mesage")


def test_limit_08_stays_for_add_response(cls, client):
    """Stays for `add_response`: what was given is what is got, without metadata."""
    with cls(client) as stubber:
        stubber.add_response("send_message", {"Id": "1"})
        assert say(client) == {"Id": "1"}


def test_limit_08_is_lifted_metadata_is_complete(ours):
    """Lifted: a `stub_<operation>` answers with what botocore makes of an HTTP answer."""
    ours.stub_send_message(response={"Id": "1"})
    metadata = say(ours.client)["ResponseMetadata"]
    assert {"RequestId", "HTTPStatusCode", "HTTPHeaders", "RetryAttempts"} == metadata.keys()


def test_limit_09_is_lifted_answers_are_copies(ours):
    """Lifted for `add_response` too: an answer is what it was when it was added."""
    response = {"Transcript": [{"Id": "1"}]}
    ours.add_response("get_transcript", response)
    response["Transcript"][0]["Id"] = "2"
    ours.add_response("get_transcript", response)
    answers = [ours.client.get_transcript(ConnectionToken="token") for _ in range(2)]
    assert [answer["Transcript"][0]["Id"] for answer in answers] == ["1", "2"]


def test_limit_10_is_lifted_any_exception(ours):
    """Lifted: `error=` takes any exception."""
    ours.stub_send_message(error=EndpointConnectionError(endpoint_url="https://x"))
    with pytest.raises(EndpointConnectionError):
        say(ours.client)


def test_limit_11_stays_for_add_response(cls, client):
    """Stays for `add_response`: a time that is none is taken."""
    with cls(client) as stubber:
        stubber.add_response("send_message", NO_TIME)
        assert say(client) == NO_TIME


def test_limit_11_is_lifted_responses_are_checked(ours):
    """Lifted: a `stub_<operation>` checks enums, lengths and times of its response."""
    with pytest.raises(ParamValidationError, match="is no ISO 8601 time"):
        ours.stub_send_message(response=NO_TIME)


def test_limit_11_stays_for_parameters(ours):
    """Stays for parameters: a text that is too long is answered; the fake refuses it."""
    ours.stub_send_message()
    say(ours.client, "x" * 20000)
    ours.verify()


def test_limit_12_stays_for_add_response(cls, client):
    """Stays for `add_response`: expected parameters are all there are."""
    with cls(client) as stubber:
        stubber.add_response("send_message", {}, {"Content": "Hello"})
        with pytest.raises(StubAssertionError):
            say(client)


def test_limit_12_is_lifted_some_parameters(ours):
    """Lifted: a `stub_<operation>` names those that matter."""
    ours.stub_send_message(Content="Hello")
    say(ours.client)
    ours.verify()


def test_limit_13_stays_one_client_object_is_stubbed(cls, client, scripted_responses):
    """Stays: a client that the code under test makes itself is not; the fake answers it."""
    other = attach_confirm.client("us-east-1")
    scripted_responses(
        other, "connectparticipant", EndpointConnectionError(endpoint_url="https://x")
    )
    with cls(client) as stubber:
        stubber.add_response("send_message", {})
        with pytest.raises(EndpointConnectionError):
            say(other)


def test_limit_14_is_lifted_pending_answers_are_listed(client):
    """Lifted: with a `stub_<operation>` they are listed, and the end of the block asks for them."""
    stubber = ConnectParticipantStubber(client)
    stubber.stub_send_message(Content="Hello")
    with pytest.raises(AssertionError, match=re.escape("1. SendMessage(Content='Hello'): unused")):
        stubber.__exit__(None, None, None)


@pytest.fixture
def unasked():
    """Return a way to make a client that would sign, and fails the test if it asks how."""

    def refresh():
        pytest.fail("credentials were looked for")

    def client(service):
        deferred = DeferredRefreshableCredentials(refresh, "test")
        made = botocore.session.Session()
        made.register_component(
            "credential_provider", SimpleNamespace(load_credentials=lambda: deferred)
        )
        return made.create_client(service, region_name="us-east-1")

    return client


def test_limit_15_stays_no_credentials_are_needed(cls, unasked):
    """Holds for both, with a client that would sign what it sends."""
    client = unasked("connectparticipant")
    with cls(client) as stubber:
        stubber.add_response("send_message", {"Id": "1"})
        assert say(client) == {"Id": "1"}


def test_limit_15_stays_where_the_endpoint_depends_on_the_account(unasked):
    """Holds as in recent releases of botocore, for the older ones that setup.cfg admits too."""
    client = unasked("dynamodb")
    with ConnectParticipantStubber(client) as stubber:
        stubber.add_response("delete_item", {})
        ConnectParticipantStubber(client).deactivate()
        assert client.delete_item(TableName="table", Key={"id": {"S": "1"}}) == {}


def rows(document):
    """Return the rows of a document's table of limits, by their numbers."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return {
        int(number): cells
        for number, cells in re.findall(r"^\| (\d+) \| .* \| (.*) \|$", text, re.MULTILINE)
    }


@pytest.mark.parametrize("word", ["is_lifted", "stays"])
def test_the_table_of_limits_is_what_the_tests_show(word):
    """Each row says that the limit is lifted or stays, or what of it, as its tests do."""
    shown = {int(name[11:13]) for name in globals() if re.match(rf"test_limit_\d\d_{word}", name)}
    told = rows("docs/stubber.md")
    assert list(told) == list(range(1, 16))
    verdict = word.removeprefix("is_")
    assert {number for number, cell in told.items() if verdict in cell.lower()} == shown


def test_the_readme_names_the_limits_that_stay():
    """What stays, but for upstream's own methods, stands in the README too."""
    stays = {number for number, cell in rows("docs/stubber.md").items() if cell[:5] == "Stays"}
    assert rows("README.md").keys() == stays
