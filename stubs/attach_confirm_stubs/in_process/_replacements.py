"""Replace attributes of modules and classes during a block."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

_INHERITED = object()


class Replacements(AbstractContextManager["Replacements"]):
    """Replaces attributes, and restores them at the end. `unittest.mock.patch` is slower."""

    def __init__(self) -> None:
        self._originals: list[tuple[Any, str, Any]] = []

    def replace(self, target: Any, name: str, value: object) -> None:
        """Replace an attribute of a module, a class or an object."""
        self._originals.append((target, name, vars(target).get(name, _INHERITED)))
        setattr(target, name, value)

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for target, name, original in reversed(self._originals):
            if original is _INHERITED:
                delattr(target, name)
            else:
                setattr(target, name, original)
