"""`Call` and `CallList`, whose assertions must behave like those of `unittest.mock`."""

import re
from unittest.mock import ANY, Mock, call

import pytest

from attach_confirm_stubs import Call, CallList

OPERATIONS = ["SendEvent", "SendMessage"]
HELLO = {"Content": "Hello", "ConnectionToken": "connection-token"}
BYE = {"Content": "Bye", "ConnectionToken": "connection-token"}


@pytest.fixture
def calls():
    """Return two SendMessage calls with a SendEvent call between them."""
    return CallList(
        OPERATIONS,
        [
            Call("SendMessage", dict(HELLO), {"Id": "1"}),
            Call("SendEvent", {"ContentType": "typing"}, TimeoutError("a secret")),
            Call("SendMessage", dict(BYE), {"Id": "2"}),
        ],
    )


def as_mock(calls):
    """Return a mock that was called with the same calls."""
    mock = Mock()
    for recorded in calls:
        getattr(mock, recorded.operation)(**recorded.params)
    return mock


def passes(assertion, *args, **kwargs):
    """Return whether an assertion passes."""
    try:
        assertion(*args, **kwargs)
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    "name", ["assert_called_with", "assert_called_once_with", "assert_any_call"]
)
def test_assertions_about_params_agree_with_mock(calls, name, operation):
    mock_assertion = getattr(getattr(as_mock(calls), operation), name)
    for params in (HELLO, BYE, {"ContentType": "typing"}, {"Content": ANY}, {}):
        expected = passes(mock_assertion, **params)
        assert passes(getattr(calls, name), operation, **params) == expected, params


@pytest.mark.parametrize("name", ["assert_called", "assert_called_once", "assert_not_called"])
def test_assertions_about_count_agree_with_mock(calls, name):
    for count in range(4):
        first_calls = CallList(OPERATIONS, calls[:count])
        expected = passes(getattr(as_mock(first_calls).SendMessage, name))
        assert passes(getattr(first_calls, name), "SendMessage") == expected, count


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
def test_assert_has_calls_agrees_with_mock(calls, expected, any_order):
    passes_in_mock = passes(as_mock(calls).assert_has_calls, expected, any_order=any_order)
    assert passes(calls.assert_has_calls, expected, any_order=any_order) == passes_in_mock


def test_assert_has_calls_does_not_redact_its_argument(calls):
    expected = [call.SendMessage(**HELLO)]
    calls.assert_has_calls(expected)
    assert "connection-token" in repr(expected)


def test_assert_not_called_without_operation():
    CallList(OPERATIONS).assert_not_called()
    with pytest.raises(AssertionError, match="Expected 'SendMessage' to not have been called"):
        CallList(OPERATIONS, [Call("SendMessage", {}, None)]).assert_not_called()


def test_call_list_filters_by_operation(calls):
    messages = calls("SendMessage")
    assert [recorded.result["Id"] for recorded in messages] == ["1", "2"]
    messages.assert_not_called("SendEvent")


@pytest.mark.parametrize(
    "use",
    [
        lambda calls: calls("SendMesage"),
        lambda calls: calls.assert_not_called("SendMesage"),
        lambda calls: calls.assert_called_once_with("SendMesage"),
        lambda calls: calls.assert_has_calls([call.SendMesage()]),
    ],
)
def test_unknown_operation_is_rejected(calls, use):
    """Otherwise `assert_not_called` would pass for a misspelt operation."""
    message = "^unknown operation 'SendMesage'; choose one of SendEvent, SendMessage$"
    with pytest.raises(ValueError, match=message):
        use(calls)


def test_failed_assertion_shows_hashes_of_tokens(calls):
    """The hashes show whether two tokens are equal."""
    with pytest.raises(AssertionError) as caught:
        calls.assert_called_with("SendMessage", Content="Bye", ConnectionToken="another-token")
    assert re.search(
        r"Expected: SendMessage\(Content='Bye', ConnectionToken=<redacted 9e78>\)\n"
        r" *Actual: SendMessage\(Content='Bye', ConnectionToken=<redacted 1469>\)",
        str(caught.value),
    )


@pytest.mark.parametrize(
    ("result", "result_repr"),
    [
        ({"Id": "1"}, "{'Id': '1'}"),
        ({"ConnectionCredentials": {"ConnectionToken": "secret"}}, None),
        ({"UploadMetadata": {"Url": "https://bucket.example/?X-Amz-Signature=secret"}}, None),
        ({"Views": [{"ViewToken": "secret"}]}, None),
        (TimeoutError("secret"), "TimeoutError"),
    ],
)
def test_repr_redacts_secrets(result, result_repr):
    recorded = Call("SendMessage", {"Content": "Hello", "ConnectionToken": "secret"}, result)
    assert "secret" not in repr(recorded)
    assert repr(recorded).startswith("Call(SendMessage(Content='Hello', ConnectionToken=<redacted ")
    assert result_repr is None or repr(recorded).endswith(f") -> {result_repr})")
