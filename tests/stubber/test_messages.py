"""What a failed test is told: the call, the nearest stub, all stubs, what would allow it."""

import re

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.stub import ANY

import attach_confirm
from attach_confirm_stubs import ConnectParticipantStubber, UnexpectedCallError

# SHA-256 of the two tokens begins with these.
TOKEN, OTHER = "connection-token", "participant-token"
SHOWN, SHOWN_OTHER = "<redacted 1469>", "<redacted 434e>"


@pytest.fixture
def stubber(client):
    """An active, strict stubber."""
    made = ConnectParticipantStubber(client, strict=True)
    made.activate()
    yield made
    made.deactivate()


def confirm(client, attachment_id="att-1", **params):
    """Confirm an attachment, with a ClientToken that the messages can be compared with."""
    client.complete_attachment_upload(
        AttachmentIds=[attachment_id], ClientToken="once", ConnectionToken=TOKEN, **params
    )


def told(stubber, function=confirm, *args, **params):
    """Return what an unexpected call is told."""
    with pytest.raises(UnexpectedCallError) as caught:
        function(stubber.client, *args, **params)
    return str(caught.value)


def test_without_any_stub(stubber):
    """The call and the line that would allow it are enough where nothing is stubbed."""
    assert told(stubber) == (
        "No stub allows this call:\n"
        "  CompleteAttachmentUpload(AttachmentIds=['att-1'], ClientToken='once',"
        f" ConnectionToken={SHOWN})\n"
        "There are no stubs.\n"
        "To allow the call, add:\n"
        "  stubber.stub_complete_attachment_upload(AttachmentIds=['att-1'])"
    )


def test_with_parameters_that_differ(stubber):
    """Each parameter that differs is named with both values, a token by whether it differs."""
    stubber.stub_complete_attachment_upload(
        AttachmentIds=["att-2"], ClientToken="once", ConnectionToken=OTHER
    )
    assert told(stubber) == (
        "No stub allows this call:\n"
        "  CompleteAttachmentUpload(AttachmentIds=['att-1'], ClientToken='once',"
        f" ConnectionToken={SHOWN})\n"
        "Nearest is stub 1, but\n"
        "  AttachmentIds: stubbed ['att-2'], called with ['att-1']\n"
        f"  ConnectionToken: stubbed {SHOWN_OTHER}, called with {SHOWN}\n"
        "Stubs:\n"
        "  1. CompleteAttachmentUpload(AttachmentIds=['att-2'], ClientToken='once',"
        f" ConnectionToken={SHOWN_OTHER}): unused\n"
        "To allow the call, add before stub 1:\n"
        "  stubber.stub_complete_attachment_upload(AttachmentIds=['att-1'])"
    )


def test_with_a_stub_that_is_used_up(stubber):
    """A second call where one was stubbed is told how often the stub answers."""
    stubber.stub_complete_attachment_upload(AttachmentIds=["att-1"])
    confirm(stubber.client)
    assert told(stubber) == (
        "No stub allows this call:\n"
        "  CompleteAttachmentUpload(AttachmentIds=['att-1'], ClientToken='once',"
        f" ConnectionToken={SHOWN})\n"
        "Nearest is stub 1, but\n"
        "  it was used up (times=1)\n"
        "Stubs:\n"
        "  1. CompleteAttachmentUpload(AttachmentIds=['att-1']): used\n"
        "To allow the call, add:\n"
        "  stubber.stub_complete_attachment_upload(AttachmentIds=['att-1'])"
    )


def test_with_a_response_of_upstreams_that_is_used_up(stubber):
    """A stub of `add_response` that expects nothing is listed and compared like the others."""
    stubber.add_response("complete_attachment_upload", {})
    confirm(stubber.client)
    message = told(stubber)
    assert "Nearest is stub 1, but\n  it was used up (times=1)\n" in message
    assert "Stubs:\n  1. CompleteAttachmentUpload(): used\n" in message


