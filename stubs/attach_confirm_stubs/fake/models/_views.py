"""Views, which DescribeView returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from attach_confirm_stubs import _service_model
from attach_confirm_stubs.fake import exceptions
from attach_confirm_stubs.fake.models._base import ParticipantsBackend
from attach_confirm_stubs.fake.models._entities import new_token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import StructureShape


class ViewsBackend(ParticipantsBackend):
    """The views of one account and region."""

    def create_view(self, content: Mapping[str, Any]) -> str:
        """Add a view, and return its token.

        Raises:
            ValueError: A member is unknown, or its value is invalid.
        """
        shape = _view_shape()
        for name in content:
            if name not in shape.members:
                expected = ", ".join(shape.members)
                raise ValueError(f"unknown member {name!r} of a view; expected one of {expected}")
        violations = list(_service_model.constraint_violations(shape, content))
        if violations:
            raise ValueError("; ".join(violations))
        token = new_token()
        self.controls.views[token] = dict(content)
        return token

    def describe_view(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return a view."""
        self.require_connected(params["ConnectionToken"])
        view = self.controls.views.get(params["ViewToken"])
        if view is None:
            raise exceptions.ServiceError("ResourceNotFoundException", "The view was not found.")
        return view


def _view_shape() -> StructureShape:
    output = cast("StructureShape", _service_model.operation("DescribeView").output_shape)
    return cast("StructureShape", output.members["View"])
