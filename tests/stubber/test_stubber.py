"""The Stubber: matching, order, answers, errors, strictness, threads, history."""

import re
import unittest
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import ANY as MOCK_ANY
from unittest.mock import call

import boto3
import pytest
from botocore import UNSIGNED, xform_name
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ParamValidationError,
    ReadTimeoutError,
    UnStubbedResponseError,
)
from botocore.stub import ANY, Stubber

import attach_confirm
from attach_confirm_stubs import (
    ConnectParticipantStubber,
    UnexpectedCallError,
    _service_model,
    failure_cases,
    modeled_errors,
)

OPERATIONS = _service_model.service_model().operation_names
FLOW = ("CreateParticipantConnection", "StartAttachmentUpload", "CompleteAttachmentUpload")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture
def stubber(client):
    """An active stubber that the test verifies itself."""
    made = ConnectParticipantStubber(client)
    made.activate()
    yield made
    made.deactivate()


@pytest.fixture
def unordered(client):
    """An active stubber that takes calls in any order."""
    made = ConnectParticipantStubber(client, any_order=True)
    made.activate()
    yield made
    made.deactivate()


class Matching:
    """Equals every text that a pattern matches."""

    def __init__(self, pattern):
        self.pattern = pattern

    def __eq__(self, other):
        return bool(self.pattern.fullmatch(other))

    __hash__ = None


def say(client, text="Hello", **params):
    """Send a message and return its id."""
    params = {"ContentType": "text/plain", "ConnectionToken": "token", **params}
    return client.send_message(Content=text, **params)["Id"]


def required(shape):
    """Return a value with the members that a shape requires."""
    if shape.type_name == "structure":
        return {name: required(shape.members[name]) for name in shape.required_members}
    if shape.type_name == "list":
        return [required(shape.member)]
    return shape.metadata.get("enum", ["x" * 40])[0] if shape.type_name == "string" else 1


def invoke(client, operation):
    """Call an operation with the parameters that it requires."""
    params = required(_service_model.operation(operation).input_shape)
    return getattr(client, xform_name(operation))(**params)


@pytest.mark.parametrize(
    "named",
    [
        {},
        {"Content": "Hello"},
        {"Content": "Hello", "ConnectionToken": "token", "ContentType": "text/plain"},
        {"Content": ANY},
        {"Content": MOCK_ANY, "ClientToken": ANY},
        {"Content": Matching(re.compile("Hell?o"))},
        {"ClientToken": Matching(UUID)},
    ],
)
def test_named_parameters_match_and_the_others_are_free(stubber, named):
    """A stub says what the test is about: a value, ANY, or whatever is equal to it."""
    stubber.stub_send_message(**named, response={"Id": "message-1"})
    assert say(stubber.client) == "message-1"
    stubber.verify()


@pytest.mark.parametrize(
    "named",
    [
        {"Content": "Bye"},
        {"Content": "Hello", "ConnectionToken": "another"},
        {"Content": Matching(re.compile("Bye"))},
        {"ClientToken": "client-token"},
    ],
)
def test_a_parameter_that_differs_is_refused(stubber, named):
    """A call with another value is not answered, and leaves the stub unused."""
    stubber.stub_send_message(**named)
    with pytest.raises(UnexpectedCallError):
        say(stubber.client)
    with pytest.raises(AssertionError, match="Not every stub was used"):
        stubber.assert_no_pending_responses()


def test_any_wants_the_parameter_to_be_there(stubber):
    """ANY stands for every value, not for none."""
    stubber.stub_get_transcript(MaxResults=ANY)
    with pytest.raises(UnexpectedCallError, match="MaxResults: stubbed <ANY>, called without it"):
        stubber.client.get_transcript(ConnectionToken="token")


def test_exactly_forbids_other_parameters(stubber):
    """With exact_params=True, the call is given what the stub names and nothing else."""
    named = {"Content": "Hello", "ContentType": "text/plain"}
    stubber.stub_send_message(**named, exact_params=True)
    with pytest.raises(UnexpectedCallError):
        say(stubber.client)
    stubber.stub_send_message(**named, ConnectionToken="token", exact_params=True)


def test_exactly_does_not_count_botocores_own_client_token(stubber):
    """A ClientToken that the code under test did not give is none of its parameters."""
    stubber.stub_disconnect_participant(ConnectionToken="token", exact_params=True)
    stubber.client.disconnect_participant(ConnectionToken="token")
    stubber.stub_disconnect_participant(ConnectionToken="token", exact_params=True)
    with pytest.raises(UnexpectedCallError):
        stubber.client.disconnect_participant(ConnectionToken="token", ClientToken="mine")