def test_in_the_wrong_order(stubber):
    """A call that comes too early is told which stub comes first, and how to lift the order."""
    stubber.stub_start_attachment_upload(AttachmentName="a.pdf")
    stubber.stub_complete_attachment_upload()
    assert told(stubber) == (
        "No stub allows this call:\n"
        "  CompleteAttachmentUpload(AttachmentIds=['att-1'], ClientToken='once',"
        f" ConnectionToken={SHOWN})\n"
        "Nearest is stub 2, but\n"
        "  stub 1 comes before it (any_order=True lifts the order)\n"
        "Stubs:\n"
        "  1. StartAttachmentUpload(AttachmentName='a.pdf'): unused\n"
        "  2. CompleteAttachmentUpload(): unused\n"
        "To allow the call, add before stub 1:\n"
        "  stubber.stub_complete_attachment_upload(AttachmentIds=['att-1'])"
    )


def test_of_an_operation_that_is_not_stubbed(stubber):
    """Of another operation's stubs none is near; how far each was used is still told."""
    stubber.stub_send_message(times=2, optional=True)
    stubber.stub_send_event(times=2)
    stubber.stub_disconnect_participant(optional=True)
    stubber.client.send_event(ContentType="typing", ConnectionToken=TOKEN)
    assert told(stubber) == (
        "No stub allows this call:\n"
        "  CompleteAttachmentUpload(AttachmentIds=['att-1'], ClientToken='once',"
        f" ConnectionToken={SHOWN})\n"
        "No stub is for CompleteAttachmentUpload.\n"
        "Stubs:\n"
        "  1. SendMessage(): used 0 of 2 times, optional\n"
        "  2. SendEvent(): used 1 of 2 times\n"
        "  3. DisconnectParticipant(): unused, optional\n"
        "To allow the call, add before stub 2:\n"
        "  stubber.stub_complete_attachment_upload(AttachmentIds=['att-1'])"
    )


def test_with_a_parameter_missing_or_too_many(stubber):
    """What the call lacks, and what an exact stub does not allow, is named."""
    stubber.stub_get_transcript(MaxResults=ANY, ConnectionToken=TOKEN, exact_params=True)
    assert told(
        stubber, lambda client: client.get_transcript(ConnectionToken=TOKEN, NextToken="page-2")
    ) == (
        "No stub allows this call:\n"
        f"  GetTranscript(ConnectionToken={SHOWN}, NextToken='page-2')\n"
        "Nearest is stub 1, but\n"
        "  MaxResults: stubbed <ANY>, called without it\n"
        "  NextToken: called with 'page-2', and the stub takes exactly what it names\n"
        "Stubs:\n"
        f"  1. GetTranscript(MaxResults=<ANY>, ConnectionToken={SHOWN}): unused\n"
        "To allow the call, add before stub 1:\n"
        "  stubber.stub_get_transcript(NextToken='page-2')"
    )


def send(client, text="b"):
    """Send a message."""
    client.send_message(Content=text, ContentType="text/plain", ConnectionToken=TOKEN)


def test_the_nearest_is_the_unused_one_with_the_fewest_differences(client):
    """Of many stubs the one that differs least is compared; a used one only if none is left."""
    stubber = ConnectParticipantStubber(client, any_order=True)
    stubber.stub_send_message(ContentType="text/plain")
    stubber.stub_send_message(Content="a", ContentType="text/markdown")
    stubber.stub_send_message(Content="a", ContentType="text/plain")
    stubber.activate()
    send(client)
    message = told(stubber, send)
    assert "Nearest is stub 3, but\n  Content: stubbed 'a', called with 'b'\nStubs:" in message
    assert "\nTo allow the call, add:\n" in message


