"""`ConnectParticipantStubber`: matching, order, errors, strictness, threads, history."""

import re
import unittest
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import ANY as MOCK_ANY
from unittest.mock import call

import pytest
from botocore import xform_name
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ParamValidationError,
    ReadTimeoutError,
    StubAssertionError,
    StubResponseError,
    UnStubbedResponseError,
)
from botocore.stub import ANY, Stubber

import attach_confirm
from attach_confirm_stubs import (
    ConnectParticipantStubber,
    UnexpectedCallError,
    _service_model,
    modeled_errors,
)
from tests.stubber.helpers import (
    OPERATIONS,
    call_operation,
    send_message,
    send_message_suppressing_errors,
)

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Matching:
    """Equals every string that a pattern matches."""

    def __init__(self, pattern):
        self.pattern = re.compile(pattern)

    def __eq__(self, other):
        return bool(self.pattern.fullmatch(other))

    __hash__ = None


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"Content": "Hello", "ConnectionToken": "token", "ContentType": "text/plain"},
        {"Content": ANY},
        {"Content": MOCK_ANY, "ClientToken": ANY},
        {"Content": Matching("Hell?o")},
        {"ClientToken": Matching(UUID)},
    ],
)
def test_params_equal_match(stubber, params):
    stubber.stub_send_message(**params, response={"Id": "message-1"})
    assert send_message(stubber.client) == "message-1"
    stubber.verify()


@pytest.mark.parametrize(
    "params",
    [
        {"Content": "Bye"},
        {"Content": "Hello", "ConnectionToken": "another"},
        {"Content": Matching("Bye")},
        {"ClientToken": "client-token"},
    ],
)
def test_params_different_do_not_match(stubber, params):
    stubber.stub_send_message(**params)
    with pytest.raises(UnexpectedCallError):
        send_message(stubber.client)
    with pytest.raises(AssertionError, match="Not every stub was used"):
        stubber.assert_no_pending_responses()


def test_params_any_requires_the_parameter(stubber):
    stubber.stub_get_transcript(MaxResults=ANY)
    with pytest.raises(UnexpectedCallError, match="MaxResults: expected <ANY>, but the call does"):
        stubber.client.get_transcript(ConnectionToken="token")


def test_params_length_is_not_validated(stubber):
    """Only the fake enforces the lengths that the service model declares for parameters."""
    stubber.stub_send_message()
    send_message(stubber.client, "x" * 20000)
    stubber.verify()


def test_exact_params_rejects_other_parameters(stubber):
    params = {"Content": "Hello", "ContentType": "text/plain"}
    stubber.stub_send_message(**params, exact_params=True)
    with pytest.raises(UnexpectedCallError) as caught:
        send_message(stubber.client)
    assert "unexpected parameter ConnectionToken=" in str(caught.value)
    assert "unexpected parameter ClientToken=" not in str(caught.value)


def test_exact_params_ignores_generated_client_token(stubber):
    stubber.stub_disconnect_participant(ConnectionToken="token", exact_params=True)
    stubber.client.disconnect_participant(ConnectionToken="token")
    stubber.stub_disconnect_participant(ConnectionToken="token", exact_params=True)
    with pytest.raises(UnexpectedCallError):
        stubber.client.disconnect_participant(ConnectionToken="token", ClientToken="mine")


def test_client_token_of_confirm_is_recorded(stubber):
    stubber.stub_complete_attachment_upload(
        AttachmentIds=["att-1"], ClientToken=Matching(UUID), ConnectionToken="token"
    )
    confirmation = attach_confirm.confirm(stubber.client, "att-1", "token")
    assert stubber.calls[0].params["ClientToken"] == confirmation.client_token


def test_params_are_copied_when_stubbed_and_when_called(stubber):
    """Neither the test nor the code under test changes a stub or the history afterwards."""
    ids = ["att-1"]
    stubber.stub_complete_attachment_upload(AttachmentIds=ids)
    ids.append("att-2")
    sent_ids = ["att-1"]
    stubber.client.complete_attachment_upload(AttachmentIds=sent_ids, ConnectionToken="token")
    sent_ids.append("att-2")
    assert stubber.calls[0].params["AttachmentIds"] == ["att-1"]
    stubber.verify()


