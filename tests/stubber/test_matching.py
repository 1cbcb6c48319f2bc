"""Parameters that match by `==`, by regular expression or by predicate, and the messages."""

import functools
import operator
import re
from unittest.mock import ANY as MOCK_ANY

import pytest
from botocore.stub import ANY

import attach_confirm
from attach_confirm_stubs import ConnectParticipantStubber, UnexpectedCallError
from tests.stubber.helpers import send_message

LONG = "".join(f"line {number}\n" for number in range(2000))


def is_short(text):
    """Return whether a text is short."""
    return len(text) < 10


@pytest.mark.parametrize(
    "params",
    [
        {"Content": re.compile("ell")},
        {"Content": re.compile("^hello$", re.IGNORECASE), "ContentType": "text/plain"},
        {"Content": is_short},
        {"Content": str.istitle},
        {"Content": functools.partial(operator.eq, "Hello")},
        {
            "Content": lambda text: text.startswith("H"),
            "ClientToken": re.compile("^[0-9a-f-]{36}$"),
        },
        {"ConnectionToken": re.compile("ok")},
    ],
)
def test_matcher_accepts_call(stubber, params):
    stubber.stub_send_message(**params)
    send_message(stubber.client)
    stubber.verify()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"Content": re.compile("^ell")},
            "Content: expected a match of re.compile('^ell'), got 'Hello'",
        ),
        (
            {"Content": re.compile(b"ell")},
            "Content: expected a match of re.compile(b'ell'), got 'Hello'",
        ),
        (
            {"Content": str.isdigit},
            "Content: expected a value that satisfies <predicate isdigit>, got 'Hello'",
        ),
        (
            {"Content": functools.partial(operator.eq, "secret")},
            "Content: expected a value that satisfies <predicate partial>, got 'Hello'",
        ),
        ({"Content": str}, "Content: expected <class 'str'>, got 'Hello'"),
        ({"Content": {"a": 1}}, "Content: expected {'a': 1}, got 'Hello'"),
        ({"Content": ["Hello"]}, "Content: expected ['Hello'], got 'Hello'"),
        (
            {"ConnectionToken": re.compile("^ok")},
            "ConnectionToken: expected a match of <redacted fc59>, got <redacted 3c46>",
        ),
        (
            {"ConnectionToken": str.isdigit},
            (
                "ConnectionToken: expected a value that satisfies <predicate isdigit>,"
                " got <redacted 3c46>"
            ),
        ),
    ],
)
def test_matcher_rejects_call(stubber, params, message):
    stubber.stub_send_message(**params)
    with pytest.raises(UnexpectedCallError) as caught:
        send_message(stubber.client)
    assert f"\n  {message}\nStubs:" in str(caught.value)


def test_predicate_message_names_file_and_line(stubber):
    stubber.stub_send_message(Content=lambda text: not is_short(text))
    with pytest.raises(UnexpectedCallError) as caught:
        send_message(stubber.client)
    line = rf"<predicate <lambda> at {re.escape(__file__)}:\d+>"
    assert re.search(
        f"Content: expected a value that satisfies {line}, got 'Hello'\n", str(caught.value)
    )
    assert re.search(rf"1\. SendMessage\(Content={line}\): unused\n", str(caught.value))


@pytest.mark.parametrize(
    "position",
    [
        {"Id": re.compile("^item-")},
        {"Id": lambda text: text.endswith("1")},
        {"Id": ANY},
        {"Id": MOCK_ANY},
        lambda position: position.keys() == {"Id"},
    ],
)
def test_nested_matcher_accepts_call(stubber, position):
    stubber.stub_get_transcript(StartPosition=position)
    stubber.client.get_transcript(ConnectionToken="token", StartPosition={"Id": "item-1"})
    stubber.verify()


@pytest.mark.parametrize(
    ("position", "message"),
    [
        (
            {"Id": re.compile("^message-")},
            "StartPosition.Id: expected a match of re.compile('^message-'), got 'item-1'",
        ),
        (
            {"Id": ANY, "MostRecent": 1},
            "StartPosition: expected {'Id': <ANY>, 'MostRecent': 1}, got {'Id': 'item-1'}",
        ),
        (
            {"MostRecent": str.isdigit},
            "StartPosition: expected {'MostRecent': <predicate isdigit>}, got {'Id': 'item-1'}",
        ),
        ("item-1", "StartPosition: expected 'item-1', got {'Id': 'item-1'}"),
    ],
)
def test_nested_matcher_rejects_call(stubber, position, message):
    stubber.stub_get_transcript(StartPosition=position)
    with pytest.raises(UnexpectedCallError) as caught:
        stubber.client.get_transcript(ConnectionToken="token", StartPosition={"Id": "item-1"})
    assert f"\n  {message}\nStubs:" in str(caught.value)


def complete(client, *ids):
    """Confirm attachments."""
    client.complete_attachment_upload(AttachmentIds=list(ids), ConnectionToken="token")


