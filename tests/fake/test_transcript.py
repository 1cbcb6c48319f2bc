"""GetTranscript: its pages, directions, orders and start positions."""

import re
from datetime import datetime, timedelta
from itertools import count

import pytest

import attach_confirm

ORDERS = [
    ("FORWARD", "ASCENDING"),
    ("FORWARD", "DESCENDING"),
    ("BACKWARD", "ASCENDING"),
    ("BACKWARD", "DESCENDING"),
]


@pytest.fixture
def chat(fake, token):
    """Return a way to send files to the chat, named 0, 1, 2, ..."""
    numbers = count()

    def send(many=1):
        for _ in range(many):
            name = str(next(numbers))
            attach_confirm.upload(fake.client, b"1", token, name=name, content_type="text/plain")

    return send


@pytest.fixture
def ask(fake, token):
    """Return a way to ask for a page of the chat's transcript."""

    def get(**params):
        return fake.client.get_transcript(ConnectionToken=token, **params)

    return get


@pytest.fixture
def pages(ask):
    """Return a way to ask for all pages, each as the names of its files."""

    def get(**params):
        answer = ask(**params)
        found = [names(answer)]
        while "NextToken" in answer:
            answer = ask(NextToken=answer["NextToken"], **params)
            found.append(names(answer))
            assert len(found) < 20, "the pages go round in a circle"
        return found

    return get


def names(answer):
    """Return the names of the files on a page, as numbers."""
    return [int(item["Attachments"][0]["AttachmentName"]) for item in answer["Transcript"]]


def test_an_item_is_as_the_service_gives_it(fake, chat, ask):
    """An attachment's item has the members that were seen of the real service."""
    chat()
    answer = ask()
    (item,) = answer["Transcript"]
    assert answer["InitialContactId"] == item["ContactId"]
    assert item == {
        "AbsoluteTime": item["AbsoluteTime"],
        "Attachments": [
            {
                "AttachmentId": fake.attachments[0].attachment_id,
                "AttachmentName": "0",
                "ContentType": "text/plain",
                "Status": "APPROVED",
            }
        ],
        "ContactId": item["ContactId"],
        "DisplayName": "Customer",
        "Id": item["Id"],
        "ParticipantId": item["ParticipantId"],
        "ParticipantRole": "CUSTOMER",
        "Type": "ATTACHMENT",
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", item["AbsoluteTime"])
    assert fake.transcript == [item]


def test_the_handles_items_are_the_tests_own(fake, chat):
    """What a test does with the items that it was given changes no transcript."""
    chat()
    fake.transcript[0]["Attachments"].clear()
    assert fake.transcript[0]["Attachments"]


def test_a_chat_without_messages_has_an_empty_transcript(ask):
    """A transcript with no items is one empty page."""
    answer = ask()
    assert answer["Transcript"] == []
    assert "NextToken" not in answer


def test_a_chat_sees_its_own_items_alone(fake, chat, pages):
    """What other chats say is not in the transcript."""
    attach_confirm.upload(fake.client, b"1", fake.connection_token(), name="9.txt")
    chat(2)
    assert pages() == [[1, 0]]
    assert len(fake.transcript) == 3


def test_a_page_has_ten_items_the_newest_first(chat, pages):
    """Without a MaxResults, or with 0, a page has ten items, from the newest backward."""
    chat(11)
    assert pages() == pages(MaxResults=0) == [[10, 9, 8, 7, 6, 5, 4, 3, 2, 1], [0]]


def test_pages_follow_the_direction_and_are_sorted_within(chat, pages):
    """ScanDirection says which page comes next, SortOrder how each page is sorted."""
    chat(5)
    found = {
        order: pages(MaxResults=2, ScanDirection=order[0], SortOrder=order[1]) for order in ORDERS
    }
    assert found == {
        ("FORWARD", "ASCENDING"): [[0, 1], [2, 3], [4]],
        ("FORWARD", "DESCENDING"): [[1, 0], [3, 2], [4]],
        ("BACKWARD", "ASCENDING"): [[3, 4], [1, 2], [0]],
        ("BACKWARD", "DESCENDING"): [[4, 3], [2, 1], [0]],
    }


def test_the_pages_hold_every_item_once(chat, pages):
    """Whatever the size of a page, the last one is full or short, and none is empty."""
    chat(6)
    for size in (1, 2, 3, 4, 5, 6, 7, 100):
        found = pages(MaxResults=size)
        assert [len(page) for page in found[:-1]] == [size] * (len(found) - 1)
        assert [number for page in found for number in page] == [5, 4, 3, 2, 1, 0]


def test_new_items_do_not_move_the_pages(chat, ask):
    """Items that come in while a caller pages backward are neither repeated nor skipped over."""
    chat(4)
    first = ask(MaxResults=2)
    chat(2)
    second = ask(MaxResults=2, NextToken=first["NextToken"])
    assert (names(first), names(second)) == ([3, 2], [1, 0])


def test_new_items_are_on_the_last_page_forward(chat, ask):
    """A caller who pages forward comes to the items that came in meanwhile."""
    chat(3)
    order = {"MaxResults": 2, "ScanDirection": "FORWARD", "SortOrder": "ASCENDING"}
    first = ask(**order)
    chat(1)
    second = ask(NextToken=first["NextToken"], **order)
    assert (names(first), names(second)) == ([0, 1], [2, 3])


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (("FORWARD", "ASCENDING"), [[2, 3], [4]]),
        (("BACKWARD", "DESCENDING"), [[2, 1], [0]]),
        (("BACKWARD", "ASCENDING"), [[1, 2], [0]]),
    ],
    ids=["forward", "backward", "backward, each page ascending"],
)
def test_a_transcript_starts_at_an_item(fake, chat, pages, order, expected):
    """A StartPosition by Id starts with that item, and goes the way that is scanned."""
    chat(5)
    scan, sort = order
    position = {"Id": fake.transcript[2]["Id"]}
    found = pages(MaxResults=2, ScanDirection=scan, SortOrder=sort, StartPosition=position)
    assert found == expected