def test_order_is_that_of_the_stubs(stubber):
    stubber.stub_send_message(Content="a")
    stubber.stub_send_message(Content="b")
    with pytest.raises(UnexpectedCallError):
        send_message(stubber.client, "b")
    send_message(stubber.client, "a")
    send_message(stubber.client, "b")
    stubber.assert_no_pending_responses()


def test_any_order_uses_first_matching_stub(any_order_stubber):
    for text in "abc":
        any_order_stubber.stub_send_message(Content=text, response={"Id": text})
    any_order_stubber.stub_send_message(Content="a", response={"Id": "second"})
    client = any_order_stubber.client
    assert [send_message(client, text) for text in "caba"] == ["c", "a", "b", "second"]
    any_order_stubber.verify()


def test_any_order_botocore_error_describes_closest_stub(any_order_stubber):
    any_order_stubber.add_response("send_event", {})
    any_order_stubber.add_response("send_message", {}, {"Content": "Bye"})
    any_order_stubber.add_response("send_message", {}, {"Content": "Hello"})
    with pytest.raises(StubAssertionError, match=r"parameters:\n{'Content': 'Hello'}"):
        send_message(any_order_stubber.client)
    with pytest.raises(StubResponseError, match="found response for SendEvent"):
        any_order_stubber.client.get_transcript(ConnectionToken="token")


@pytest.mark.parametrize("texts", ["ac", "abc", "acb"])
def test_optional_stub_can_be_skipped(stubber, texts):
    """The calls before and after it keep their order, and the optional call may come last."""
    stubber.stub_send_message(Content="a")
    stubber.stub_send_message(Content="b", optional=True)
    stubber.stub_send_message(Content="c")
    for text in texts:
        send_message(stubber.client, text)
    stubber.verify()


def test_times_sets_the_number_of_calls(stubber):
    stubber.stub_send_message(response={"Id": "message-1"}, times=2)
    assert send_message(stubber.client) == "message-1"
    with pytest.raises(AssertionError, match="used 1 of 2 times"):
        stubber.assert_no_pending_responses()
    assert send_message(stubber.client) == "message-1"
    stubber.assert_no_pending_responses()
    with pytest.raises(UnexpectedCallError):
        send_message(stubber.client)


def test_times_of_optional_stub_is_a_maximum(stubber):
    stubber.stub_send_message(times=3, optional=True)
    send_message(stubber.client)
    stubber.verify()


@pytest.mark.parametrize("calls", [0, 1, 5])
def test_times_none_matches_any_number_of_calls(stubber, calls):
    """The stub keeps its place: calls before and after it keep their order."""
    stubber.stub_send_message(Content="a")
    stubber.stub_send_message(Content="b", times=None)
    stubber.stub_send_message(Content="c")
    send_message(stubber.client, "a")
    for _ in range(calls):
        send_message(stubber.client, "b")
    with pytest.raises(AssertionError, match="Not every stub was used"):
        stubber.verify()
    send_message(stubber.client, "c")
    send_message(stubber.client, "b")
    stubber.verify()


@pytest.mark.parametrize("times", [0, -1])
def test_times_below_one_is_rejected(stubber, times):
    with pytest.raises(ValueError, match=f"^times must be 1 or more, or None, not {times}$"):
        stubber.stub_send_message(times=times)


@pytest.mark.parametrize(
    ("operation", "code"), [(name, code) for name in OPERATIONS for code in modeled_errors(name)]
)
def test_error_code_raises_modeled_exception(stubber, operation, code):
    getattr(stubber, f"stub_{xform_name(operation)}")(error_code=code)
    with pytest.raises(getattr(stubber.client.exceptions, code)) as caught:
        call_operation(stubber.client, operation)
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


@pytest.mark.parametrize(
    "error", [ReadTimeoutError(endpoint_url="https://x"), KeyError("oops"), KeyboardInterrupt()]
)
def test_error_is_raised_with_a_new_traceback(stubber, error):
    """If the traceback were kept, each call that raises the same exception would extend it."""
    stubber.stub_send_message(error=error, times=2)
    lengths = []
    for _ in range(2):
        with pytest.raises(type(error)) as caught:
            send_message(stubber.client)
        assert caught.value is error
        lengths.append(len(caught.traceback))
    assert [call.result for call in stubber.calls] == [error, error]
    assert lengths[0] == lengths[1]


