"""`status` looks up an attachment in all pages of the transcript."""

import json
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

import attach_confirm
from attach_confirm import AttachmentStatus, UnexpectedResponseError
from attach_confirm._deadline import Deadline, DeadlineReachedError, limit_api_calls
from attach_confirm._transcript import TranscriptReader
from tests.support.responses import make_response

GET_TRANSCRIPT = "connectparticipant.GetTranscript"
MESSAGE = {"Type": "MESSAGE", "Content": "hello", "ContentType": "text/plain"}


def attachment_item(status, attachment_id="att-1"):
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
    attachments = [
        *attachment_item("", "att-0")["Attachments"],
        *attachment_item(status.value)["Attachments"],
    ]
    stub_transcript([MESSAGE, {"Attachments": attachments}])
    assert attach_confirm.status(client, "att-1", "token") is status


def test_attachment_status_has_the_values_of_the_service_model(client):
    enum = client.meta.service_model.shape_for("ArtifactStatus").enum
    assert sorted(enum) == sorted(AttachmentStatus)


def test_status_attachment_not_in_transcript_returns_none(client, stub_transcript):
    stub_transcript(
        [
            MESSAGE,
            attachment_item("REJECTED", "att-2"),
            {"Type": "ATTACHMENT"},
            {"Type": "ATTACHMENT", "Attachments": []},
            {"Type": "ATTACHMENT", "Attachments": [{"AttachmentName": "a.txt"}]},
            attachment_item("APPROVED", "ATT-1"),
            attachment_item("APPROVED", "att-11"),
        ]
    )
    assert attach_confirm.status(client, "att-1", "token") is None


def test_status_reads_all_pages(client, stub_transcript):
    """A page without items does not end the transcript."""
    stub_transcript(
        {"Transcript": [MESSAGE], "NextToken": "2"},
        {"Transcript": [], "NextToken": "3"},
        {"Transcript": [attachment_item("APPROVED", "att-2")], "NextToken": "4"},
        [MESSAGE, attachment_item("IN_PROGRESS")],
    )
    assert attach_confirm.status(client, "att-1", "token") is AttachmentStatus.IN_PROGRESS


def test_status_returns_that_of_the_newest_item(client, stub_transcript):
    stub_transcript(
        {
            "Transcript": [attachment_item("APPROVED"), attachment_item("IN_PROGRESS")],
            "NextToken": "2",
        }
    )
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
    assert raised.value.attachment_id == "att-1"


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


def test_status_retry_is_logged(client, scripted_responses, caplog):
    scripted_responses(client, GET_TRANSCRIPT, 503, (200, {"Transcript": []}, {}))
    attach_confirm.status(client, "att-1", "token")
    assert caplog.messages == ["GetTranscript: attempt 2 after 0.0 s: HTTP 503"]


def test_status_service_error_propagates(client, scripted_responses):
    scripted_responses(client, GET_TRANSCRIPT, 403)
    with pytest.raises(ClientError) as raised:
        attach_confirm.status(client, "att-1", "token")
    assert raised.value.operation_name == "GetTranscript"
    assert raised.value.attachment_id == "att-1"
    # It is not known whether S3 has the bytes.
    assert attach_confirm.advise(raised.value).attachment_id is None