def test_a_client_token_is_asserted_as_it_is_sent(stubber):
    """`confirm` sends the token that it derives from the attachment's id, and a test sees it."""
    stubber.stub_complete_attachment_upload(
        AttachmentIds=["att-1"], ClientToken=Matching(UUID), ConnectionToken="token"
    )
    confirmed = attach_confirm.confirm(stubber.client, "att-1", "token")
    assert stubber.calls[0].params["ClientToken"] == confirmed.client_token


def test_what_is_expected_does_not_change_with_the_tests_own_objects(stubber):
    """A list that the test changes after it made the stub changes nothing in it."""
    ids = ["att-1"]
    stubber.stub_complete_attachment_upload(AttachmentIds=ids)
    ids.append("att-2")
    stubber.client.complete_attachment_upload(AttachmentIds=["att-1"], ConnectionToken="token")
    stubber.verify()


def test_calls_come_in_the_order_of_the_stubs(stubber):
    """The second call cannot come first, and the first one can still come then."""
    stubber.stub_send_message(Content="a")
    stubber.stub_send_message(Content="b")
    with pytest.raises(UnexpectedCallError):
        say(stubber.client, "b")
    say(stubber.client, "a")
    say(stubber.client, "b")
    stubber.assert_no_pending_responses()


def test_calls_come_in_any_order_on_request(unordered):
    """With any_order=True each call finds its stub by its parameters."""
    for text in "abc":
        unordered.stub_send_message(Content=text, response={"Id": text})
    assert [say(unordered.client, text) for text in "cab"] == ["c", "a", "b"]
    unordered.verify()


def test_the_first_stub_that_allows_a_call_answers_it(unordered):
    """Of two stubs that allow a call in any order, the earlier one is used up first."""
    unordered.stub_send_message(response={"Id": "first"})
    unordered.stub_send_message(Content="Hello", response={"Id": "second"})
    assert [say(unordered.client), say(unordered.client)] == ["first", "second"]


@pytest.mark.parametrize("texts", ["ac", "abc", "acb"])
def test_an_optional_stub_may_be_left_out(stubber, texts):
    """The calls before and after an optional one keep their order; it may come late or never."""
    stubber.stub_send_message(Content="a")
    stubber.stub_send_message(Content="b", optional=True)
    stubber.stub_send_message(Content="c")
    for text in texts:
        say(stubber.client, text)
    stubber.verify()


def test_a_stub_answers_as_often_as_it_says(stubber):
    """times=2 answers two calls, wants both, and refuses a third one."""
    stubber.stub_send_message(response={"Id": "message-1"}, times=2)
    assert say(stubber.client) == "message-1"
    with pytest.raises(AssertionError, match="used 1 of 2 times"):
        stubber.assert_no_pending_responses()
    assert say(stubber.client) == "message-1"
    stubber.assert_no_pending_responses()
    with pytest.raises(UnexpectedCallError):
        say(stubber.client)


def test_an_optional_stub_with_times_answers_up_to_them(stubber):
    """optional=True allows a stub to be used less often than times."""
    stubber.stub_send_message(times=3, optional=True)
    say(stubber.client)
    stubber.verify()


@pytest.mark.parametrize("times", [0, -1])
def test_a_stub_that_never_answers_is_refused(stubber, times):
    """times=0 would be a stub that looks used and is not."""
    with pytest.raises(ValueError, match=f"^times={times}, but a stub answers at least once$"):
        stubber.stub_send_message(times=times)


@pytest.mark.parametrize(
    ("operation", "code"), [(name, code) for name in OPERATIONS for code in modeled_errors(name)]
)
def test_every_declared_error_is_caught_by_its_name(stubber, operation, code):
    """Each error of each operation reaches `except client.exceptions.<Name>` as off the wire."""
    getattr(stubber, f"stub_{xform_name(operation)}")(error_code=code)
    with pytest.raises(getattr(stubber.client.exceptions, code)) as caught:
        invoke(stubber.client, operation)
    assert isinstance(caught.value, ClientError)
    assert caught.value.operation_name == operation
    response = caught.value.response
    metadata = response["ResponseMetadata"]
    assert metadata["HTTPStatusCode"] == _service_model.error_status(code)
    assert metadata["RetryAttempts"] == 0
    assert UUID.fullmatch(metadata["RequestId"])
    assert metadata["HTTPHeaders"]["x-amzn-requestid"] == metadata["RequestId"]
    assert metadata["HTTPHeaders"]["x-amzn-errortype"] == code
    assert response["Error"] == {
        "Code": code,
        "Message": f"{code} injected by attach_confirm_stubs",
    }
    assert response["Message"] == response["Error"]["Message"]
    assert stubber.calls[0].result.response == response


