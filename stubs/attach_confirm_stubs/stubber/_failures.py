"""Enumeration of modeled failures, for `pytest.mark.parametrize`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore import xform_name

from attach_confirm_stubs import _service_model
from attach_confirm_stubs.stubber import _put_object

if TYPE_CHECKING:
    from attach_confirm_stubs.stubber._stubber import ConnectParticipantStubber


def modeled_errors(operation: str) -> list[str]:
    """Return the code of every error that an operation declares.

    Args:
        operation: The operation's name in the API, for example `CompleteAttachmentUpload`.

    Raises:
        ValueError: `operation` is unknown.
    """
    _service_model.check_operation(operation)
    return _service_model.error_codes(operation)


@dataclass(frozen=True, slots=True)
class FailureCase:
    """A sequence of calls of which the last one fails.

    Attributes:
        before: The operations that succeed before the failure.
        operation: The operation that fails.
        error_code: The code of the error that the operation raises.
    """

    before: tuple[str, ...]
    operation: str
    error_code: str

    def __str__(self) -> str:
        return f"{self.operation}-{self.error_code}"

    def stub(self, stubber: ConnectParticipantStubber, **params: Any) -> None:
        """Stub the calls that succeed and the call that fails.

        Args:
            stubber: The stubber to add the stubs to.
            **params: Expected parameters of the call that fails.
        """
        for operation in self.before:
            getattr(stubber, f"stub_{xform_name(operation)}")()
        stub_failure = getattr(stubber, f"stub_{xform_name(self.operation)}")
        stub_failure(**params, error_code=self.error_code)


def failure_cases(*operations: str) -> list[FailureCase]:
    """Return one case for each error that each operation of a sequence declares.

    Args:
        *operations: The operations in the order in which they are called. `PutObject` is the PUT
            of `attach_confirm.upload`. It succeeds in the cases of later operations and does not
            add cases, because the service model does not declare errors for it.

    Returns:
        The cases, for `@pytest.mark.parametrize("failure", failure_cases(...), ids=str)`.

    Raises:
        ValueError: An operation is unknown.
    """
    return [
        FailureCase(operations[:index], operation, code)
        for index, operation in enumerate(operations)
        for code in ([] if operation == _put_object.OPERATION else modeled_errors(operation))
    ]
