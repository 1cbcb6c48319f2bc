"""What tests control and inspect besides the chats."""

from __future__ import annotations

from typing import Any

from attach_confirm_stubs.fake._assumptions import Assumptions
from attach_confirm_stubs.fake._clock import clock
from attach_confirm_stubs.fake._faults import FaultQueue
from attach_confirm_stubs.fake._history import History
from attach_confirm_stubs.fake._quotas import Quotas
from attach_confirm_stubs.fake.models._replies import Replies
from attach_confirm_stubs.fake.models._scanner import Scanner
from attach_confirm_stubs.fake.models._websockets import Websockets


class Controls:
    """The controls of the fake: one object for all regions, or one for each region.

    Attributes:
        assumptions: Settings for undocumented behaviour, and of the Connect instances.
        faults: The injected faults.
        history: The received calls.
        quotas: The throttling quotas.
        replies: The rules for replies to customers.
        scanner: The attachment scanner.
        views: The views, by view token.
        websockets: The open websockets.
    """

    def __init__(self) -> None:
        self.websockets = Websockets()
        self.reset()

    def reset(self) -> None:
        """Return to the state of a new object. Open websockets are closed."""
        self.websockets.close_all()
        self.assumptions = Assumptions()
        self.faults = FaultQueue()
        self.history = History()
        self.quotas = Quotas(clock)
        self.replies = Replies()
        self.scanner = Scanner()
        self.views: dict[str, dict[str, Any]] = {}


class ControlsByRegion:
    """The controls of each region, which all regions share unless `separate_regions` is set.

    Attributes:
        separate_regions: Whether each region has its own controls. On a server, suites that run
            at the same time use one region each.
    """

    def __init__(self) -> None:
        self.separate_regions = False
        self._shared = Controls()
        self._by_region: dict[str, Controls] = {}

    def get(self, region_name: str) -> Controls:
        """Return the controls of a region."""
        if not self.separate_regions:
            return self._shared
        return self._by_region.setdefault(region_name, Controls())

    def reset(self, *, separate_regions: bool = False) -> None:
        """Reset all controls.

        Args:
            separate_regions: Whether each region has its own controls from now on.
        """
        self.separate_regions = separate_regions
        for controls in (self._shared, *self._by_region.values()):
            controls.reset()
        self._by_region.clear()


controls_by_region = ControlsByRegion()
