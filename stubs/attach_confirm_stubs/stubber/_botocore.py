"""What botocore's own Stubber does, in its words, for a client of any service."""

from __future__ import annotations

from pprint import pformat
from typing import TYPE_CHECKING, Any

from botocore.exceptions import (
    ParamValidationError,
    StubAssertionError,
    StubResponseError,
    UnStubbedResponseError,
)
from botocore.validate import validate_parameters

from attach_confirm_stubs._redaction import redact
from attach_confirm_stubs.stubber._responses import StubbedResponse, snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from botocore.client import BaseClient
    from botocore.model import OperationModel, Shape

    from attach_confirm_stubs.stubber._stub import Params, Stub


def operation(client: BaseClient, method: str) -> OperationModel:
    """Return the operation that a client's method calls.

    Raises:
        ValueError: There is none.
    """
    meta: Any = client.meta
    if method not in meta.method_to_api_mapping:
        raise ValueError(f"Client {meta.service_model.service_name} does not have method: {method}")
    model: OperationModel = meta.service_model.operation_model(meta.method_to_api_mapping[method])
    return model


def response(model: OperationModel, service_response: Mapping[str, Any]) -> StubbedResponse:
    """Make the answer of `add_response`.

    Raises:
        ParamValidationError: It does not fit the operation's output.
    """
    members = {n: v for n, v in service_response.items() if n != "ResponseMetadata"}
    _validate(model.output_shape, members)
    return StubbedResponse(200, snapshot(service_response))


def client_error(
    model: OperationModel,
    error: Mapping[str, Any],
    metadata: Mapping[str, Any],
    fields: Mapping[str, Any] | None,
) -> StubbedResponse:
    """Make the answer of `add_client_error`.

    Raises:
        ParamValidationError: The fields do not fit the error.
    """
    if fields is not None:
        services: Any = model.service_model
        _validate(services.shape_for_error_code(error["Code"]), fields)
    parsed = {"ResponseMetadata": metadata, "Error": error, **(fields or {})}
    return StubbedResponse(metadata["HTTPStatusCode"], snapshot(parsed))


def refusal(operation_name: str, given: Params, waiting: Sequence[Stub]) -> StubResponseError:
    """Return the error that a call without a stub gets.

    Args:
        operation_name: The operation called.
        given: Its parameters.
        waiting: The stubs that could have answered it.
    """
    if not waiting:
        reason = (
            "Unexpected API Call: A call was made but no additional calls expected. Either the"
            " API Call was not stubbed or it was called multiple times."
        )
        return UnStubbedResponseError(operation_name=operation_name, reason=reason)
    same = [stub for stub in waiting if stub.operation == operation_name]
    if not same:
        reason = f"Operation mismatch: found response for {waiting[0].operation}."
        return StubResponseError(operation_name=operation_name, reason=reason)
    nearest = min(same, key=lambda stub: len(stub.differences(given, given)))
    wanted, received = pformat(redact(nearest.params or {})), pformat(redact(given))
    reason = f"Expected parameters:\n{wanted},\nbut received:\n{received}"
    return StubAssertionError(operation_name=operation_name, reason=reason)


def forget_account(builtins: dict[str, Any], **_: Any) -> None:
    """Keep botocore from looking for credentials where an endpoint depends on the account."""
    builtins["AWS::Auth::AccountId"] = None


def _validate(shape: Shape | None, members: Mapping[str, Any]) -> None:
    if shape is not None:
        validate_parameters(members, shape)
    elif members:
        raise ParamValidationError(report="Service response should only contain ResponseMetadata.")
