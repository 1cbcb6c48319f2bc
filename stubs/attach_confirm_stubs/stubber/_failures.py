"""Every way in which calls can fail, for `pytest.mark.parametrize`."""

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
        operation: The operation's name in the API, such as `CompleteAttachmentUpload`.

    Raises:
        ValueError: The service has no such operation.
    """
    known = _service_model.service_model().operation_names
    if operation not in known:
        raise ValueError(f"{operation!r} is no operation; there are {', '.join(sorted(known))}")
    return _service_model.error_codes(operation)


@dataclass(frozen=True, slots=True)
class FailureCase:
    """One way in which a flow of calls fails.

    Attributes:
        before: The operations that succeed before.
        operation: The operation that fails.
        error_code: The error that it fails with.
    """

    before: tuple[str, ...]
    operation: str
    error_code: str

    def __str__(self) -> str:
        return f"{self.operation}-{self.error_code}"

    def stub(self, stubber: ConnectParticipantStubber, **params: Any) -> None:
        """Stub the calls that succeed, and the one that fails.

        Args:
            stubber: Where to stub them.
            **params: Named parameters of the call that fails.
        """
        for operation in self.before:
            getattr(stubber, f"stub_{xform_name(operation)}")()
        failing = getattr(stubber, f"stub_{xform_name(self.operation)}")
        failing(**params, error_code=self.error_code)


def failure_cases(*operations: str) -> list[FailureCase]:
    """Return one case per step of a flow and error that the step declares.

    Args:
        *operations: The operations of the flow in their order. `PutObject` stands for the PUT
            of `attach_confirm.upload`: it succeeds in the cases of the steps after it, and has
            none of its own, for the service declares no errors of it.

    Returns:
        The cases, for `@pytest.mark.parametrize("failure", failure_cases(...), ids=str)`.

    Raises:
        ValueError: The service has no such operation.
    """
    return [
        FailureCase(operations[:place], operation, code)
        for place, operation in enumerate(operations)
        for code in ([] if operation == _put_object.OPERATION else modeled_errors(operation))
    ]
