"""The stubber's messages about unexpected calls and unused stubs."""

import re

import pytest
from botocore.stub import ANY

import attach_confirm
from attach_confirm_stubs import ConnectParticipantStubber, UnexpectedCallError

# The SHA-256 hashes of the two tokens start with these digits.
TOKEN, OTHER_TOKEN = "connection-token", "participant-token"
REDACTED, OTHER_REDACTED = "<redacted 1469>", "<redacted 434e>"
UNEXPECTED_CONFIRM = (
    "Unexpected call:\n"
    "  CompleteAttachmentUpload(AttachmentIds=['att-1'], ClientToken='once',"
    f" ConnectionToken={REDACTED})\n"
)
STUB_CONFIRM = "  stubber.stub_complete_attachment_upload(AttachmentIds=['att-1'])"


@pytest.fixture
def stubber(client):
    """Return an active stubber that is strict from the start."""
    stubber = ConnectParticipantStubber(client, strict=True)
    stubber.activate()
    yield stubber
    stubber.deactivate()


def confirm(client):
    """Confirm an attachment with a fixed ClientToken."""
    client.complete_attachment_upload(
        AttachmentIds=["att-1"], ClientToken="once", ConnectionToken=TOKEN
    )


def send_message(client):
    """Send a message."""
    client.send_message(Content="b", ContentType="text/plain", ConnectionToken=TOKEN)


def unexpected_message(stubber, make_call=confirm):
    """Return the message of an unexpected call."""
    with pytest.raises(UnexpectedCallError) as caught:
        make_call(stubber.client)
    return str(caught.value)


def test_unexpected_call_without_stubs(stubber):
    assert unexpected_message(stubber) == (
        f"{UNEXPECTED_CONFIRM}Nothing is stubbed.\nTo allow the call, add:\n{STUB_CONFIRM}"
    )


def test_unexpected_call_with_different_params(stubber):
    stubber.stub_complete_attachment_upload(
        AttachmentIds=["att-2"], ClientToken="once", ConnectionToken=OTHER_TOKEN
    )
    assert unexpected_message(stubber) == (
        f"{UNEXPECTED_CONFIRM}"
        "The closest match is stub 1, but:\n"
        "  AttachmentIds[0]: expected 'att-2', got 'att-1'\n"
        f"  ConnectionToken: expected {OTHER_REDACTED}, got {REDACTED}\n"
        "Stubs:\n"
        "  1. CompleteAttachmentUpload(AttachmentIds=['att-2'], ClientToken='once',"
        f" ConnectionToken={OTHER_REDACTED}): unused\n"
        f"To allow the call, add before stub 1:\n{STUB_CONFIRM}"
    )


def test_unexpected_call_with_missing_and_unexpected_params(stubber):
    stubber.stub_get_transcript(MaxResults=ANY, ConnectionToken=TOKEN, exact_params=True)
    assert unexpected_message(
        stubber, lambda client: client.get_transcript(ConnectionToken=TOKEN, NextToken="page-2")
    ) == (
        "Unexpected call:\n"
        f"  GetTranscript(ConnectionToken={REDACTED}, NextToken='page-2')\n"
        "The closest match is stub 1, but:\n"
        "  MaxResults: expected <ANY>, but the call does not pass it\n"
        "  unexpected parameter NextToken='page-2'\n"
        "Stubs:\n"
        f"  1. GetTranscript(MaxResults=<ANY>, ConnectionToken={REDACTED}): unused\n"
        "To allow the call, add before stub 1:\n"
        "  stubber.stub_get_transcript(NextToken='page-2')"
    )


def test_unexpected_call_with_used_stub(stubber):
    stubber.stub_complete_attachment_upload(AttachmentIds=["att-1"])
    confirm(stubber.client)
    assert unexpected_message(stubber) == (
        f"{UNEXPECTED_CONFIRM}"
        "The closest match is stub 1, but:\n"
        "  it is used up (times=1)\n"
        "Stubs:\n"
        "  1. CompleteAttachmentUpload(AttachmentIds=['att-1']): used\n"
        f"To allow the call, add:\n{STUB_CONFIRM}"
    )


def test_unexpected_call_with_used_add_response(stubber):
    """The stub of `add_response` has no expected parameters."""
    stubber.add_response("complete_attachment_upload", {})
    confirm(stubber.client)
    assert unexpected_message(stubber) == (
        f"{UNEXPECTED_CONFIRM}"
        "The closest match is stub 1, but:\n"
        "  it is used up (times=1)\n"
        "Stubs:\n"
        "  1. CompleteAttachmentUpload(): used\n"
        f"To allow the call, add:\n{STUB_CONFIRM}"
    )


