"""The items of a chat, and the pages in which GetTranscript gives them."""

from __future__ import annotations

import operator
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.utils import parse_timestamp

from attach_confirm_stubs.fake import exceptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from attach_confirm_stubs.fake._assumptions import Assumptions
    from attach_confirm_stubs.fake.models._entities import Item, Participant

EVENT = "application/vnd.amazonaws.connect.event."


def timestamp(time: datetime) -> str:
    """Return a time as the service writes it, with milliseconds."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def item(participant: Participant, kind: str, time: datetime, **members: Any) -> Item:
    """Return an item that a participant caused.

    Args:
        participant: Who.
        kind: As in the model's ChatItemType.
        time: When.
        **members: What else it has.
    """
    return {
        "AbsoluteTime": timestamp(time),
        "ContactId": participant.chat.contact_id,
        "DisplayName": participant.display_name,
        "Id": str(uuid4()),
        "ParticipantId": participant.participant_id,
        "ParticipantRole": participant.role,
        "Type": kind,
        **members,
    }


def page(
    items: Sequence[Item], params: Mapping[str, Any], assumptions: Assumptions
) -> tuple[list[Item], str | None]:
    """Return a page of a transcript, and the token of the next one.

    Args:
        items: The transcript, the oldest first.
        params: The parameters of GetTranscript.
        assumptions: What else decides about it.

    Raises:
        exceptions.ValidationException: There is no such place in the transcript.
    """
    position = params.get("StartPosition") or {}
    forward = params.get("ScanDirection", "FORWARD" if position else "BACKWARD") == "FORWARD"
    ascending = params.get("SortOrder", "DESCENDING") == "ASCENDING"
    scanned = _scanned(items, position, forward=forward)
    if "Id" in position:
        first = _place(scanned, position["Id"]) + (not assumptions.position_included)
        scanned = scanned[first:]
    first = _place(scanned, params["NextToken"]) if params.get("NextToken") else 0
    last = first + (params.get("MaxResults", 10) or assumptions.zero_results)
    following = scanned[last]["Id"] if last < len(scanned) else None
    found = scanned[first:last]
    return found if forward is ascending else found[::-1], following


def _scanned(items: Sequence[Item], position: Mapping[str, Any], *, forward: bool) -> list[Item]:
    """Return the items from the start position on, its Id aside, as they are scanned."""
    scanned = list(items[-position["MostRecent"] :] if position.get("MostRecent") else items)
    if not forward:
        scanned.reverse()
    if "AbsoluteTime" in position:
        time, within = _time(position["AbsoluteTime"]), operator.ge if forward else operator.le
        scanned = [item for item in scanned if within(_time(item["AbsoluteTime"]), time)]
    return scanned


def _time(text: str) -> datetime:
    try:
        time = parse_timestamp(text)
    except (ValueError, OverflowError):
        time = datetime.min  # noqa: DTZ901
    if time.tzinfo is None:
        raise exceptions.ValidationException("AbsoluteTime must be an ISO 8601 time in UTC.")
    return time


def _place(items: Sequence[Item], item_id: str) -> int:
    for place, candidate in enumerate(items):
        if candidate["Id"] == item_id:
            return place
    raise exceptions.ValidationException("There is no such place in the transcript.")