@pytest.mark.parametrize("error", [ReadTimeoutError(endpoint_url="https://x"), KeyError("oops")])
def test_an_exception_that_is_no_client_error_is_raised(stubber, error):
    """A lost answer is injected as botocore raises it, and any other exception too."""
    stubber.stub_send_message(error=error, times=2)
    for _ in range(2):
        with pytest.raises(type(error)) as caught:
            say(stubber.client)
        assert caught.value is error
    assert [made.result for made in stubber.calls] == [error, error]


def test_an_exception_raised_again_has_a_trace_of_its_own(stubber):
    """The trace of an injected exception does not grow with every call that raises it."""
    stubber.stub_send_message(error=TimeoutError(), times=2)
    lengths = []
    for _ in range(2):
        with pytest.raises(TimeoutError) as caught:
            say(stubber.client)
        lengths.append(len(caught.traceback))
    assert lengths[0] == lengths[1]


def test_an_exception_of_a_callable_is_the_calls_result(stubber):
    """A response may decide by the parameters to raise, and history has what it raised."""

    def answer(params):
        raise KeyError(params["Content"])

    stubber.stub_send_message(response=answer)
    with pytest.raises(KeyError):
        say(stubber.client)
    (made,) = stubber.calls
    assert repr(made.result) == "KeyError('Hello')"


@pytest.mark.parametrize("response", ["Hello", [{"Id": "1"}], 5, ""])
def test_a_response_that_is_no_dict_is_refused(stubber, response):
    """It is told at once, and of a callable when it is called."""
    message = re.escape(f"response is a dict, or a callable that returns one, not {response!r}")
    with pytest.raises(TypeError, match=message):
        stubber.stub_send_message(response=response)
    stubber.stub_send_message(response=lambda _: response)
    with pytest.raises(TypeError, match=message):
        say(stubber.client)


def test_a_callable_that_gives_no_answer_is_the_tests_mistake(stubber):
    """Code that catches botocore's errors does not hide that `response=` gave nonsense."""
    stubber.stub_send_message(response=lambda _: {"Nonsense": 1})
    with pytest.raises(AssertionError, match="response= gave what SendMessage cannot answer"):
        swallowing(stubber.client)


def test_a_call_made_while_an_error_is_handled_has_its_own_result(stubber):
    """Code that calls on in an `except` block leaves that error out of the history."""
    stubber.stub_send_message(error=TimeoutError())
    stubber.stub_send_message(response={"Id": "message-2"})
    try:
        say(stubber.client)
    except TimeoutError:
        say(stubber.client)
    assert stubber.calls[1].result["Id"] == "message-2"


def test_pages_of_a_transcript_are_tied_by_their_tokens(stubber):
    """Code that follows NextToken gets every page, one after another, and then no token."""
    stubber.stub_get_transcript_pages(
        [{"Id": "1"}], [], [{"Id": "2"}, {"Id": "3"}], ConnectionToken="token"
    )
    found, asked = [], {}
    while True:
        page = stubber.client.get_transcript(ConnectionToken="token", **asked)
        found += [item["Id"] for item in page["Transcript"]]
        if "NextToken" not in page:
            break
        asked = {"NextToken": page["NextToken"]}
    assert found == ["1", "2", "3"]
    stubber.verify()


def test_a_page_must_be_asked_for_with_its_token(stubber):
    """Code that reads the first page again and again is found out."""
    stubber.stub_get_transcript_pages([], [])
    stubber.client.get_transcript(ConnectionToken="token")
    with pytest.raises(UnexpectedCallError, match="NextToken: stubbed 'page-2', called without it"):
        stubber.client.get_transcript(ConnectionToken="token")


def test_no_pages_are_no_calls(stubber):
    """A transcript without pages is not asked for."""
    stubber.stub_get_transcript_pages()
    stubber.verify()