def test_unexpected_call_out_of_order(stubber):
    stubber.stub_start_attachment_upload(AttachmentName="a.pdf")
    stubber.stub_complete_attachment_upload()
    assert unexpected_message(stubber) == (
        f"{UNEXPECTED_CONFIRM}"
        "The closest match is stub 2, but:\n"
        "  stub 1 must be used first; pass any_order=True to ignore the order\n"
        "Stubs:\n"
        "  1. StartAttachmentUpload(AttachmentName='a.pdf'): unused\n"
        "  2. CompleteAttachmentUpload(): unused\n"
        f"To allow the call, add before stub 1:\n{STUB_CONFIRM}"
    )


def test_unexpected_call_of_operation_without_stubs(stubber):
    stubber.stub_send_message(times=2, optional=True)
    stubber.stub_send_event(times=2)
    stubber.stub_disconnect_participant(optional=True)
    stubber.client.send_event(ContentType="typing", ConnectionToken=TOKEN)
    assert unexpected_message(stubber) == (
        f"{UNEXPECTED_CONFIRM}"
        "CompleteAttachmentUpload is not stubbed.\n"
        "Stubs:\n"
        "  1. SendMessage(): used 0 of 2 times, optional\n"
        "  2. SendEvent(): used 1 of 2 times\n"
        "  3. DisconnectParticipant(): unused, optional\n"
        f"To allow the call, add before stub 2:\n{STUB_CONFIRM}"
    )


def test_closest_stub_is_unused_and_has_fewest_mismatches(client):
    stubber = ConnectParticipantStubber(client, any_order=True)
    stubber.stub_send_message(ContentType="text/plain")
    stubber.stub_send_message(Content="a", ContentType="text/markdown")
    stubber.stub_send_message(Content="a", ContentType="text/plain")
    stubber.activate()
    send_message(client)
    message = unexpected_message(stubber, send_message)
    assert "match is stub 3, but:\n  Content: expected 'a', got 'b'\nStubs:" in message
    assert "\nTo allow the call, add:\n" in message


def activate_with_stubs(stubs):
    """Return an active, strict stubber on a new client, with stubs from lines of code."""
    stubber = ConnectParticipantStubber(attach_confirm.client("us-east-1"), strict=True)
    for stub in stubs:
        eval(f"stubber.{stub}")
    stubber.activate()
    return stubber


@pytest.mark.parametrize(
    "stubs",
    [
        [],
        ["stub_send_message(Content='a')"],
        ["stub_send_message(ConnectionToken='another')"],
        ["stub_send_message(Content='b', exact_params=True)"],
        ["stub_send_event()", "stub_send_message(Content='b')"],
        ["stub_send_event(optional=True)", "stub_send_event(times=2)"],
        ["add_response('send_message', {}, {'Content': 'b'})"],
    ],
)
def test_suggested_code_allows_the_call(stubs):
    message = unexpected_message(activate_with_stubs(stubs), send_message)
    number, line = re.search(
        r"\nTo allow the call, add(?: before stub (\d+))?:\n  stubber\.(.+)\Z", message
    ).groups()
    stubs = list(stubs)
    stubs.insert(int(number) - 1 if number else len(stubs), line)
    stubber = activate_with_stubs(stubs)
    send_message(stubber.client)
    assert stubber.calls[0].result["Id"]


def test_unexpected_call_of_other_service_suggests_add_response(sqs_client):
    with (
        pytest.raises(UnexpectedCallError) as caught,
        ConnectParticipantStubber(sqs_client, strict=True),
    ):
        sqs_client.send_message(QueueUrl="https://queue.example/1", MessageBody="Hello")
    assert str(caught.value) == (
        "Unexpected call:\n"
        "  SendMessage(QueueUrl='https://queue.example/1', MessageBody='Hello')\n"
        "Nothing is stubbed.\n"
        "To allow the call, add:\n"
        "  stubber.add_response('send_message', {...},"
        " {'QueueUrl': 'https://queue.example/1', 'MessageBody': 'Hello'})"
    )


def test_unused_stubs_are_listed(stubber):
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
        f" ConnectionToken={REDACTED}): used\n"
        "  3. GetTranscript(): used 1 of 3 times\n"
        "To allow an unused stub, pass optional=True to it."
    )


def test_suppressed_calls_are_listed(stubber):
    messages = [unexpected_message(stubber), unexpected_message(stubber, send_message)]
    with pytest.raises(UnexpectedCallError) as caught:
        stubber.verify()
    assert str(caught.value) == "\n\n".join(
        ["The code under test made unexpected calls and caught the errors.", *messages]
    )


def test_messages_do_not_contain_tokens(stubber):
    stubber.stub_complete_attachment_upload(ConnectionToken=OTHER_TOKEN)
    stubber.stub_create_participant_connection(ParticipantToken=OTHER_TOKEN, optional=True)
    messages = [
        unexpected_message(stubber),
        repr(stubber.calls),
        repr(stubber.calls[0].params),
    ]
    for check in (stubber.assert_no_pending_responses, stubber.assert_no_unexpected_calls):
        with pytest.raises(AssertionError) as caught:
            check()
        messages.append(str(caught.value))
    assert not re.search(f"{TOKEN}|{OTHER_TOKEN}", "".join(messages))
