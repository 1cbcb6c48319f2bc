"""The instance's attachment scanner, whose verdict a test sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from attach_confirm_stubs.fake.models._snapshot import FakeAttachment

Verdict = Literal["APPROVED", "REJECTED", "IN_PROGRESS"]
Which: TypeAlias = "str | Callable[[FakeAttachment], bool] | None"


@dataclass(frozen=True, slots=True)
class _Rule:
    verdict: Verdict
    which: Which
    after: float

    def applies(self, attachment: FakeAttachment) -> bool:
        if callable(self.which):
            return self.which(attachment)
        return self.which in (None, attachment.name)


class Scanner:
    """Decides about each attachment that was confirmed; without orders it approves at once.

    An order is about attachments of one name, those for which a function of a `FakeAttachment`
    is true, or where neither is given all. Of the orders that apply the last one given counts,
    also for attachments that are IN_PROGRESS already.
    """

    def __init__(self) -> None:
        self._rules: list[_Rule] = []

    def approve(self, which: Which = None, *, after: float = 0.0) -> None:
        """Approve attachments.

        Args:
            which: The name of one, or a function of a `FakeAttachment`; None for all.
            after: How many seconds after the confirmation, by the fake's clock.
        """
        self._rules.append(_Rule("APPROVED", which, after))

    def reject(self, which: Which = None, *, after: float = 0.0) -> None:
        """Reject attachments, whose bytes are then deleted; see `approve`."""
        self._rules.append(_Rule("REJECTED", which, after))

    def hold(self, which: Which = None) -> None:
        """Let attachments stay IN_PROGRESS, until another order is given; see `approve`."""
        self._rules.append(_Rule("IN_PROGRESS", which, 0.0))

    def reset(self) -> None:
        """Forget all orders."""
        self._rules.clear()

    def verdict(self, get_attachment: Callable[[], FakeAttachment], seconds: float) -> Verdict:
        """Return the verdict about an attachment.

        Args:
            get_attachment: Returns the attachment as it is now.
            seconds: How long ago it was confirmed.
        """
        for rule in reversed(self._rules):
            if rule.applies(get_attachment()):
                return rule.verdict if seconds >= rule.after else "IN_PROGRESS"
        return "APPROVED"