def test_a_status_is_found_on_a_later_page(stubber):
    """The helper's own `status` reads on until it finds the attachment."""
    attachment = {"AttachmentId": "att-1", "Status": "REJECTED"}
    stubber.stub_get_transcript_pages([{"Attachments": []}], [{"Attachments": [attachment]}])
    assert attach_confirm.status(stubber.client, "att-1", "token") == "REJECTED"
    stubber.verify()


@pytest.mark.parametrize("times", [1, 2])
def test_an_answer_that_is_changed_changes_no_other(stubber, times):
    """Neither the code under test nor the test itself can spoil an answer or the history."""
    response = {"Transcript": [{"Id": "1"}]}
    for _ in range(3 - times):
        stubber.stub_get_transcript(response=response, times=times)
    response["Transcript"][0]["Id"] = "changed"
    for _ in range(2):
        answer = stubber.client.get_transcript(ConnectionToken="token")
        assert answer["Transcript"][0]["Id"] == "1"
        answer["Transcript"][0]["Id"] = "changed"
        answer["ResponseMetadata"]["HTTPHeaders"].clear()
        kept = stubber.calls[-1].result
        assert kept["Transcript"][0]["Id"] == "1"
        assert kept["ResponseMetadata"]["HTTPHeaders"]
        kept["Transcript"].clear()


def test_an_error_that_is_changed_changes_no_other(stubber):
    """The `response` of a ClientError belongs to who caught it."""
    stubber.stub_send_message(error_code="ThrottlingException", times=2)
    for _ in range(2):
        with pytest.raises(ClientError) as caught:
            say(stubber.client)
        assert caught.value.response["Error"]["Code"] == "ThrottlingException"
        caught.value.response["Error"].clear()


def swallowing(client):
    """Send a message as code does that takes every error for a missing network."""
    try:
        return say(client)
    except (BotoCoreError, ClientError):
        return None


def test_an_unexpected_call_is_not_caught_as_an_error_of_botocores(stubber):
    """`except (BotoCoreError, ClientError)` does not see it: it is the test that is wrong."""
    stubber.stub_send_message(Content="Bye")
    with pytest.raises(UnexpectedCallError) as caught:
        swallowing(stubber.client)
    assert isinstance(caught.value, AssertionError)
    assert not isinstance(caught.value, (BotoCoreError, ClientError))


@pytest.mark.parametrize("strict", [False, True])
def test_a_call_that_was_swallowed_still_fails_in_verify(client, strict):
    """Whatever caught the error, `verify` tells of the call, and so does the history."""
    stubber = ConnectParticipantStubber(client, strict=strict)
    stubber.activate()
    with pytest.raises((UnexpectedCallError, UnStubbedResponseError)) as caught:
        say(client)
    (made,) = stubber.calls
    assert made.result is caught.value
    for check in (stubber.verify, stubber.assert_no_unexpected_calls):
        with pytest.raises(
            UnexpectedCallError, match=r"^CallList were made without a stub, and the error"
        ):
            check()


def test_upstreams_methods_alone_raise_upstreams_errors(stubber):
    """Until a `stub_<operation>` is used, a test suite written for botocore's Stubber passes."""
    assert swallowing(stubber.client) is None
    with pytest.raises(UnStubbedResponseError):
        say(stubber.client)
    stubber.stub_send_message()
    say(stubber.client)
    with pytest.raises(UnexpectedCallError):
        say(stubber.client)


def test_strict_raises_from_the_start(client):
    """strict=True does for upstream's methods what the fixture does."""
    with pytest.raises(UnexpectedCallError), ConnectParticipantStubber(client, strict=True):
        swallowing(client)


def test_parameters_that_botocore_refuses_use_up_no_stub(stubber):
    """A call that never was one is not answered and not remembered."""
    stubber.stub_send_message()
    with pytest.raises(ParamValidationError):
        stubber.client.send_message(Content="Hello")
    assert stubber.calls == []
    say(stubber.client)


def test_a_block_ends_with_a_verification(client):
    """`with ConnectParticipantStubber(client) as stubber` fails where a stub was not used."""
    stubber = ConnectParticipantStubber(client)
    with pytest.raises(AssertionError, match="Not every stub was used"), stubber:
        stubber.stub_send_message()


def test_a_block_that_failed_is_not_masked(client):
    """The error that left the block is the one that is seen."""
    stubber = ConnectParticipantStubber(client)
    stubber.stub_send_message()
    with pytest.raises(KeyError), stubber:
        raise KeyError


