"""Rules for replies to customers, which replace an agent or a bot in a test."""

from __future__ import annotations

import re
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias

from attach_confirm_stubs.fake.models._entities import Item, check_role

if TYPE_CHECKING:
    from collections.abc import Callable

ReplyMatcher: TypeAlias = "str | re.Pattern[str] | Callable[[Item], bool]"
Reply: TypeAlias = "str | Callable[[Item], str | None]"


@dataclass(frozen=True, slots=True)
class ReplyRule:
    """What a participant of a role replies to the items that match.

    Attributes:
        match: Matches the items.
        reply: Content of the reply, or a function that returns it.
        role: Role of the participant who replies.
    """

    match: ReplyMatcher
    reply: Reply
    role: str

    def matches(self, item: Item) -> bool:
        """Return whether the rule applies to a customer's item."""
        if callable(self.match):
            return bool(self.match(item))
        if item["Type"] != "MESSAGE":
            return False
        if isinstance(self.match, str):
            return bool(self.match == item["Content"])
        return self.match.search(item["Content"]) is not None

    def content(self, item: Item) -> str | None:
        """Return the content of the reply to an item, or None to send no reply.

        Raises:
            TypeError: The function of the rule did not return a string or None.
        """
        content: Any = self.reply(item) if callable(self.reply) else self.reply
        if content is not None and not isinstance(content, str):
            raise TypeError(f"reply: returned {content!r}; return a string, or None for no reply")
        return content


class Replies:
    """The rules for replies. Without rules, no reply is sent.

    A rule applies to the messages and attachments of customers. If several rules match, the newest
    one wins. The reply is sent after the customer's item is committed, or after the verdict about
    an attachment, and before the client receives the response. No rule applies to a reply.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._rules: list[ReplyRule] = []

    def when(self, match: ReplyMatcher, reply: Reply, *, role: str = "AGENT") -> None:
        """Reply to the customer's messages and attachments that match.

        Args:
            match: The message's content, a compiled pattern that is searched for in it, or a
                predicate of the transcript item. An attachment's item, which only a predicate can
                match, has the Content "".
            reply: The content of the reply, or a function that receives the item and returns the
                content, or None to send no reply.
            role: Role of the participant who replies. The reply comes from a participant of the
                chat with this role; if there is none, one is added.

        Raises:
            TypeError: `match` or `reply` has the wrong type.
            ValueError: `role` is unknown.
        """
        check_role(role)
        if not (isinstance(match, (str, re.Pattern)) or callable(match)):
            raise TypeError(f"match: {match!r} is not a string, a compiled pattern or a function")
        if not (isinstance(reply, str) or callable(reply)):
            raise TypeError(f"reply: {reply!r} is not a string or a function")
        with self._lock:
            self._rules.append(ReplyRule(match, reply, role))

    def reset(self) -> None:
        """Remove all rules."""
        with self._lock:
            self._rules.clear()

    def find(self, item: Item) -> ReplyRule | None:
        """Return the newest rule that matches a customer's item, or None."""
        with self._lock:
            rules = self._rules[::-1]
        return next((rule for rule in rules if rule.matches(item)), None)