@pytest.mark.parametrize(
    ("most_recent", "backward", "forward"),
    [(2, [4, 3], [3, 4]), (9, [4, 3, 2, 1, 0], [0, 1, 2, 3, 4]), (0, [4, 3, 2, 1, 0], None)],
)
def test_a_transcript_starts_at_the_most_recent(chat, pages, most_recent, backward, forward):
    """A StartPosition by MostRecent leaves that many items, and 0 leaves them all."""
    chat(5)
    position = {"MostRecent": most_recent}
    assert pages(StartPosition=position) == [backward]
    found = pages(StartPosition=position, ScanDirection="FORWARD", SortOrder="ASCENDING")
    assert found == [forward or backward[::-1]]


@pytest.mark.parametrize(
    "spelled",
    [
        lambda time: time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        lambda time: time.isoformat(timespec="milliseconds"),
        lambda time: time.isoformat(timespec="microseconds").replace("+00:00", "Z"),
    ],
    ids=["as the service writes it", "offset", "microseconds"],
)
def test_a_transcript_starts_at_a_time(fake, chat, pages, spelled):
    """A StartPosition by AbsoluteTime holds the items from then on, or up to then, both ends in."""
    chat(3)
    times = [
        datetime.fromisoformat(i["AbsoluteTime"].replace("Z", "+00:00")) for i in fake.transcript
    ]
    position = {"AbsoluteTime": spelled(times[1])}
    until = [number for number in (2, 1, 0) if times[number] <= times[1]]
    since = [number for number in (0, 1, 2) if times[number] >= times[1]]
    assert pages(StartPosition=position, ScanDirection="BACKWARD") == [until]
    found = pages(StartPosition=position, ScanDirection="FORWARD", SortOrder="ASCENDING")
    assert found == [since]


def test_a_time_need_not_have_milliseconds(fake, chat, pages):
    """An AbsoluteTime of whole seconds is compared as a time, not as a text."""
    chat(2)
    first = datetime.fromisoformat(fake.transcript[0]["AbsoluteTime"].replace("Z", "+00:00"))
    before = first.replace(microsecond=0)
    after = before + timedelta(seconds=3600)
    second, later = (time.strftime("%Y-%m-%dT%H:%M:%SZ") for time in (before, after))
    order = {"ScanDirection": "FORWARD", "SortOrder": "ASCENDING"}
    assert pages(StartPosition={"AbsoluteTime": second}, **order) == [[0, 1]]
    assert pages(StartPosition={"AbsoluteTime": later}, **order) == [[]]
    assert pages(StartPosition={"AbsoluteTime": later}, ScanDirection="BACKWARD") == [[1, 0]]


def test_a_start_position_is_scanned_forward(chat, pages):
    """Without a ScanDirection, a StartPosition is scanned forward, and the rest backward."""
    chat(3)
    assert pages(MaxResults=2) == [[2, 1], [0]]
    assert pages(MaxResults=2, StartPosition={"MostRecent": 3}) == [[1, 0], [2]]


def test_a_page_that_there_is_not_is_refused(fake, chat, ask):
    """A place that is not in the transcript, and a value outside the model, is refused."""
    chat()
    for params in (
        {"NextToken": "no-such-token"},
        {"StartPosition": {"Id": "no-such-item"}},
        {"StartPosition": {"AbsoluteTime": "yesterday"}},
        {"StartPosition": {"AbsoluteTime": "2026-11-22T21:42:55"}},
        {"StartPosition": {"MostRecent": 101}},
        {"MaxResults": 101},
        {"ScanDirection": "SIDEWAYS"},
        {"SortOrder": "RANDOM"},
    ):
        with pytest.raises(fake.client.exceptions.ValidationException) as refused:
            ask(**params)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_another_chats_places_are_unknown(fake, chat, ask):
    """Neither an item nor a page of another chat can be asked for."""
    chat(2)
    other = fake.connection_token()
    token = ask(MaxResults=1)["NextToken"]
    for params in ({"NextToken": token}, {"StartPosition": {"Id": fake.transcript[0]["Id"]}}):
        with pytest.raises(fake.client.exceptions.ValidationException):
            fake.client.get_transcript(ConnectionToken=other, **params)
