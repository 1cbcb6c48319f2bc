"""Access to botocore's service model of the Participant Service."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, cast

from botocore.loaders import Loader
from botocore.model import ServiceModel

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from botocore.model import ListShape, OperationModel, Shape, StructureShape

SERVICE = "connectparticipant"


def builtin_loader() -> Loader:
    """Return a loader of botocore's bundled models that ignores `~/.aws/models`."""
    return Loader([Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)


@cache
def service_model() -> ServiceModel:
    """Return the service model of the installed botocore."""
    return ServiceModel(builtin_loader().load_service_model(SERVICE, "service-2"), SERVICE)


def operation(name: str) -> OperationModel:
    """Return the model of an operation, by its name in the API."""
    return service_model().operation_model(name)


def input_members(operation_name: str) -> Collection[str]:
    """Return the names of an operation's parameters."""
    members: Collection[str] = cast("StructureShape", operation(operation_name).input_shape).members
    return members


def check_operation(name: str) -> None:
    """Raise if an operation is unknown.

    Raises:
        ValueError: `name` is unknown.
    """
    operations = service_model().operation_names
    if name not in operations:
        raise unknown_operation(name, operations)


def unknown_operation(name: str, operations: Iterable[str]) -> ValueError:
    """Return the error for an unknown operation, which lists the known ones."""
    return ValueError(f"unknown operation {name!r}; choose one of {', '.join(sorted(operations))}")


def error_codes(operation_name: str) -> list[str]:
    """Return the codes of the errors that an operation declares."""
    return [shape.name for shape in operation(operation_name).error_shapes]


@cache
def all_error_codes() -> list[str]:
    """Return the codes of the errors that the service's operations declare."""
    operations = service_model().operation_names
    return sorted({code for name in operations for code in error_codes(name)})


def check_error_code(
    operation_name: str, code: str, declared: Collection[str], *, hint: str = ""
) -> None:
    """Raise if an operation does not declare an error.

    Args:
        operation_name: The operation's name in the API.
        code: The error code to check.
        declared: The error codes that the operation declares.
        hint: Text to append to the error message.

    Raises:
        ValueError: `code` is not in `declared`.
    """
    if code not in declared:
        raise ValueError(
            f"{operation_name} does not declare {code};"
            f" it declares {', '.join(sorted(declared))}{hint}"
        )


def error_shape(code: str) -> StructureShape | None:
    """Return the shape of an error, or None if the service does not declare the code."""
    # botocore-stubs annotates the code as an int.
    model: Any = service_model()
    shape: StructureShape | None = model.shape_for_error_code(code)
    return shape


def error_status(code: str) -> int:
    """Return the HTTP status of an error that the service declares."""
    metadata: Any = cast("Shape", error_shape(code)).metadata
    status: int = metadata["error"]["httpStatusCode"]
    return status


def token_member_name(model: OperationModel) -> str:
    """Return the name of the input member that is sent as the `X-Amz-Bearer` header."""
    members = cast("StructureShape", model.input_shape).members
    return next(
        name for name, shape in members.items() if shape.serialization.get("location") == "header"
    )


def constraint_violations(shape: Shape, value: Any, path: str = "") -> Iterator[str]:
    """Yield a message for each violation of the model's constraints, worded as AWS words it.

    Covers what the service checks and botocore checks only in part: required members, types,
    lengths, ranges and enums.

    Args:
        shape: The expected shape.
        value: The value, as parsed from JSON.
        path: The path of the value in the request, for example `StartPosition.MostRecent`.
    """
    if not _has_type(shape, value):
        yield f"Value at '{path}' failed to satisfy constraint: Member must be a {shape.type_name}"
    elif shape.type_name == "structure":
        yield from _structure_violations(cast("StructureShape", shape), value, path)
    else:
        yield from _range_violations(shape, value, path)
        if shape.type_name == "list":
            for item in value:
                yield from constraint_violations(
                    cast("ListShape", shape).member, item, f"{path}.member"
                )


_PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "boolean": bool,
    "integer": int,
    "list": list,
    "long": int,
    "map": dict,
    "string": str,
    "structure": dict,
}


def _has_type(shape: Shape, value: Any) -> bool:
    expected = _PYTHON_TYPES[shape.type_name]
    # bool is a subclass of int.
    return isinstance(value, expected) and (expected is bool or not isinstance(value, bool))


def _structure_violations(
    shape: StructureShape, value: Mapping[str, Any], path: str
) -> Iterator[str]:
    for name, member in shape.members.items():
        member_path = f"{path}.{name}" if path else name
        if value.get(name) is not None:
            yield from constraint_violations(member, value[name], member_path)
        elif name in shape.required_members:
            yield f"Value at '{member_path}' failed to satisfy constraint: Member must not be null"


def _range_violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    has_length = isinstance(value, (str, list, dict))
    size, unit = (len(value), "have length") if has_length else (value, "have value")
    prefix = f"Value at '{path}' failed to satisfy constraint: Member must"
    if size < shape.metadata.get("min", size):
        yield f"{prefix} {unit} greater than or equal to {shape.metadata['min']}"
    if size > shape.metadata.get("max", size):
        yield f"{prefix} {unit} less than or equal to {shape.metadata['max']}"
    choices = shape.metadata.get("enum")
    if choices and value not in choices:
        yield f"{prefix} satisfy enum value set: [{', '.join(choices)}]"
