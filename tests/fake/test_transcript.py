"""GetTranscript: its items, pages, scan directions, sort orders and start positions."""

import re
from datetime import datetime, timedelta
from itertools import count

import pytest
from botocore.exceptions import ClientError

import attach_confirm
from tests.fake.uploads import get_contact_id, upload_file


@pytest.fixture
def send_files(fake, token):
    """Return a function that sends files named 0, 1, 2, ... to the chat."""
    numbers = count()

    def send(file_count=1):
        for _ in range(file_count):
            upload_file(fake, token, name=str(next(numbers)))

    return send


@pytest.fixture
def get_page(fake, token):
    """Return a function that gets one page of the chat's transcript."""

    def get(**params):
        return fake.client.get_transcript(ConnectionToken=token, **params)

    return get


@pytest.fixture
def get_pages(get_page):
    """Return a function that gets all pages, each as a list of file numbers."""

    def get(**params):
        response = get_page(**params)
        pages = [file_numbers(response)]
        while "NextToken" in response:
            response = get_page(NextToken=response["NextToken"], **params)
            pages.append(file_numbers(response))
            assert len(pages) < 20, "GetTranscript returned NextTokens endlessly"
        return pages

    return get


def file_numbers(response):
    """Return the file names on a page as numbers."""
    return [int(item["Attachments"][0]["AttachmentName"]) for item in response["Transcript"]]


def item_time(item):
    """Return the time of an item as a datetime."""
    return datetime.fromisoformat(item["AbsoluteTime"].replace("Z", "+00:00"))


def test_attachment_item_has_the_members_of_a_service_item(fake, send_files, get_page):
    send_files()
    response = get_page()
    (item,) = response["Transcript"]
    assert response["InitialContactId"] == item["ContactId"]
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
    assert fake.transcript == [{**item, "InitialContactId": item["ContactId"]}]


def test_handle_returns_copies_of_items(fake, send_files):
    send_files()
    fake.transcript[0]["Attachments"].clear()
    assert fake.transcript[0]["Attachments"]


def test_empty_transcript_has_no_next_token(get_page):
    response = get_page()
    assert response["Transcript"] == []
    assert "NextToken" not in response


def test_chats_do_not_share_items(fake, send_files, get_pages):
    attach_confirm.upload(fake.client, b"1", fake.connection_token(), name="9.txt")
    send_files(2)
    assert get_pages() == [[1, 0]]
    assert len(fake.transcript) == 3


def test_contact_id_of_other_chat_rejected(fake, token, get_page):
    get_page(ContactId=get_contact_id(fake, token))
    with pytest.raises(fake.client.exceptions.ValidationException):
        get_page(ContactId="another")


def test_page_has_ten_items_newest_first_by_default(send_files, get_pages):
    send_files(11)
    assert get_pages() == get_pages(MaxResults=0) == [[10, 9, 8, 7, 6, 5, 4, 3, 2, 1], [0]]


def test_scan_direction_orders_pages_and_sort_order_orders_items(send_files, get_pages):
    send_files(5)
    expected = {
        ("FORWARD", "ASCENDING"): [[0, 1], [2, 3], [4]],
        ("FORWARD", "DESCENDING"): [[1, 0], [3, 2], [4]],
        ("BACKWARD", "ASCENDING"): [[3, 4], [1, 2], [0]],
        ("BACKWARD", "DESCENDING"): [[4, 3], [2, 1], [0]],
    }
    pages = {
        (direction, order): get_pages(MaxResults=2, ScanDirection=direction, SortOrder=order)
        for direction, order in expected
    }
    assert pages == expected


def test_pages_contain_each_item_once(send_files, get_pages):
    """Every page except the last one has `MaxResults` items."""
    send_files(6)
    for size in (1, 2, 3, 4, 5, 6, 7, 100):
        pages = get_pages(MaxResults=size)
        assert [len(page) for page in pages[:-1]] == [size] * (len(pages) - 1)
        assert [number for page in pages for number in page] == [5, 4, 3, 2, 1, 0]


def test_new_items_do_not_shift_backward_pages(send_files, get_page):
    send_files(4)
    first_page = get_page(MaxResults=2)
    send_files(2)
    second_page = get_page(MaxResults=2, NextToken=first_page["NextToken"])
    assert (file_numbers(first_page), file_numbers(second_page)) == ([3, 2], [1, 0])


