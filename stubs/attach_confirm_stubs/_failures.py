"""Every way in which calls can fail, for `pytest.mark.parametrize`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore import xform_name

from attach_confirm_stubs import _model, _put

if TYPE_CHECKING:
    from attach_confirm_stubs._stubber import ConnectParticipantStubber


def modeled_errors(operation: str) -> list[str]:
    """Return the code of every error that an operation declares.

    Args:
        operation: The operation's name in the API, such as `CompleteAttachmentUpload`.

    Raises:
        ValueError: The service has no such operation.
    """
    known = _model.service_model().operation_names
    if operation not in known:
        raise ValueError(f"{operation!r} is no operation; there are {', '.join(sorted(known))}")
    return _model.errors(operation)


@dataclass(frozen=True, slots=True)
class Failure:
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


def every_failure(*operations: str) -> list[Failure]:
    """Return one case per step of a flow and error that the step declares.

    Args:
        *operations: The operations of the flow in their order. `PutObject` stands for the PUT
            of `attach_confirm.upload`: it succeeds in the cases of the steps after it, and has
            none of its own, for the service declares no errors of it.

    Returns:
        The cases, for `@pytest.mark.parametrize("failure", every_failure(...), ids=str)`.

    Raises:
        ValueError: The service has no such operation.
    """
    return [
        Failure(operations[:place], operation, code)
        for place, operation in enumerate(operations)
        for code in ([] if operation == _put.OPERATION else modeled_errors(operation))
    ]
