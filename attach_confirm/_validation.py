"""Refuse what the service model rules out, before anything is sent.

botocore checks the model's minimums only, so a text that is too long costs a round trip, and a
token with a stray newline ends in an exception that prints it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from attach_confirm._exceptions import InvalidInputError

if TYPE_CHECKING:
    from botocore.model import ListShape, OperationModel, Shape, StructureShape
    from types_boto3_connectparticipant.client import ConnectParticipantClient

# By Unicode category. Neither can be written into a header, and names end up in one.
_FORBIDDEN_CATEGORIES = {"Cc": "control character", "Cs": "lone surrogate"}


def get_operation_model(client: ConnectParticipantClient, name: str) -> OperationModel:
    """Return the model of an operation.

    Raises:
        InvalidInputError: The client is not one for the Participant Service.
    """
    model = client.meta.service_model
    if model.service_name != "connectparticipant":
        raise InvalidInputError(
            "client",
            f"a {model.service_name} client cannot {name}; make one with attach_confirm.client()",
        )
    return model.operation_model(name)


def validate_string(model: OperationModel, member: str, parameter: str, value: Any) -> None:
    """Check a text's type, its characters and its length against an operation's input.

    Args:
        model: The operation.
        member: The input's member in boto3's spelling. Of a list, each item is meant.
        parameter: The name under which the caller knows the value.
        value: What the caller gave.

    Raises:
        InvalidInputError: It is no `str`, too short, too long, has control characters, or cannot be
            written as UTF-8.
    """
    shape = _input_shape(model, member)
    if shape.type_name == "list":
        shape = cast("ListShape", shape).member
    if not isinstance(value, str):
        raise InvalidInputError(parameter, f"must be one str, not {type(value).__name__}")
    least, most = max(1, shape.metadata.get("min", 1)), shape.metadata["max"]
    if not least <= len(value) <= most:
        raise InvalidInputError(
            parameter, f"has {len(value)} characters, and the service takes {least} to {most}"
        )
    if not value.isprintable():
        _reject_control_characters(parameter, value)


def validate_token(model: OperationModel, member: str, parameter: str, value: Any) -> None:
    """Check a participant or connection token, and keep its text out of the error.

    Raises:
        InvalidInputError: As `validate_string`, or the token has a space or a non-ASCII character,
            which HTTP headers cannot carry.
    """
    validate_string(model, member, parameter, value)
    if " " in value or not value.isascii():
        raise InvalidInputError(
            parameter,
            f"has {len(value)} characters, and a blank or one outside ASCII among them;"
            " pass the token alone",
        )


def _input_shape(model: OperationModel, member: str) -> Shape:
    return cast("StructureShape", model.input_shape).members[member]


def _reject_control_characters(parameter: str, value: str) -> None:
    import unicodedata  # noqa: PLC0415

    for place, character in enumerate(value):
        kind = _FORBIDDEN_CATEGORIES.get(unicodedata.category(character))
        if kind:
            raise InvalidInputError(
                parameter,
                f"has {len(value)} characters, and a {kind}, U+{ord(character):04X}, at"
                f" position {place}",
            )