@given(
    pages=st.lists(
        st.lists(
            st.one_of(
                st.just(MESSAGE),
                st.builds(
                    attachment_item, st.sampled_from(list(AttachmentStatus)), st.sampled_from("abc")
                ),
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


class TestTranscriptReader:
    """Later scans read only new items, and items whose status can change."""

    @pytest.fixture
    def transcript(self, client):
        """Serve a list of items, newest first, in pages of 100; and record the requests.

        `denied_pages` contains the start indexes of pages for which the server returns HTTP 403.
        """
        transcript = SimpleNamespace(items=[], denied_pages=set(), requests=[])

        def serve(request, **_):
            transcript.requests.append(request)
            start = int(json.loads(request.body).get("NextToken", 0))
            if start in transcript.denied_pages:
                return make_response(request.url, 403)
            page = {"Transcript": transcript.items[start : start + 100]}
            if start + 100 < len(transcript.items):
                page["NextToken"] = str(start + 100)
            return make_response(request.url, (200, page, {}))

        client.meta.events.register_first(f"before-send.{GET_TRANSCRIPT}", serve)
        return transcript

    @staticmethod
    def messages(count, prefix="m"):
        """Return messages with different IDs."""
        return [{"Id": f"{prefix}{index}", **MESSAGE} for index in range(count)]

    def find_and_count_requests(self, transcript, reader, ids=("att-1",)):
        """Find the attachments, and return the status and the number of requests."""
        before = len(transcript.requests)
        listed = reader.find(ids)
        return listed and listed.status, len(transcript.requests) - before

    def test_later_scan_ends_at_the_newest_known_item(self, client, transcript):
        transcript.items += self.messages(3000)
        reader = TranscriptReader(client, "token")
        assert self.find_and_count_requests(transcript, reader) == (None, 30)
        for _ in range(2):
            assert self.find_and_count_requests(transcript, reader) == (None, 1)
        transcript.items[:0] = self.messages(250, "n")
        assert self.find_and_count_requests(transcript, reader) == (None, 3)
        assert self.find_and_count_requests(transcript, reader) == (None, 1)

    def test_later_scan_finds_new_item(self, client, transcript):
        transcript.items += self.messages(250)
        reader = TranscriptReader(client, "token")
        reader.find({"att-1"})
        transcript.items[:0] = [
            *self.messages(150, "n"),
            {"Id": "a", **attachment_item("REJECTED")},
        ]
        assert self.find_and_count_requests(transcript, reader) == ("REJECTED", 2)

    def test_later_scan_finds_item_that_is_sorted_below_the_newest(self, client, transcript):
        transcript.items += self.messages(250)
        reader = TranscriptReader(client, "token")
        reader.find({"att-1"})
        transcript.items.insert(2, {"Id": "a", **attachment_item("APPROVED")})
        assert self.find_and_count_requests(transcript, reader) == ("APPROVED", 1)

    def test_later_scan_reads_pending_item_again(self, client, transcript):
        """The status of the item changes, or a newer item has the status."""
        pending_item = {"Id": "a", **attachment_item("IN_PROGRESS")}
        transcript.items += [*self.messages(150), pending_item, *self.messages(250, "o")]
        reader = TranscriptReader(client, "token")
        assert self.find_and_count_requests(transcript, reader) == ("IN_PROGRESS", 2)
        assert self.find_and_count_requests(transcript, reader) == ("IN_PROGRESS", 2)
        pending_item["Attachments"] = attachment_item("APPROVED")["Attachments"]
        assert self.find_and_count_requests(transcript, reader) == ("APPROVED", 2)
        transcript.items.insert(0, {"Id": "b", **attachment_item("REJECTED")})
        assert self.find_and_count_requests(transcript, reader) == ("REJECTED", 1)

    def test_removed_item_is_not_found(self, client, transcript):
        transcript.items += [{"Id": "a", **attachment_item("IN_PROGRESS")}, *self.messages(250)]
        reader = TranscriptReader(client, "token")
        reader.find({"att-1"})
        transcript.items[0] = {"Id": "a", **MESSAGE}
        assert self.find_and_count_requests(transcript, reader) == (None, 1)

    def test_items_without_id_are_read_again(self, client, transcript):
        transcript.items += [MESSAGE] * 250
        reader = TranscriptReader(client, "token")
        for _ in range(2):
            assert self.find_and_count_requests(transcript, reader) == (None, 3)

    def test_failed_scan_is_repeated(self, client, transcript):
        transcript.items += self.messages(150)
        transcript.denied_pages.add(100)
        reader = TranscriptReader(client, "token")
        with pytest.raises(ClientError):
            reader.find({"att-1"})
        transcript.denied_pages.clear()
        assert self.find_and_count_requests(transcript, reader) == (None, 2)

    def test_empty_transcript(self, client, transcript):
        reader = TranscriptReader(client, "token")
        for _ in range(2):
            assert self.find_and_count_requests(transcript, reader) == (None, 1)
        transcript.items += [{"Id": "a", **attachment_item("APPROVED")}]
        assert self.find_and_count_requests(transcript, reader) == ("APPROVED", 1)

    def test_newest_of_several_attachments_is_found(self, client, transcript):
        transcript.items += [
            {"Id": "3", **attachment_item("APPROVED", "att-3")},
            {"Id": "2", **attachment_item("IN_PROGRESS", "att-2")},
            {"Id": "1", **attachment_item("APPROVED", "att-1")},
        ]
        reader = TranscriptReader(client, "token")
        assert reader.find(["att-1", "att-2"]) == ("att-2", AttachmentStatus.IN_PROGRESS)

    def test_deadline_is_checked_between_pages(self, client, monkeypatch):
        """The limit on requests has no effect, because Stubber prevents all requests."""
        now = [0.0]
        monkeypatch.setattr("attach_confirm._clock.monotonic", lambda: now[0])
        with Stubber(client) as stubber, limit_api_calls(client, Deadline(1.0)):
            page = {"Transcript": [MESSAGE], "NextToken": "2"}
            stubber.add_response("get_transcript", page)
            client.meta.events.register("after-call", lambda **_: now.append(now.pop() + 1.0))
            with pytest.raises(DeadlineReachedError):
                TranscriptReader(client, "token").find({"att-1"})
            stubber.assert_no_pending_responses()
