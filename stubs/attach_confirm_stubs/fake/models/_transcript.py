"""Transcript items, and the pages of GetTranscript."""

from __future__ import annotations

import operator
from base64 import b64decode, b64encode
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.utils import parse_timestamp

from attach_confirm_stubs.fake import _limits, exceptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from attach_confirm_stubs.fake._assumptions import Assumptions
    from attach_confirm_stubs.fake.models._entities import Chat, Item, Participant

_PAGE_PREFIX = "page:"


def format_timestamp(time: datetime) -> str:
    """Format a time as the service does, with milliseconds."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_item(
    chat: Chat,
    item_type: str,
    time: datetime,
    participant: Participant | None = None,
    **members: Any,
) -> Item:
    """Return a transcript item.

    Args:
        chat: The chat.
        item_type: A value of the model's ChatItemType, for example MESSAGE.
        time: Time of the item.
        participant: The sender of the item, or None if it is the service.
        **members: Other members of the item, for example `Content`.
    """
    sender = {}
    if participant is not None:
        sender = {
            "DisplayName": participant.display_name,
            "ParticipantId": participant.participant_id,
            "ParticipantRole": participant.role,
        }
    return {
        "AbsoluteTime": format_timestamp(time),
        "ContactId": chat.contact_id,
        "Id": str(uuid4()),
        "InitialContactId": chat.contact_id,
        "Type": item_type,
        **sender,
        **members,
    }


def add_receipt(
    item: Item, participant: Participant, timestamp_member: str, time: datetime
) -> None:
    """Record in a message's item that a participant has received or read it.

    Args:
        item: The item of the message.
        participant: The recipient.
        timestamp_member: DeliveredTimestamp or ReadTimestamp.
        time: The time of the receipt.
    """
    metadata = item.setdefault("MessageMetadata", {"MessageId": item["Id"]})
    receipts = metadata.setdefault("Receipts", [])
    recipient = {"RecipientParticipantId": participant.participant_id}
    existing = [receipt for receipt in receipts if receipt.items() >= recipient.items()]
    if not existing:
        receipts.append(recipient)
    receipt = existing[0] if existing else recipient
    receipt[timestamp_member] = format_timestamp(time)


def new_receipt_item(item: Item, time: datetime) -> Item:
    """Return the item with which a message's receipts are pushed to websockets."""
    return {
        "AbsoluteTime": format_timestamp(time),
        "ContentType": f"{_limits.EVENT_PREFIX}message.metadata",
        "Id": str(uuid4()),
        "Type": "MESSAGEMETADATA",
        "MessageMetadata": item["MessageMetadata"],
    }


def get_page(
    items: Sequence[Item],
    past_items: Sequence[Item],
    params: Mapping[str, Any],
    assumptions: Assumptions,
) -> tuple[list[Item], str | None]:
    """Return one page of a transcript, and the token of the next page; None on the last page.

    The pages after the chat's own items have the items of the past chats that it continues, if the
    transcript is read backward from its end.

    Args:
        items: The chat's items, oldest first.
        past_items: The items of the past chats, oldest first.
        params: The parameters of GetTranscript.
        assumptions: Settings for undocumented behaviour of the service.

    Raises:
        exceptions.ValidationException: `NextToken` or a member of `StartPosition` is invalid.
    """
    start_position = params.get("StartPosition") or {}
    default_direction = "FORWARD" if start_position else "BACKWARD"
    forward = params.get("ScanDirection", default_direction) == "FORWARD"
    ascending = params.get("SortOrder", "DESCENDING") == "ASCENDING"
    selected = _select_items(items, start_position, forward=forward)
    if "Id" in start_position:
        index = _index_of(selected, start_position["Id"])
        selected = selected[index + (not assumptions.position_included) :]
    start, boundary = 0, len(selected)
    if not (forward or start_position or "ContactId" in params):
        selected += past_items[::-1]
    if params.get("NextToken"):
        start = _index_of(selected, _decode_next_token(params["NextToken"]))
        boundary = boundary if start < boundary else len(selected)
    size = params.get("MaxResults", _limits.PAGE_SIZE) or assumptions.zero_results
    end = min(start + size, boundary)
    next_token = _encode_next_token(selected[end]["Id"]) if end < len(selected) else None
    page = selected[start:end]
    return page if forward is ascending else page[::-1], next_token


def _encode_next_token(item_id: str) -> str:
    return b64encode(f"{_PAGE_PREFIX}{item_id}".encode()).decode()


def _decode_next_token(token: str) -> str:
    try:
        text = b64decode(token, validate=True).decode()
    except ValueError:
        text = ""
    if not text.startswith(_PAGE_PREFIX):
        raise exceptions.ValidationException("NextToken is not valid.")
    return text.removeprefix(_PAGE_PREFIX)


def _select_items(
    items: Sequence[Item], start_position: Mapping[str, Any], *, forward: bool
) -> list[Item]:
    """Return the items in scan order that `MostRecent` and `AbsoluteTime` select."""
    most_recent = start_position.get("MostRecent")
    selected = list(items[-most_recent:] if most_recent else items)
    if not forward:
        selected.reverse()
    if "AbsoluteTime" in start_position:
        start_time = _parse_time(start_position["AbsoluteTime"])
        compare = operator.ge if forward else operator.le
        selected = [
            item for item in selected if compare(_parse_time(item["AbsoluteTime"]), start_time)
        ]
    return selected


def _parse_time(text: str) -> datetime:
    try:
        time = parse_timestamp(text)
    except (ValueError, OverflowError):
        time = datetime.min  # noqa: DTZ901
    if time.tzinfo is None:
        raise exceptions.ValidationException("AbsoluteTime must be an ISO 8601 time in UTC.")
    return time


def _index_of(items: Sequence[Item], item_id: str) -> int:
    for index, item in enumerate(items):
        if item["Id"] == item_id:
            return index
    raise exceptions.ValidationException("The position was not found in the transcript.")