def test_response_callable_exception_is_recorded(stubber):
    def response(params):
        raise KeyError(params["Content"])

    stubber.stub_send_message(response=response)
    with pytest.raises(KeyError):
        send_message(stubber.client)
    assert [repr(call.result) for call in stubber.calls] == ["KeyError('Hello')"]


@pytest.mark.parametrize("response", ["Hello", [{"Id": "1"}], 5, ""])
def test_response_wrong_type_is_rejected(stubber, response):
    message = f"response must be a dict or a callable that returns one, not {response!r}"
    message = f"^{re.escape(message)}$"
    with pytest.raises(TypeError, match=message):
        stubber.stub_send_message(response=response)
    stubber.stub_send_message(response=lambda _: response)
    with pytest.raises(TypeError, match=message):
        send_message(stubber.client)


def test_response_callable_invalid_members_raise_assertion_error(stubber):
    """Code that handles every botocore error does not hide that the test is wrong."""
    stubber.stub_send_message(response=lambda _: {"Nonsense": 1})
    with pytest.raises(AssertionError, match="response= returned an invalid SendMessage response"):
        send_message_suppressing_errors(stubber.client)


def test_call_in_except_block_records_its_own_result(stubber):
    stubber.stub_send_message(error=TimeoutError())
    stubber.stub_send_message(response={"Id": "message-2"})
    try:
        send_message(stubber.client)
    except TimeoutError:
        send_message(stubber.client)
    assert stubber.calls[1].result["Id"] == "message-2"


def test_transcript_pages_are_linked(stubber):
    stubber.stub_get_transcript_pages(
        [{"Id": "1"}], [], [{"Id": "2"}, {"Id": "3"}], ConnectionToken="token"
    )
    ids, params = [], {}
    while True:
        page = stubber.client.get_transcript(ConnectionToken="token", **params)
        ids += [item["Id"] for item in page["Transcript"]]
        if "NextToken" not in page:
            break
        params = {"NextToken": page["NextToken"]}
    assert ids == ["1", "2", "3"]
    stubber.verify()


def test_transcript_pages_require_next_token(stubber):
    stubber.stub_get_transcript_pages([], [])
    stubber.client.get_transcript(ConnectionToken="token")
    with pytest.raises(UnexpectedCallError, match="NextToken: expected 'page-2', but the call"):
        stubber.client.get_transcript(ConnectionToken="token")


def test_transcript_pages_none_adds_no_stubs(stubber):
    stubber.stub_get_transcript_pages()
    stubber.verify()


def test_status_reads_later_transcript_pages(stubber):
    attachment = {"AttachmentId": "att-1", "Status": "REJECTED"}
    stubber.stub_get_transcript_pages([{"Attachments": []}], [{"Attachments": [attachment]}])
    assert attach_confirm.status(stubber.client, "att-1", "token") == "REJECTED"
    stubber.verify()


@pytest.mark.parametrize("times", [1, 2])
def test_responses_are_independent_copies(stubber, times):
    """Changing a response does not change another response or the history."""
    response = {"Transcript": [{"Id": "1"}]}
    for _ in range(3 - times):
        stubber.stub_get_transcript(response=response, times=times)
    response["Transcript"][0]["Id"] = "changed"
    for _ in range(2):
        returned = stubber.client.get_transcript(ConnectionToken="token")
        assert returned["Transcript"][0]["Id"] == "1"
        returned["Transcript"][0]["Id"] = "changed"
        returned["ResponseMetadata"]["HTTPHeaders"].clear()
        recorded = stubber.calls[-1].result
        assert recorded["Transcript"][0]["Id"] == "1"
        assert recorded["ResponseMetadata"]["HTTPHeaders"]
        recorded["Transcript"].clear()


def test_add_response_copies_the_response(stubber):
    response = {"Transcript": [{"Id": "1"}]}
    stubber.add_response("get_transcript", response)
    response["Transcript"][0]["Id"] = "2"
    stubber.add_response("get_transcript", response)
    responses = [stubber.client.get_transcript(ConnectionToken="token") for _ in range(2)]
    assert [response["Transcript"][0]["Id"] for response in responses] == ["1", "2"]


def test_add_client_error_copies_metadata(stubber):
    metadata = {"HTTPHeaders": {"a": "b"}}
    stubber.add_client_error("send_message", "ThrottlingException", response_meta=metadata)
    metadata["HTTPHeaders"].clear()
    with pytest.raises(ClientError) as caught:
        send_message(stubber.client)
    assert caught.value.response["ResponseMetadata"]["HTTPHeaders"] == {"a": "b"}