def test_list_items_are_matched_one_by_one(stubber):
    stubber.stub_complete_attachment_upload(
        AttachmentIds=["a", re.compile("^b"), str.isupper], times=2
    )
    complete(stubber.client, "a", "bb", "C")
    with pytest.raises(UnexpectedCallError) as caught:
        complete(stubber.client, "x", "bb", "c")
    assert (
        "\n  AttachmentIds[0]: expected 'a', got 'x'\n"
        "  AttachmentIds[2]: expected a value that satisfies <predicate isupper>, got 'c'\nStubs:"
    ) in str(caught.value)
    with pytest.raises(UnexpectedCallError) as caught:
        complete(stubber.client, "a", "b")
    assert (
        "  AttachmentIds: expected ['a', re.compile('^b'), <predicate isupper>], got ['a', 'b']"
    ) in str(caught.value)


def test_missing_parameter_is_not_passed_to_predicate(stubber):
    stubber.stub_get_transcript(NextToken=re.compile("a"), MaxResults=lambda number: number > 1)
    with pytest.raises(UnexpectedCallError) as caught:
        stubber.client.get_transcript(ConnectionToken="token")
    assert (
        "  NextToken: expected a match of re.compile('a'), but the call does not pass it\n"
        "  MaxResults: expected a value that satisfies <predicate <lambda> at "
    ) in str(caught.value)


def test_exception_of_predicate_is_raised(stubber):
    stubber.stub_send_message(Content=lambda text: text["nonsense"])
    with pytest.raises(TypeError, match="string indices must be integers"):
        send_message(stubber.client)


def test_add_response_accepts_matchers(stubber):
    params = {"Content": re.compile("x"), "ContentType": ANY, "ConnectionToken": str.islower}
    stubber.add_response("send_message", {"Id": "1"}, params)
    with pytest.raises(AssertionError) as caught:
        send_message(stubber.client)
    assert "'ConnectionToken': <predicate islower>,\n 'Content': re.compile('x')" in str(
        caught.value
    )
    assert send_message(stubber.client, "xyz") == "1"


def test_put_object_accepts_matchers(stubber):
    stubber.stub_start_attachment_upload(times=None)
    stubber.stub_put_object(Body=re.compile(rb"^%PDF"), ContentType=re.compile("pdf$"))
    stubber.stub_complete_attachment_upload()
    attach_confirm.upload(stubber.client, b"%PDF-1.4", "token", name="a.pdf")
    stubber.verify()
    stubber.stub_put_object(Body=lambda body: len(body) < 3)
    with pytest.raises(
        UnexpectedCallError, match=r"Body: expected a value that satisfies .*, got b'%PDF'\n"
    ):
        attach_confirm.upload(stubber.client, b"%PDF", "token", name="a.pdf")


@pytest.mark.parametrize("exact_params", [False, True])
def test_long_values_are_shortened(client, exact_params):
    """A message shows long texts from where they differ, and suggests code without them."""
    other = LONG.replace("line 1500\n", "line 15oo\n")
    stubber = ConnectParticipantStubber(client)
    stubber.stub_send_message(Content=other, optional=True, exact_params=exact_params)
    with pytest.raises(UnexpectedCallError) as caught, stubber:
        send_message(client, LONG)
    message = str(caught.value)
    start = LONG.index("00\nline 1501") - 20
    assert f"Content: expected {other[start : start + 50]!r}"[:-1] in message
    assert f", got {LONG[start : start + 50]!r}"[:-1] in message
    assert f" from character {start}\n" in message
    assert len(message) < 2500
    assert message.endswith("\n  stubber.stub_send_message(ContentType='text/plain')")


@pytest.mark.parametrize("actual", ["x" * 5000, "x" * 5000 + "y", "y" + "x" * 5000])
def test_long_values_with_common_start_or_end_are_shortened(client, actual):
    stubber = ConnectParticipantStubber(client)
    stubber.stub_send_message(Content="x" * 5001, optional=True)
    with pytest.raises(UnexpectedCallError) as caught, stubber:
        send_message(client, actual)
    assert len(str(caught.value)) < 2000


def test_long_unexpected_parameter_is_shortened(client):
    stubber = ConnectParticipantStubber(client)
    stubber.stub_send_message(exact_params=True, optional=True)
    with pytest.raises(UnexpectedCallError) as caught, stubber:
        send_message(client, LONG)
    assert len(str(caught.value)) < 2000


def test_long_secrets_are_not_shown(client):
    """The position of a difference would show how much of a guessed token is right."""
    stubber = ConnectParticipantStubber(client)
    stubber.stub_send_message(ConnectionToken="t" * 500, optional=True)
    with pytest.raises(UnexpectedCallError) as caught, stubber:
        send_message(client, ConnectionToken="t" * 499)
    assert re.search(
        r"ConnectionToken: expected <redacted \w{4}>, got <redacted \w{4}>\n", str(caught.value)
    )


def test_short_values_are_shown_completely(stubber):
    stubber.stub_send_message(Content="x" * 50 + "a")
    with pytest.raises(UnexpectedCallError, match=f"expected '{'x' * 50}a', got '{'x' * 50}b'\n"):
        send_message(stubber.client, "x" * 50 + "b")
