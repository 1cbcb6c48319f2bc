"""The functions `modeled_errors` and `failure_cases`."""

import pytest

from attach_confirm_stubs import failure_cases, modeled_errors
from tests.stubber.helpers import call_operation

OPERATIONS = ("CreateParticipantConnection", "StartAttachmentUpload", "CompleteAttachmentUpload")


def call_operations(client):
    """Call each of `OPERATIONS` once, in this order."""
    for operation in OPERATIONS:
        call_operation(client, operation)


@pytest.mark.parametrize("failure", failure_cases(*OPERATIONS), ids=str)
def test_failure_case_stubs_preceding_calls_and_failing_call(stubber, failure):
    failure.stub(stubber, **({"ConnectionToken": "x" * 40} if failure.before else {}))
    with pytest.raises(getattr(stubber.client.exceptions, failure.error_code)):
        call_operations(stubber.client)
    assert [call.operation for call in stubber.calls] == [*failure.before, failure.operation]
    stubber.verify()


def test_failure_cases_include_each_error_of_each_operation():
    cases = failure_cases(*OPERATIONS)
    assert [case.error_code for case in cases] == [
        code for operation in OPERATIONS for code in modeled_errors(operation)
    ]
    assert str(cases[0]) == "CreateParticipantConnection-AccessDeniedException"
    assert "CompleteAttachmentUpload-ConflictException" in map(str, cases)


def test_failure_cases_put_object_never_fails():
    cases = failure_cases("PutObject", "SendMessage")
    assert {(case.before, case.operation) for case in cases} == {(("PutObject",), "SendMessage")}


@pytest.mark.parametrize("function", [modeled_errors, failure_cases])
@pytest.mark.parametrize("operation", ["SendMesage", "send_message"])
def test_unknown_operation_is_rejected(function, operation):
    message = f"^unknown operation '{operation}'; choose one of Cancel.*, StartAttachmentUpload$"
    with pytest.raises(ValueError, match=message):
        function(operation)
