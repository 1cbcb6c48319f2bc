"""`status` looks up an attachment in all pages of the transcript."""

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

import attach_confirm
from attach_confirm import AttachmentStatus, UnexpectedResponseError

GET_TRANSCRIPT = "connectparticipant.GetTranscript"
MESSAGE = {"Type": "MESSAGE", "Content": "hello", "ContentType": "text/plain"}


def item(status, attachment_id="att-1"):
    """Return a transcript item with one attachment."""
    return {
        "Type": "ATTACHMENT",
        "Attachments": [{"AttachmentId": attachment_id, "Status": status}],
    }


@pytest.fixture
def stub_transcript(client):
    """Return a function that stubs the pages of the transcript, and check that all are read.

    A page is a list of items, or a whole response.
    """
    with Stubber(client) as stubber:

        def stub(*pages):
            next_token = None
            for page in pages:
                params = {
                    "ConnectionToken": "token",
                    "MaxResults": 100,
                    "ScanDirection": "BACKWARD",
                    "SortOrder": "DESCENDING",
                }
                if next_token:
                    params["NextToken"] = next_token
                response = page if isinstance(page, dict) else {"Transcript": page}
                next_token = response.get("NextToken")
                stubber.add_response("get_transcript", response, params)

        yield stub
        stubber.assert_no_pending_responses()


@pytest.mark.parametrize("status", list(AttachmentStatus))
def test_status_is_returned_as_enum(client, stub_transcript, status):
    """The attachment is the second one of its item."""
    attachments = [*item("", "att-0")["Attachments"], *item(status.value)["Attachments"]]
    stub_transcript([MESSAGE, {"Attachments": attachments}])
    assert attach_confirm.status(client, "att-1", "token") is status


def test_attachment_status_has_the_values_of_the_service_model(client):
    enum = client.meta.service_model.shape_for("ArtifactStatus").enum
    assert sorted(enum) == sorted(AttachmentStatus)


def test_status_attachment_not_in_transcript_returns_none(client, stub_transcript):
    stub_transcript(
        [
            MESSAGE,
            item("REJECTED", "att-2"),
            {"Type": "ATTACHMENT"},
            {"Type": "ATTACHMENT", "Attachments": []},
            {"Type": "ATTACHMENT", "Attachments": [{"AttachmentName": "a.txt"}]},
            item("APPROVED", "ATT-1"),
            item("APPROVED", "att-11"),
        ]
    )
    assert attach_confirm.status(client, "att-1", "token") is None


def test_status_reads_all_pages(client, stub_transcript):
    """A page without items does not end the transcript."""
    stub_transcript(
        {"Transcript": [MESSAGE], "NextToken": "2"},
        {"Transcript": [], "NextToken": "3"},
        {"Transcript": [item("APPROVED", "att-2")], "NextToken": "4"},
        [MESSAGE, item("IN_PROGRESS")],
    )
    assert attach_confirm.status(client, "att-1", "token") is AttachmentStatus.IN_PROGRESS


def test_status_stops_at_the_newest_item(client, stub_transcript):
    stub_transcript({"Transcript": [item("APPROVED"), item("IN_PROGRESS")], "NextToken": "2"})
    assert attach_confirm.status(client, "att-1", "token") is AttachmentStatus.APPROVED


def test_status_empty_next_token_ends_the_transcript(client, scripted_responses):
    requests = scripted_responses(
        client, GET_TRANSCRIPT, (200, {"Transcript": [], "NextToken": ""}, {})
    )
    assert attach_confirm.status(client, "att-1", "token") is None
    assert len(requests) == 1


@pytest.mark.parametrize("tokens", [["2", "2"], ["2", "3", "2"]])
def test_status_repeated_next_token_raises(client, stub_transcript, tokens):
    stub_transcript(*({"Transcript": [], "NextToken": token} for token in tokens))
    with pytest.raises(UnexpectedResponseError) as raised:
        attach_confirm.status(client, "att-1", "token")
    assert (raised.value.operation, raised.value.reason) == (
        "GetTranscript",
        "a NextToken was repeated",
    )


@pytest.mark.parametrize("attachment", [{}, {"Status": "SHREDDED"}, {"Status": "approved"}])
def test_status_unknown_value_raises(client, stub_transcript, attachment):
    stub_transcript([{"Attachments": [{"AttachmentId": "att-1", **attachment}]}])
    with pytest.raises(UnexpectedResponseError) as raised:
        attach_confirm.status(client, "att-1", "token")
    assert (raised.value.operation, raised.value.reason) == (
        "GetTranscript",
        f"unknown attachment status {attachment.get('Status')!r}",
    )


def test_status_sends_the_token_in_the_header_only(client, scripted_responses, recorded_requests):
    scripted_responses(client, GET_TRANSCRIPT, (200, {"Transcript": []}, {}))
    requests = recorded_requests(client)
    attach_confirm.status(client, "att-1", "token")
    (request,) = requests
    assert request.headers["X-Amz-Bearer"] == b"token"
    assert request.body == {
        "MaxResults": 100,
        "ScanDirection": "BACKWARD",
        "SortOrder": "DESCENDING",
    }


def test_status_service_error_propagates(client, scripted_responses):
    scripted_responses(client, GET_TRANSCRIPT, 403)
    with pytest.raises(ClientError) as raised:
        attach_confirm.status(client, "att-1", "token")
    assert raised.value.operation_name == "GetTranscript"


@given(
    pages=st.lists(
        st.lists(
            st.one_of(
                st.just(MESSAGE),
                st.builds(item, st.sampled_from(list(AttachmentStatus)), st.sampled_from("abc")),
            ),
            max_size=4,
        ),
        min_size=1,
        max_size=5,
    )
)
def test_status_property(client, scripted_responses, pages):
    """The newest item wins, however the items are distributed over pages."""
    scripted_responses(
        client,
        GET_TRANSCRIPT,
        *(
            (200, {"Transcript": page, **({"NextToken": str(n)} if n < len(pages) else {})}, {})
            for n, page in enumerate(pages, start=1)
        ),
    )
    statuses = [
        attachment["Status"]
        for page in pages
        for page_item in page
        for attachment in page_item.get("Attachments", [])
        if attachment["AttachmentId"] == "a"
    ]
    expected = statuses[0] if statuses else None
    assert attach_confirm.status(client, "a", "token") == expected
