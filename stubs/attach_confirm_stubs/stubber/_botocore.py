"""The behaviour and messages of botocore's Stubber, for a client of any service."""

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
from attach_confirm_stubs.stubber import _matching
from attach_confirm_stubs.stubber._responses import StubbedResponse, deep_copy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from botocore.client import BaseClient
    from botocore.model import OperationModel, Shape

    from attach_confirm_stubs.stubber._stub import Params, Stub


def operation_for_method(client: BaseClient, method: str) -> OperationModel:
    """Return the model of the operation that a client method calls.

    Raises:
        ValueError: The client does not have the method.
    """
    meta: Any = client.meta
    if method not in meta.method_to_api_mapping:
        raise ValueError(f"Client {meta.service_model.service_name} does not have method: {method}")
    model: OperationModel = meta.service_model.operation_model(meta.method_to_api_mapping[method])
    return model


def stubbed_response(model: OperationModel, service_response: Mapping[str, Any]) -> StubbedResponse:
    """Build the response for `add_response`.

    Raises:
        ParamValidationError: `service_response` does not match the operation's output shape.
    """
    members = {n: v for n, v in service_response.items() if n != "ResponseMetadata"}
    _validate(model.output_shape, members)
    return StubbedResponse(200, deep_copy(service_response))


def stubbed_client_error(
    model: OperationModel,
    error: Mapping[str, Any],
    metadata: Mapping[str, Any],
    modeled_fields: Mapping[str, Any] | None,
) -> StubbedResponse:
    """Build the error response for `add_client_error`.

    Raises:
        ParamValidationError: `modeled_fields` does not match the shape of the error.
    """
    if modeled_fields is not None:
        service_model: Any = model.service_model
        _validate(service_model.shape_for_error_code(error["Code"]), modeled_fields)
    parsed = {"ResponseMetadata": metadata, "Error": error, **(modeled_fields or {})}
    return StubbedResponse(metadata["HTTPStatusCode"], deep_copy(parsed))


def no_match_error(
    operation_name: str, call_params: Params, candidates: Sequence[Stub]
) -> StubResponseError:
    """Return the error that botocore's Stubber raises for a call without a matching stub.

    Args:
        operation_name: The operation that was called.
        call_params: The parameters that the caller passed.
        candidates: The stubs that could have matched the call.
    """
    if not candidates:
        reason = (
            "Unexpected API Call: A call was made but no additional calls expected. Either the"
            " API Call was not stubbed or it was called multiple times."
        )
        return UnStubbedResponseError(operation_name=operation_name, reason=reason)
    same_operation = [stub for stub in candidates if stub.operation == operation_name]
    if not same_operation:
        reason = f"Operation mismatch: found response for {candidates[0].operation}."
        return StubResponseError(operation_name=operation_name, reason=reason)
    closest = min(same_operation, key=lambda stub: len(stub.mismatches(call_params, call_params)))
    expected, received = (
        pformat(_matching.printable(closest.params or {})),
        pformat(redact(call_params)),
    )
    reason = f"Expected parameters:\n{expected},\nbut received:\n{received}"
    return StubAssertionError(operation_name=operation_name, reason=reason)


def _validate(shape: Shape | None, members: Mapping[str, Any]) -> None:
    if shape is not None:
        validate_parameters(members, shape)
    elif members:
        raise ParamValidationError(report="Service response should only contain ResponseMetadata.")