def test_error_responses_are_independent_copies(stubber):
    stubber.stub_send_message(error_code="ThrottlingException", times=2)
    for _ in range(2):
        with pytest.raises(ClientError) as caught:
            send_message(stubber.client)
        assert caught.value.response["Error"]["Code"] == "ThrottlingException"
        caught.value.response["Error"].clear()


def test_unexpected_call_is_not_caught_as_botocore_error(stubber):
    stubber.stub_send_message(Content="Bye")
    with pytest.raises(UnexpectedCallError) as caught:
        send_message_suppressing_errors(stubber.client)
    assert isinstance(caught.value, AssertionError)
    assert not isinstance(caught.value, (BotoCoreError, ClientError))


@pytest.mark.parametrize("strict", [False, True])
def test_verify_reports_suppressed_unexpected_call(client, strict):
    stubber = ConnectParticipantStubber(client, strict=strict)
    stubber.activate()
    with pytest.raises(UnexpectedCallError if strict else UnStubbedResponseError) as caught:
        send_message_suppressing_errors(client) if strict else send_message(client)
    assert [call.result for call in stubber.calls] == [caught.value]
    for check in (stubber.verify, stubber.assert_no_unexpected_calls):
        with pytest.raises(UnexpectedCallError, match=r"^The code under test made unexpected"):
            check()


def test_stub_method_makes_stubber_strict(stubber):
    """Until then it raises botocore's errors, so that tests for botocore's Stubber still pass."""
    assert send_message_suppressing_errors(stubber.client) is None
    stubber.stub_send_message()
    send_message(stubber.client)
    with pytest.raises(UnexpectedCallError):
        send_message_suppressing_errors(stubber.client)


def test_add_client_error_unknown_method_is_rejected(stubber):
    """Botocore's Stubber accepts this code."""
    Stubber(stubber.client).add_client_error("send_mesage")
    with pytest.raises(ValueError, match="does not have method: send_mesage"):
        stubber.add_client_error("send_mesage")


def test_invalid_call_does_not_use_stub(stubber):
    """A call that botocore's parameter validation rejects is not recorded either."""
    stubber.stub_send_message()
    with pytest.raises(ParamValidationError):
        stubber.client.send_message(Content="Hello")
    assert stubber.calls == []
    send_message(stubber.client)


def test_with_block_verifies_stubs(client):
    stubber = ConnectParticipantStubber(client)
    with pytest.raises(AssertionError, match="Not every stub was used"), stubber:
        stubber.stub_send_message()


def test_with_block_propagates_exception(client):
    """The report of unused stubs does not replace the exception that left the block."""
    stubber = ConnectParticipantStubber(client)
    stubber.stub_send_message()
    with pytest.raises(KeyError), stubber:
        raise KeyError
    with pytest.raises(ClientError, match="418"):
        send_message(client)


def test_with_block_of_botocore_methods_does_not_verify(client):
    """As with botocore's Stubber, the test must check for pending responses itself."""
    with ConnectParticipantStubber(client) as stubber:
        stubber.add_response("disconnect_participant", {})
    with pytest.raises(AssertionError, match=r"^1 responses remaining in queue\.$"):
        stubber.verify()


def test_second_stubber_on_client_is_rejected(stubber):
    """With botocore's class, a second stubber is silently ignored."""
    second = ConnectParticipantStubber(stubber.client)
    with pytest.raises(RuntimeError, match="another ConnectParticipantStubber is active"):
        second.activate()
    second.deactivate()
    stubber.stub_send_message(response={"Id": "message-1"})
    assert send_message(stubber.client) == "message-1"


def test_stubbers_can_follow_one_another_on_client(client):
    for number in ("1", "2"):
        with ConnectParticipantStubber(client) as stubber:
            stubber.stub_send_message(response={"Id": number})
            assert send_message(client) == number


def test_stubbers_on_two_clients_are_independent(stubber):
    other = attach_confirm.client("us-east-1")
    with ConnectParticipantStubber(other) as second:
        second.stub_send_message(response={"Id": "second"})
        stubber.stub_send_message(response={"Id": "first"}, times=2)
        assert (send_message(stubber.client), send_message(other)) == ("first", "second")
    assert send_message(stubber.client) == "first"