def test_a_block_with_upstreams_methods_alone_ends_as_upstreams(client):
    """Botocore's Stubber leaves the check to the test, and so does a swapped-in one."""
    with ConnectParticipantStubber(client) as stubber:
        stubber.add_response("disconnect_participant", {})
    with pytest.raises(AssertionError, match=r"^1 responses remaining in queue\.$"):
        stubber.verify()


def test_a_block_that_failed_leaves_the_client_as_it_was(client):
    """After the block the client is not stubbed, whatever happened in it."""
    with pytest.raises(UnexpectedCallError), ConnectParticipantStubber(client, strict=True):
        say(client)
    with pytest.raises(ClientError, match="418"):
        say(client)


def test_a_second_stubber_on_a_client_is_refused(stubber):
    """Botocore's ignores the second one silently; the first one's stubs keep working here."""
    second = ConnectParticipantStubber(stubber.client)
    with pytest.raises(RuntimeError, match="another ConnectParticipantStubber is active"):
        second.activate()
    second.deactivate()
    stubber.stub_send_message(response={"Id": "message-1"})
    assert say(stubber.client) == "message-1"


def test_stubbers_follow_one_another_on_a_client(client):
    """When the first one is done, the next one takes over, with nothing of the first left."""
    for number in ("1", "2"):
        with ConnectParticipantStubber(client) as stubber:
            stubber.stub_send_message(response={"Id": number})
            assert say(client) == number


def test_stubbers_on_two_clients_do_not_disturb_each_other(stubber):
    """Each client has its own stubs, and one's deactivation leaves the other active."""
    other = attach_confirm.client("us-east-1")
    with ConnectParticipantStubber(other) as second:
        second.stub_send_message(response={"Id": "second"})
        stubber.stub_send_message(response={"Id": "first"}, times=2)
        assert (say(stubber.client), say(other)) == ("first", "second")
    assert say(stubber.client) == "first"


def test_botocores_stubber_beside_ours_takes_nothing_away(stubber):
    """A call that only one of the two expects is refused loudly; both can leave in any order."""
    stubber.stub_send_message(times=2)
    with Stubber(stubber.client), pytest.raises(UnStubbedResponseError):
        say(stubber.client)
    assert say(stubber.client)


@pytest.mark.parametrize("backwards", [False, True])
def test_many_threads_get_each_its_own_answer(unordered, backwards):
    """8 threads make calls with distinct parameters in any order, and none fails."""
    texts = [f"text {number}" for number in range(500 if backwards else 8 * 500)]
    for text in texts:
        unordered.stub_send_message(Content=text, response={"Id": text})
    asked = texts[::-1] if backwards else texts

    def ask(thread):
        mine = asked[thread::8]
        return [say(unordered.client, text) for text in mine] == mine

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(8)))
    assert sorted(made.result["Id"] for made in unordered.calls) == sorted(texts)
    unordered.verify()


def test_many_threads_share_a_stub(unordered):
    """A stub with times=100 answers 100 calls from 8 threads, and not one more."""
    unordered.stub_send_message(times=100)
    with ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(lambda _: say(unordered.client), range(100)))
    assert len(ids) == 100
    unordered.verify()
    with pytest.raises(UnexpectedCallError):
        say(unordered.client)


@pytest.mark.parametrize("stubs", [1, 2])
def test_a_stub_that_is_used_in_the_middle_of_a_call_is_not_used_twice(stubber, stubs):
    """A call made between another's parameters and its answer takes the stub from it."""
    for number in range(stubs):
        stubber.stub_send_message(response={"Id": str(number)})
    waiting = ["Inner"]

    def intrude(**_):
        if waiting:
            assert say(stubber.client, waiting.pop()) == "0"

    stubber.client.meta.events.register("before-endpoint-resolution", intrude)
    if stubs == 2:
        assert say(stubber.client) == "1"
    else:
        with pytest.raises(UnexpectedCallError, match="it was used up"):
            say(stubber.client)


def test_a_presigned_request_is_no_call(stubber):
    """Signing a URL sends nothing, so it needs no stub and leaves no trace."""
    stubber.stub_get_attachment()
    url = stubber.client.generate_presigned_url(
        "get_attachment", {"AttachmentId": "att-1", "ConnectionToken": "token"}
    )
    assert url.startswith("https://participant.connect.us-west-2.amazonaws.com/")
    assert stubber.calls == []
    stubber.client.get_attachment(AttachmentId="att-1", ConnectionToken="token")
    stubber.verify()


