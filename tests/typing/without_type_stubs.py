"""A test module of a project without `types-boto3`, which mypy and pyright must accept.

pyright may report only uses of `.client`, so there are none here. Nothing runs this file.
"""

import re
from unittest.mock import ANY, call

import pytest

from attach_confirm_stubs import (
    Call,
    CallList,
    ConnectParticipantStubber,
    FailureCase,
    UnexpectedCallError,
    failure_cases,
    modeled_errors,
)


def test_stubs(connectparticipant_stubber: ConnectParticipantStubber) -> None:
    """Use the methods of the stubber and the recorded calls."""
    stubber = connectparticipant_stubber
    stubber.stub_send_message(Content=re.compile("a"), times=None, response={"Id": "1"})
    stubber.stub_send_message(Content=lambda text: text.startswith("a"), optional=True)
    stubber.stub_complete_attachment_upload(AttachmentIds=[ANY], error_code="ConflictException")
    stubber.stub_send_message(response=lambda params: {"Id": params["Content"]})
    stubber.stub_send_message(error=TimeoutError())
    stubber.stub_send_message(error_code="418", unmodeled=True)
    stubber.stub_get_transcript_pages([{"Id": "1"}], [], ContactId="contact-1")
    stubber.stub_put_object(Body=lambda body: len(body) > 3, ContentType=ANY)
    stubber.add_response("send_message", {"Id": "1"}, {"Content": ANY})
    with pytest.raises(UnexpectedCallError):
        stubber.verify()
    calls: CallList[Call] = stubber.calls
    calls.assert_has_calls([call.SendMessage(Content="Hello")], any_order=True)
    assert [recorded.params["Content"] for recorded in calls("SendMessage")] == ["Hello"]


@pytest.mark.parametrize("failure", failure_cases("SendMessage"), ids=str)
def test_failure(
    connectparticipant_stubber: ConnectParticipantStubber, failure: FailureCase
) -> None:
    """Stub a failure."""
    failure.stub(connectparticipant_stubber)
    assert failure.error_code in modeled_errors(failure.operation)


def test_every_client() -> None:
    """Stub every client."""
    with ConnectParticipantStubber.every_client(any_order=True, passthrough=True) as stubber:
        stubber.stub_send_message()
