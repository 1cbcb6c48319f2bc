"""The attachment scanner of a Connect instance, whose verdicts tests can set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from attach_confirm_stubs.fake import _wakeups

if TYPE_CHECKING:
    from collections.abc import Callable

    from attach_confirm_stubs.fake.models._snapshot import FakeAttachment

Verdict = Literal["APPROVED", "REJECTED", "IN_PROGRESS"]
Matcher: TypeAlias = "str | Callable[[FakeAttachment], bool] | None"


@dataclass(frozen=True, slots=True)
class _Rule:
    verdict: Verdict
    match: Matcher
    after: float

    def matches(self, attachment: FakeAttachment) -> bool:
        if callable(self.match):
            return self.match(attachment)
        return self.match in (None, attachment.name)


class Scanner:
    """Decides about confirmed attachments. Without rules it approves each of them at once.

    A rule applies to the attachments that match it. If several rules match, the newest one wins.
    A new rule also applies to attachments that are already IN_PROGRESS. A verdict that takes longer
    than the setting `scanner_timeout` is REJECTED, but `hold` has no timeout.

    Attributes:
        version: Changes with the rules.
    """

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self.version = 0

    def approve(self, match: Matcher = None, *, after: float = 0.0) -> None:
        """Approve the attachments that match.

        Args:
            match: An attachment name or a predicate of `FakeAttachment`; None matches all.
            after: The delay after the confirmation, in seconds of the fake's clock.
        """
        self._add(_Rule("APPROVED", match, after))

    def reject(self, match: Matcher = None, *, after: float = 0.0) -> None:
        """Reject the attachments that match, and delete their bytes.

        Args:
            match: An attachment name or a predicate of `FakeAttachment`; None matches all.
            after: The delay after the confirmation, in seconds of the fake's clock.
        """
        self._add(_Rule("REJECTED", match, after))

    def hold(self, match: Matcher = None) -> None:
        """Keep the attachments that match IN_PROGRESS until another rule applies to them.

        Args:
            match: An attachment name or a predicate of `FakeAttachment`; None matches all.
        """
        self._add(_Rule("IN_PROGRESS", match, 0.0))

    def reset(self) -> None:
        """Remove all rules."""
        self._rules.clear()
        self.version += 1
        _wakeups.wake_all()

    @property
    def has_predicates(self) -> bool:
        """Whether a rule has a predicate, whose result may change at any time."""
        return any(callable(rule.match) for rule in self._rules)

    def decide(self, get_attachment: Callable[[], FakeAttachment]) -> tuple[Verdict, float]:
        """Return the verdict about an attachment, and its delay after the confirmation in seconds.

        Args:
            get_attachment: Returns a snapshot of the attachment. It is called only if there are
                rules.
        """
        for rule in reversed(self._rules):
            if rule.matches(get_attachment()):
                return rule.verdict, rule.after
        return "APPROVED", 0.0

    def _add(self, rule: _Rule) -> None:
        self._rules.append(rule)
        self.version += 1
        _wakeups.wake_all()
