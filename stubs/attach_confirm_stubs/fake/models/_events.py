"""Events, which participants of a chat receive without a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attach_confirm_stubs.fake.models._entities import Chat, Item


@dataclass(frozen=True, slots=True)
class ChatEvent:
    """A message, an event, an attachment with a verdict, or a receipt.

    Attributes:
        chat: The chat.
        item: A copy of the transcript item. A typing event has an item as well, although the
            transcript may not list it. The item of a receipt has the type MESSAGEMETADATA.
        is_reply: Whether a rule of `fake.replies` sent the item.
    """

    chat: Chat
    item: Item
    is_reply: bool = False