def test_new_items_are_on_last_forward_page(send_files, get_page):
    send_files(3)
    params = {"MaxResults": 2, "ScanDirection": "FORWARD", "SortOrder": "ASCENDING"}
    first_page = get_page(**params)
    send_files(1)
    second_page = get_page(NextToken=first_page["NextToken"], **params)
    assert (file_numbers(first_page), file_numbers(second_page)) == ([0, 1], [2, 3])


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"ScanDirection": "FORWARD", "SortOrder": "ASCENDING"}, [[2, 3], [4]]),
        ({"ScanDirection": "BACKWARD", "SortOrder": "DESCENDING"}, [[2, 1], [0]]),
        ({"ScanDirection": "BACKWARD", "SortOrder": "ASCENDING"}, [[1, 2], [0]]),
    ],
)
def test_start_position_id_starts_at_that_item(fake, send_files, get_pages, params, expected):
    send_files(5)
    position = {"Id": fake.transcript[2]["Id"]}
    assert get_pages(MaxResults=2, StartPosition=position, **params) == expected


@pytest.mark.parametrize(
    ("most_recent", "expected"), [(2, [3, 4]), (9, [0, 1, 2, 3, 4]), (0, [0, 1, 2, 3, 4])]
)
def test_start_position_most_recent_limits_items(send_files, get_pages, most_recent, expected):
    send_files(5)
    position = {"MostRecent": most_recent}
    assert get_pages(StartPosition=position) == [expected[::-1]]
    pages = get_pages(StartPosition=position, ScanDirection="FORWARD", SortOrder="ASCENDING")
    assert pages == [expected]


@pytest.mark.parametrize(
    "format_time",
    [
        lambda time: time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        lambda time: time.isoformat(timespec="milliseconds"),
        lambda time: time.isoformat(timespec="microseconds").replace("+00:00", "Z"),
    ],
    ids=["service format", "UTC offset", "microseconds"],
)
def test_start_position_absolute_time_includes_equal_times(
    fake, send_files, get_pages, format_time
):
    send_files(3)
    times = [item_time(item) for item in fake.transcript]
    position = {"AbsoluteTime": format_time(times[1])}
    backward = [number for number in (2, 1, 0) if times[number] <= times[1]]
    forward = [number for number in (0, 1, 2) if times[number] >= times[1]]
    assert get_pages(StartPosition=position, ScanDirection="BACKWARD") == [backward]
    pages = get_pages(StartPosition=position, ScanDirection="FORWARD", SortOrder="ASCENDING")
    assert pages == [forward]


def test_start_position_absolute_time_without_milliseconds(fake, send_files, get_pages):
    """Times with and without milliseconds must not be compared as strings."""
    send_files(2)
    first_second = item_time(fake.transcript[0]).replace(microsecond=0)
    early, late = (
        {"AbsoluteTime": time.strftime("%Y-%m-%dT%H:%M:%SZ")}
        for time in (first_second, first_second + timedelta(hours=1))
    )
    forward = {"ScanDirection": "FORWARD", "SortOrder": "ASCENDING"}
    assert get_pages(StartPosition=early, **forward) == [[0, 1]]
    assert get_pages(StartPosition=late, **forward) == [[]]
    assert get_pages(StartPosition=late, ScanDirection="BACKWARD") == [[1, 0]]


def test_start_position_changes_default_direction(send_files, get_pages):
    send_files(3)
    assert get_pages(MaxResults=2) == [[2, 1], [0]]
    assert get_pages(MaxResults=2, StartPosition={"MostRecent": 3}) == [[1, 0], [2]]


def test_get_transcript_invalid_params_rejected(fake, send_files, get_page):
    send_files()
    for params in (
        {"NextToken": "unknown"},
        {"StartPosition": {"Id": "unknown"}},
        {"StartPosition": {"AbsoluteTime": "yesterday"}},
        {"StartPosition": {"AbsoluteTime": "2026-11-22T21:42:55"}},
        {"StartPosition": {"MostRecent": 101}},
        {"MaxResults": 101},
        {"ScanDirection": "SIDEWAYS"},
        {"SortOrder": "RANDOM"},
    ):
        with pytest.raises(fake.client.exceptions.ValidationException) as raised:
            get_page(**params)
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_next_token_and_start_position_of_other_chat_rejected(fake, send_files, get_page):
    send_files(2)
    other_token = fake.connection_token()
    next_token = get_page(MaxResults=1)["NextToken"]
    item_id = fake.transcript[0]["Id"]
    for params in ({"NextToken": next_token}, {"StartPosition": {"Id": item_id}}):
        with pytest.raises(fake.client.exceptions.ValidationException):
            fake.client.get_transcript(ConnectionToken=other_token, **params)


@pytest.mark.parametrize("next_token", ["unknown", "cGFnZQ==", "cGFnZTp4"])
def test_next_token_is_not_an_id(get_page, send_files, next_token):
    send_files(2)
    page = get_page(MaxResults=1)
    assert page["NextToken"] != get_page(MaxResults=2)["Transcript"][1]["Id"]
    for wrong_token in (next_token, page["Transcript"][0]["Id"]):
        with pytest.raises(ClientError) as raised:
            get_page(NextToken=wrong_token)
        assert raised.value.response["Error"]["Code"] == "ValidationException"
