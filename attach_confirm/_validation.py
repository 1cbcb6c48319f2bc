"""Validate arguments against the service model before a request is sent.

botocore checks only the model's minimum lengths, so a string that is too long is rejected only by
the service. If a token contains a newline, botocore raises an exception that contains the token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attach_confirm._exceptions import InvalidInputError

if TYPE_CHECKING:
    from botocore.model import OperationModel
    from types_boto3_connectparticipant.client import ConnectParticipantClient

# Names are sent in HTTP headers, which cannot contain characters of these Unicode categories.
_FORBIDDEN_CATEGORIES = {"Cc": "control character", "Cs": "lone surrogate"}


def get_operation_model(client: ConnectParticipantClient, operation: str) -> OperationModel:
    """Return the model of an operation of the client's service.

    Args:
        client: The client that will call the operation.
        operation: Name of the API operation.

    Raises:
        InvalidInputError: `client` is not a `connectparticipant` client.
    """
    model = client.meta.service_model
    if model.service_name != "connectparticipant":
        raise InvalidInputError(
            "client",
            f"a client for {model.service_name!r} cannot call {operation};"
            " create one with attach_confirm.client()",
        )
    return model.operation_model(operation)


def validate_string(
    model: OperationModel, member_name: str, argument_name: str, value: Any
) -> None:
    """Raise if a value is not a valid string for a member of an operation's input.

    Args:
        model: Model of the operation.
        member_name: Name of the input member, for example `AttachmentName`. If the member is a
            list, its items are checked.
        argument_name: Name of the argument in the public function. Used in error messages.
        value: The argument's value.

    Raises:
        InvalidInputError: The value is not a `str`, is too short or too long, or contains a control
            character or a lone surrogate.
    """
    input_shape: Any = model.input_shape
    shape = input_shape.members[member_name]
    if shape.type_name == "list":
        shape = shape.member
    if not isinstance(value, str):
        raise InvalidInputError(argument_name, f"must be a str, not {type(value).__name__}")
    min_length, max_length = max(1, shape.metadata.get("min", 1)), shape.metadata["max"]
    if not min_length <= len(value) <= max_length:
        raise InvalidInputError(
            argument_name,
            f"has {len(value)} characters; must have {min_length} to {max_length}",
        )
    if not value.isprintable():
        _reject_control_characters(argument_name, value)


def validate_size(size: Any) -> None:
    """Raise if the argument `size` is not a valid number of bytes.

    Args:
        size: The argument's value.

    Raises:
        InvalidInputError: The size is not an `int`, or is less than 1.
    """
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise InvalidInputError(
            "size", f"must be a whole number of bytes, at least 1, not {size!r}"
        )


def validate_token(model: OperationModel, member_name: str, argument_name: str, value: Any) -> None:
    """Raise if a value is not a valid participant or connection token.

    The error message does not contain the token.

    Args:
        model: Model of the operation.
        member_name: Name of the input member, for example `ConnectionToken`.
        argument_name: Name of the argument in the public function. Used in error messages.
        value: The argument's value.

    Raises:
        InvalidInputError: `validate_string` rejects the value, or it contains a space or a
            non-ASCII character.
    """
    validate_string(model, member_name, argument_name, value)
    if " " in value or not value.isascii():
        raise InvalidInputError(
            argument_name, "contains a space or a non-ASCII character; pass only the token"
        )


def _reject_control_characters(argument_name: str, value: str) -> None:
    import unicodedata  # noqa: PLC0415

    for index, character in enumerate(value):
        category = _FORBIDDEN_CATEGORIES.get(unicodedata.category(character))
        if category:
            raise InvalidInputError(
                argument_name,
                f"contains a {category} (U+{ord(character):04X}) at position {index}; remove it",
            )
