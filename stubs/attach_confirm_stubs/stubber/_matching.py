"""Match values against expected values, compiled regular expressions and predicates."""

from __future__ import annotations

from collections.abc import Callable
from re import Pattern
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from attach_confirm_stubs._calls import MAX_REPR_LENGTH, format_value
from attach_confirm_stubs._redaction import SECRET_MEMBERS, redact_member

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

T = TypeVar("T")
# What a parameter or a part of it must match. Any object with `__eq__` is allowed as well.
Match: TypeAlias = T | Pattern[str] | Callable[[T], object] | Any

_SHOWN_BEFORE_DIFFERENCE = 20


def matches(expected: Any, actual: Any) -> bool:
    """Return whether a value matches."""
    return next(_differences(expected, actual, ""), None) is None


def mismatches(name: str, expected: Any, actual: Any) -> Iterator[str]:
    """Yield a message for each part of a parameter that does not match."""
    for path, expected_part, actual_part in _differences(expected, actual, name):
        yield _message(path, expected_part, actual_part)


def missing(name: str, expected: Any) -> str:
    """Return the message for a parameter that the call does not pass."""
    return f"{name}: expected {_description(name, expected)}, but the call does not pass it"


def printable(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of expected parameters whose `repr` shows neither secrets nor addresses."""
    return {name: _printable(name, value) for name, value in params.items()}


class _Predicate:
    """The `repr` of a predicate: its name, and the line on which it is defined."""

    def __init__(self, predicate: Any) -> None:
        self._name = getattr(predicate, "__name__", type(predicate).__name__)
        code = getattr(predicate, "__code__", None)
        self._line = f" at {code.co_filename}:{code.co_firstlineno}" if code else ""

    def __repr__(self) -> str:
        return f"<predicate {self._name}{self._line}>"


def _is_predicate(expected: Any) -> bool:
    # A class is not a predicate, because an instance is true whether or not the value matches.
    return callable(expected) and not isinstance(expected, type)


def _differences(expected: Any, actual: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield the path, the expected and the actual value of each part that does not match."""
    if expected == actual:
        return
    if isinstance(expected, dict) and isinstance(actual, dict) and expected.keys() == actual.keys():
        for name, value in expected.items():
            yield from _differences(value, actual[name], f"{path}.{name}")
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, value in enumerate(expected):
            yield from _differences(value, actual[index], f"{path}[{index}]")
    elif isinstance(expected, Pattern):
        is_same_type = isinstance(actual, type(expected.pattern))
        if not (is_same_type and expected.search(actual)):
            yield path, expected, actual
    elif not (_is_predicate(expected) and expected(actual)):
        yield path, expected, actual


def _message(path: str, expected: Any, actual: Any) -> str:
    name, position = path.rpartition(".")[2], ""
    if isinstance(expected, str) and isinstance(actual, str) and name not in SECRET_MEMBERS:
        pairs = enumerate(zip(expected, actual, strict=False))
        difference = next((index for index, (a, b) in pairs if a != b), 0)
        start = difference - _SHOWN_BEFORE_DIFFERENCE
        if start > 0 and max(len(expected), len(actual)) > MAX_REPR_LENGTH:
            expected, actual = expected[start:], actual[start:]
            position = f" from character {start}"
    actual_text = format_value(redact_member(name, actual))
    return f"{path}: expected {_description(name, expected)}, got {actual_text}{position}"


def _description(name: str, expected: Any) -> str:
    text = format_value(_printable(name, expected))
    if isinstance(expected, Pattern):
        return f"a match of {text}"
    return f"a value that satisfies {text}" if _is_predicate(expected) else text


def _printable(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return printable(value)
    if isinstance(value, list):
        return [_printable(name, item) for item in value]
    if _is_predicate(value):
        return _Predicate(value)
    if isinstance(value, Pattern) and name in SECRET_MEMBERS:
        return redact_member(name, repr(value.pattern))
    return redact_member(name, value)
