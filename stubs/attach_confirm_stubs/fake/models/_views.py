"""Views, which DescribeView returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attach_confirm_stubs.fake import exceptions
from attach_confirm_stubs.fake.models._base import ParticipantsBackend
from attach_confirm_stubs.fake.models._entities import new_token

if TYPE_CHECKING:
    from collections.abc import Mapping


class ViewsBackend(ParticipantsBackend):
    """The views of one account and region.

    Attributes:
        views: The views, by view token.
    """

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.views: dict[str, dict[str, Any]] = {}

    def create_view(self, content: Mapping[str, Any]) -> str:
        """Add a view, and return its token."""
        token = new_token()
        self.views[token] = dict(content)
        return token

    def describe_view(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return a view."""
        self.require_connected(params["ConnectionToken"])
        view = self.views.get(params["ViewToken"])
        if view is None:
            raise exceptions.ServiceError("ResourceNotFoundException", "The view was not found.")
        return view