SITUATIONS = [
    [],
    ["stub_send_message(Content='a')"],
    ["stub_send_message(ConnectionToken='another')"],
    ["stub_send_message(Content='b', exact_params=True)"],
    ["stub_send_event()", "stub_send_message(Content='b')"],
    ["stub_send_event(optional=True)", "stub_send_event(times=2)"],
    ["add_response('send_message', {}, {'Content': 'b'})"],
]


def stubbing(stubs):
    """Return a new client and an active, strict stubber on it, with stubs given as code."""
    stubber = ConnectParticipantStubber(attach_confirm.client("us-east-1"), strict=True)
    for stub in stubs:
        eval(f"stubber.{stub}")
    stubber.activate()
    return stubber


@pytest.mark.parametrize("stubs", SITUATIONS)
def test_the_line_allows_the_call(stubs):
    """The last line of the message, put where it says, is all that the test needs."""
    message = told(stubbing(stubs), send)
    place, line = re.search(
        r"\nTo allow the call, add(?: before stub (\d+))?:\n  stubber\.(.+)\Z", message
    ).groups()
    allowing = list(stubs)
    allowing.insert(int(place) - 1 if place else len(stubs), line)
    stubber = stubbing(allowing)
    send(stubber.client)
    assert stubber.calls[0].result["Id"]


def test_of_another_service():
    """For another service's client the line is one of botocore's own methods."""
    client = boto3.client("sqs", region_name="us-east-1", config=Config(signature_version=UNSIGNED))
    with (
        pytest.raises(UnexpectedCallError) as caught,
        ConnectParticipantStubber(client, strict=True),
    ):
        client.send_message(QueueUrl="https://queue.example/1", MessageBody="Hello")
    assert str(caught.value) == (
        "No stub allows this call:\n"
        "  SendMessage(QueueUrl='https://queue.example/1', MessageBody='Hello')\n"
        "There are no stubs.\n"
        "To allow the call, add:\n"
        "  stubber.add_response('send_message', {...},"
        " {'QueueUrl': 'https://queue.example/1', 'MessageBody': 'Hello'})"
    )


def test_of_stubs_that_were_not_used(stubber):
    """The message lists all stubs, so that one sees how far the code under test came."""
    stubber.stub_start_attachment_upload(optional=True)
    stubber.stub_complete_attachment_upload(AttachmentIds=["att-1"], ConnectionToken=TOKEN)
    stubber.stub_get_transcript(times=3)
    confirm(stubber.client)
    stubber.client.get_transcript(ConnectionToken=TOKEN)
    with pytest.raises(AssertionError) as caught:
        stubber.verify()
    assert str(caught.value) == (
        "Not every stub was used.\n"
        "Stubs:\n"
        "  1. StartAttachmentUpload(): unused, optional\n"
        "  2. CompleteAttachmentUpload(AttachmentIds=['att-1'],"
        f" ConnectionToken={SHOWN}): used\n"
        "  3. GetTranscript(): used 1 of 3 times\n"
        "To allow that, give the stub optional=True."
    )


def test_of_calls_that_were_swallowed(stubber):
    """What the code under test caught is told in full, each call."""
    messages = [told(stubber), told(stubber, send)]
    with pytest.raises(UnexpectedCallError) as caught:
        stubber.verify()
    assert str(caught.value) == "\n\n".join(
        ["CallList were made without a stub, and the error was caught.", *messages]
    )


def test_no_message_holds_a_token(stubber):
    """Neither a token that was sent nor one that was stubbed stands in a message."""
    stubber.stub_complete_attachment_upload(ConnectionToken=OTHER)
    stubber.stub_create_participant_connection(ParticipantToken=OTHER, optional=True)
    messages = [told(stubber), repr(stubber.calls), repr(stubber.calls[0].params)]
    for check in (stubber.assert_no_pending_responses, stubber.assert_no_unexpected_calls):
        with pytest.raises(AssertionError) as caught:
            check()
        messages.append(str(caught.value))
    assert not re.search(f"{TOKEN}|{OTHER}", "".join(messages))