def test_botocore_stubber_on_same_client_leaves_ours_active(stubber):
    stubber.stub_send_message(times=2)
    with Stubber(stubber.client), pytest.raises(UnStubbedResponseError):
        send_message(stubber.client)
    assert send_message(stubber.client)


@pytest.mark.parametrize(
    ("method", "count", "backwards"),
    [("stub", 4000, False), ("stub", 500, True), ("add_response", 100, True)],
)
def test_any_order_matches_calls_from_many_threads(any_order_stubber, method, count, backwards):
    texts = [f"text {number}" for number in range(count)]
    for text in texts:
        if method == "stub":
            any_order_stubber.stub_send_message(Content=text, response={"Id": text})
        else:
            expected = {"Content": text, "ContentType": ANY, "ConnectionToken": ANY}
            any_order_stubber.add_response("send_message", {"Id": text}, expected)
    ordered = texts[::-1] if backwards else texts

    def send_messages(thread):
        share = ordered[thread::8]
        return [send_message(any_order_stubber.client, text) for text in share] == share

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(send_messages, range(8)))
    assert sorted(call.result["Id"] for call in any_order_stubber.calls) == sorted(texts)
    any_order_stubber.verify()


def test_times_counts_calls_from_many_threads(any_order_stubber):
    any_order_stubber.stub_send_message(times=100)
    with ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(lambda _: send_message(any_order_stubber.client), range(100)))
    assert len(ids) == 100
    any_order_stubber.verify()
    with pytest.raises(UnexpectedCallError):
        send_message(any_order_stubber.client)


@pytest.mark.parametrize("stubs", [1, 2])
def test_stub_used_by_a_nested_call_is_not_used_twice(stubber, stubs):
    """A call that is made while another is in progress uses that call's stub."""
    for number in range(stubs):
        stubber.stub_send_message(response={"Id": str(number)})
    pending_texts = ["nested"]

    def send_nested(**_):
        if pending_texts:
            assert send_message(stubber.client, pending_texts.pop()) == "0"

    stubber.client.meta.events.register("before-endpoint-resolution", send_nested)
    if stubs == 2:
        assert send_message(stubber.client) == "1"
    else:
        with pytest.raises(UnexpectedCallError, match="it is used up"):
            send_message(stubber.client)


def test_presigned_url_does_not_use_stub(stubber):
    stubber.stub_get_attachment()
    url = stubber.client.generate_presigned_url(
        "get_attachment", {"AttachmentId": "att-1", "ConnectionToken": "token"}
    )
    assert url.startswith("https://participant.connect.us-west-2.amazonaws.com/")
    assert stubber.calls == []
    stubber.client.get_attachment(AttachmentId="att-1", ConnectionToken="token")
    stubber.verify()


@pytest.mark.parametrize("method", ["stub_send_message", "stub_put_object"])
def test_stub_methods_require_connectparticipant_client(sqs_client, method):
    stubber = ConnectParticipantStubber(sqs_client)
    message = "stub_<operation> methods require a connectparticipant client, not sqs;"
    with pytest.raises(TypeError, match=f"^{message} use add_response$"):
        getattr(stubber, method)()
    with pytest.raises(ValueError, match="unknown operation 'PutObject'"):
        stubber.calls.assert_not_called("PutObject")


def test_stubber_works_in_unittest_test_case():
    class Case(unittest.TestCase):
        def setUp(self):
            self.stubber = ConnectParticipantStubber(attach_confirm.client("us-east-1"))
            self.stubber.activate()
            self.addCleanup(self.stubber.verify)
            self.addCleanup(self.stubber.deactivate)

        def test_used(self):
            self.stubber.stub_send_message(response={"Id": "message-1"})
            assert send_message(self.stubber.client) == "message-1"

        def test_unused(self):
            self.stubber.stub_send_message()

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Case).run(result)
    assert result.testsRun == 2
    ((case, traceback),) = result.errors + result.failures
    assert case.id().endswith("test_unused")
    assert "Not every stub was used" in traceback


def test_calls_record_params_and_results(stubber):
    stubber.stub_send_message(response={"Id": "message-1"})
    stubber.stub_send_event(error_code="ConflictException")
    send_message(stubber.client, ClientToken="client-token")
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