def test_another_services_client_has_no_stub_methods():
    """`stub_<operation>` on another service's client says that it cannot, and what can."""
    client = boto3.client("sqs", region_name="us-east-1", config=Config(signature_version=UNSIGNED))
    message = (
        "stub_<operation> is for connectparticipant clients, and this is one for sqs;"
        " use add_response"
    )
    with pytest.raises(TypeError, match=f"^{message}$"):
        ConnectParticipantStubber(client).stub_send_message()


def test_a_stubber_works_in_a_test_case_of_unittests():
    """The class needs no pytest: `setUp` activates it, `addCleanup` ends it."""

    class Case(unittest.TestCase):
        def setUp(self):
            self.stubber = ConnectParticipantStubber(attach_confirm.client("us-east-1"))
            self.stubber.activate()
            self.addCleanup(self.stubber.verify)
            self.addCleanup(self.stubber.deactivate)

        def test_used(self):
            self.stubber.stub_send_message(response={"Id": "message-1"})
            assert say(self.stubber.client) == "message-1"

        def test_unused(self):
            self.stubber.stub_send_message()

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Case).run(result)
    assert result.testsRun == 2
    ((case, trace), *others) = result.errors + result.failures
    assert others == []
    assert case.id().endswith("test_unused")
    assert "Not every stub was used" in trace


def test_history_has_each_call_with_its_parameters_and_result(stubber):
    """A test asks afterwards what was called, with the ClientToken as it went out."""
    stubber.stub_send_message(response={"Id": "message-1"})
    stubber.stub_send_event(error_code="ConflictException")
    say(stubber.client, ClientToken="client-token")
    with pytest.raises(ClientError) as caught:
        stubber.client.send_event(ContentType="typing", ConnectionToken="token")
    message, event = stubber.calls
    assert message.operation == "SendMessage"
    assert message.params == {
        "Content": "Hello",
        "ContentType": "text/plain",
        "ConnectionToken": "token",
        "ClientToken": "client-token",
    }
    assert message.result["Id"] == "message-1"
    assert UUID.fullmatch(event.params["ClientToken"])
    assert type(event.result) is type(caught.value)
    stubber.calls.assert_called_once_with("SendMessage", **message.params)
    stubber.calls.assert_has_calls([call.SendMessage(**message.params)])
    stubber.calls.assert_not_called("GetTranscript")


def test_history_does_not_change_with_the_codes_own_objects(stubber):
    """What the code under test does to its parameters after the call is not history."""
    stubber.stub_complete_attachment_upload()
    ids = ["att-1"]
    stubber.client.complete_attachment_upload(AttachmentIds=ids, ConnectionToken="token")
    ids.append("att-2")
    assert stubber.calls[0].params["AttachmentIds"] == ["att-1"]


def run(client):
    """Call every operation of the flow."""
    for operation in FLOW:
        invoke(client, operation)


@pytest.mark.parametrize("failure", failure_cases(*FLOW), ids=str)
def test_one_test_shows_that_each_failure_of_each_step_is_handled(stubber, failure):
    """Each case lets the steps before succeed, and fails one with one of its errors."""
    failure.stub(stubber, **({"ConnectionToken": "x" * 40} if failure.before else {}))
    with pytest.raises(getattr(stubber.client.exceptions, failure.error_code)):
        run(stubber.client)
    assert [made.operation for made in stubber.calls] == [*failure.before, failure.operation]
    stubber.verify()


def test_every_failure_is_each_error_of_each_step():
    """The cases are as many as the steps' errors, and have readable ids."""
    cases = failure_cases(*FLOW)
    assert [case.error_code for case in cases] == [
        code for operation in FLOW for code in modeled_errors(operation)
    ]
    assert str(cases[0]) == "CreateParticipantConnection-AccessDeniedException"
    assert "CompleteAttachmentUpload-ConflictException" in map(str, cases)


@pytest.mark.parametrize("operation", ["SendMesage", "send_message"])
@pytest.mark.parametrize("ask", [modeled_errors, failure_cases])
def test_a_misspelt_operation_has_no_errors(ask, operation):
    """A typo is told with the names that there are, not found in an empty list of cases."""
    with pytest.raises(ValueError, match=f"^'{operation}' is no operation; there are Cancel.*, Se"):
        ask(operation)
