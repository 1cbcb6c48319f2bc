"""What botocore's service model says about the Participant Service."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, cast

from botocore.loaders import Loader
from botocore.model import ServiceModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from botocore.model import ListShape, OperationModel, Shape, StructureShape

SERVICE = "connectparticipant"


def builtin_loader() -> Loader:
    """Return a loader of botocore's own models, whatever lies in `~/.aws/models`."""
    return Loader([Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)


@cache
def service_model() -> ServiceModel:
    """Return the service's model as the installed botocore has it."""
    return ServiceModel(builtin_loader().load_service_model(SERVICE, "service-2"), SERVICE)


def operation(name: str) -> OperationModel:
    """Return an operation's model, by its name in the API."""
    return service_model().operation_model(name)


def error_codes(operation_name: str) -> list[str]:
    """Return the codes of the errors that an operation declares."""
    return [shape.name for shape in operation(operation_name).error_shapes]


def error_shape(code: str) -> StructureShape | None:
    """Return the shape of an error, or None if the service declares none of this code."""
    # botocore-stubs says that the code is an int.
    model: Any = service_model()
    shape: StructureShape | None = model.shape_for_error_code(code)
    return shape


def error_status(code: str) -> int:
    """Return the HTTP status of an error that the service declares."""
    metadata: Any = cast("Shape", error_shape(code)).metadata
    status: int = metadata["error"]["httpStatusCode"]
    return status


def token_member_name(model: OperationModel) -> str:
    """Return the input member that goes out as the `X-Amz-Bearer` header."""
    members = cast("StructureShape", model.input_shape).members
    return next(
        name for name, shape in members.items() if shape.serialization.get("location") == "header"
    )


def constraint_violations(shape: Shape, value: Any, path: str = "") -> Iterator[str]:
    """Yield what of a value breaks the model's constraints, in the words of AWS's services.

    Covers what the service would check and botocore does not all: required members, types,
    lengths, ranges and enums.

    Args:
        shape: The shape that the value should have.
        value: As parsed from JSON.
        path: Where the value stands in the request.
    """
    if not _has_type(shape, value):
        yield f"Value at '{path}' failed to satisfy constraint: Member must be a {shape.type_name}"
    elif shape.type_name == "structure":
        yield from _structure_violations(cast("StructureShape", shape), value, path)
    else:
        yield from _bound_violations(shape, value, path)
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
    wanted = _PYTHON_TYPES[shape.type_name]
    return isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))


def _structure_violations(
    shape: StructureShape, value: Mapping[str, Any], path: str
) -> Iterator[str]:
    for name, member in shape.members.items():
        place = f"{path}.{name}" if path else name
        if value.get(name) is not None:
            yield from constraint_violations(member, value[name], place)
        elif name in shape.required_members:
            yield f"Value at '{place}' failed to satisfy constraint: Member must not be null"


def _bound_violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    counted = isinstance(value, (str, list, dict))
    measure, unit = (len(value), "have length") if counted else (value, "have value")
    rule = f"Value at '{path}' failed to satisfy constraint: Member must"
    if measure < shape.metadata.get("min", measure):
        yield f"{rule} {unit} greater than or equal to {shape.metadata['min']}"
    if measure > shape.metadata.get("max", measure):
        yield f"{rule} {unit} less than or equal to {shape.metadata['max']}"
    choices = shape.metadata.get("enum")
    if choices and value not in choices:
        yield f"{rule} satisfy enum value set: [{', '.join(choices)}]"
