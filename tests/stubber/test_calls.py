"""The history of a double's calls, and its assertions, which mean what `unittest.mock`'s do."""

import re
from unittest.mock import ANY, Mock, call

import pytest

from attach_confirm_stubs import Call, CallList

OPERATIONS = ["SendEvent", "SendMessage"]
HELLO = {"Content": "Hello", "ConnectionToken": "connection-token"}
BYE = {"Content": "Bye", "ConnectionToken": "connection-token"}


@pytest.fixture
def calls():
    """Two messages with an event between them."""
    made = [
        Call("SendMessage", dict(HELLO), {"Id": "1"}),
        Call("SendEvent", {"ContentType": "typing"}, TimeoutError("a secret")),
        Call("SendMessage", dict(BYE), {"Id": "2"}),
    ]
    return CallList(OPERATIONS, made)


def replayed(calls):
    """Return a `unittest.mock` object that saw the same calls."""
    mock = Mock()
    for made in calls:
        getattr(mock, made.operation)(**made.params)
    return mock


def passes(assertion, *args, **kwargs):
    """Tell whether an assertion holds."""
    try:
        assertion(*args, **kwargs)
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("params", [HELLO, BYE, {"ContentType": "typing"}, {"Content": ANY}, {}])
@pytest.mark.parametrize(
    "name", ["assert_called_with", "assert_called_once_with", "assert_any_call"]
)
def test_an_assertion_about_parameters_means_what_mocks_means(calls, name, operation, params):
    """`calls.assert_x("SendMessage", ...)` holds where `mock.SendMessage.assert_x(...)` does."""
    theirs = getattr(getattr(replayed(calls), operation), name)
    assert passes(getattr(calls, name), operation, **params) == passes(theirs, **params)


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("name", ["assert_called", "assert_called_once", "assert_not_called"])
def test_an_assertion_about_the_number_means_what_mocks_means(calls, name, number):
    """Never, once and at least once are told apart as `unittest.mock` tells them apart."""
    some = CallList(OPERATIONS, calls[:number])
    theirs = getattr(replayed(some).SendMessage, name)
    assert passes(getattr(some, name), "SendMessage") == passes(theirs)


@pytest.mark.parametrize("any_order", [False, True])
@pytest.mark.parametrize(
    "expected",
    [
        [],
        [call.SendMessage(**HELLO)],
        [call.SendMessage(**HELLO), call.SendEvent(ContentType=ANY)],
        [call.SendEvent(ContentType=ANY), call.SendMessage(**HELLO)],
        [call.SendMessage(**HELLO), call.SendMessage(**BYE)],
        [call.SendMessage(**BYE), call.SendMessage(**BYE)],
        [call.SendMessage("Hello")],
    ],
)
def test_a_sequence_of_calls_means_what_mocks_means(calls, expected, any_order):
    """`assert_has_calls` wants one call right after the other, or with any_order each of them."""
    theirs = passes(replayed(calls).assert_has_calls, expected, any_order=any_order)
    assert passes(calls.assert_has_calls, expected, any_order=any_order) == theirs


def test_expected_calls_are_left_as_they_were(calls):
    """What a test gives to `assert_has_calls` it can use again, tokens included."""
    expected = [call.SendMessage(**HELLO)]
    calls.assert_has_calls(expected)
    assert "connection-token" in repr(expected)


def test_nothing_was_called_at_all():
    """`assert_not_called` without an operation is about all of them."""
    CallList(OPERATIONS).assert_not_called()
    with pytest.raises(AssertionError, match="Expected 'SendMessage' to not have been called"):
        CallList(OPERATIONS, [Call("SendMessage", {}, None)]).assert_not_called()


def test_the_calls_of_one_operation(calls):
    """`calls("SendMessage")` are its calls in their order, with the same assertions."""
    messages = calls("SendMessage")
    assert [made.result["Id"] for made in messages] == ["1", "2"]
    messages.assert_not_called("SendEvent")


@pytest.mark.parametrize(
    "ask",
    [
        lambda calls: calls("SendMesage"),
        lambda calls: calls.assert_not_called("SendMesage"),
        lambda calls: calls.assert_called_once_with("SendMesage"),
        lambda calls: calls.assert_has_calls([call.SendMesage()]),
    ],
)
def test_a_misspelt_operation_is_no_call_that_was_not_made(calls, ask):
    """An operation that does not exist is refused, so that no assertion holds for a typo."""
    message = "'SendMesage' is no operation; there are SendEvent, SendMessage"
    with pytest.raises(ValueError, match=re.escape(message)):
        ask(calls)


def test_a_failed_assertion_shows_no_token_but_that_it_differs(calls):
    """The message of a failed assertion hides tokens, and still tells two of them apart."""
    with pytest.raises(AssertionError) as caught:
        calls.assert_called_with("SendMessage", Content="Bye", ConnectionToken="another-token")
    assert re.search(
        r"Expected: SendMessage\(Content='Bye', ConnectionToken=<redacted 9e78>\)\n"
        r" *Actual: SendMessage\(Content='Bye', ConnectionToken=<redacted 1469>\)",
        str(caught.value),
    )


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        ({"Id": "1"}, "{'Id': '1'}"),
        ({"ConnectionCredentials": {"ConnectionToken": "secret"}}, None),
        ({"UploadMetadata": {"Url": "https://bucket.example/?X-Amz-Signature=secret"}}, None),
        ({"Views": [{"ViewToken": "secret"}]}, None),
        (TimeoutError("secret"), "TimeoutError"),
    ],
)
def test_a_call_is_shown_without_its_secrets(result, shown):
    """The `repr` of a call hides tokens and pre-signed URLs, those in its result included."""
    made = Call("SendMessage", {"Content": "Hello", "ConnectionToken": "secret"}, result)
    assert "secret" not in repr(made)
    assert repr(made).startswith("Call(SendMessage(Content='Hello', ConnectionToken=<redacted ")
    assert shown is None or repr(made).endswith(f") -> {shown})")
