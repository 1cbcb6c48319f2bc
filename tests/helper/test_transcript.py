"""`status` reads the whole transcript; `wait` ends with a decision or says that there is none."""

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectTimeoutError
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

import attach_confirm
from attach_confirm import (
    AttachmentRejectedError,
    AttachmentStatus,
    UnexpectedResponseError,
    WaitTimeoutError,
)

APPROVED, REJECTED, IN_PROGRESS = (
    AttachmentStatus.APPROVED,
    AttachmentStatus.REJECTED,
    AttachmentStatus.IN_PROGRESS,
)
MESSAGE = {"Type": "MESSAGE", "Content": "hello", "ContentType": "text/plain"}


def item(status, attachment_id="att-1"):
    """Return a transcript's item about an attachment."""
    return {
        "Type": "ATTACHMENT",
        "Attachments": [{"AttachmentId": attachment_id, "Status": status}],
    }


@pytest.fixture
def transcript(client):
    """Return a way to say what the pages of the transcript are, one after the other."""
    with Stubber(client) as stubber:

        def say(*pages, token="token"):
            following = None
            for page in pages:
                wanted = {
                    "ConnectionToken": token,
                    "MaxResults": 100,
                    "ScanDirection": "BACKWARD",
                    "SortOrder": "DESCENDING",
                }
                if following:
                    wanted["NextToken"] = following
                answer = page if isinstance(page, dict) else {"Transcript": page}
                following = answer.get("NextToken")
                stubber.add_response("get_transcript", answer, wanted)

        yield say
        stubber.assert_no_pending_responses()


class TestStatus:
    """One look."""

    @pytest.mark.parametrize("status", list(AttachmentStatus))
    def test_every_status(self, client, transcript, status):
        """What the transcript says is returned as the status of that name."""
        transcript([MESSAGE, item(status.value)])
        assert attach_confirm.status(client, "att-1", "token") is status

    def test_every_status_of_the_model(self, client):
        """The model in botocore has no status that this library does not know."""
        enum = client.meta.service_model.shape_for("ArtifactStatus").enum
        assert sorted(enum) == sorted(AttachmentStatus)

    def test_nothing(self, client, transcript):
        """An attachment that no item bears has no status."""
        transcript([])
        assert attach_confirm.status(client, "att-1", "token") is None

    def test_others(self, client, transcript):
        """Other attachments, messages and items without attachments are passed over."""
        transcript(
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

    def test_several_attachments_in_one_item(self, client, transcript):
        """An attachment that is not the first one of its item is found."""
        both = {
            "Attachments": item("REJECTED", "att-0")["Attachments"]
            + item("APPROVED")["Attachments"]
        }
        transcript([both])
        assert attach_confirm.status(client, "att-1", "token") is APPROVED

    def test_all_pages(self, client, transcript):
        """The oldest page is read too, over pages that are empty."""
        transcript(
            {"Transcript": [MESSAGE], "NextToken": "2"},
            {"Transcript": [], "NextToken": "3"},
            {"Transcript": [item("APPROVED", "att-2")], "NextToken": "4"},
            [MESSAGE, item("IN_PROGRESS")],
        )
        assert attach_confirm.status(client, "att-1", "token") is IN_PROGRESS

    def test_not_more_pages_than_needed(self, client, transcript):
        """The newest item that bears the attachment counts, and ends the reading."""
        transcript({"Transcript": [item("APPROVED"), item("IN_PROGRESS")], "NextToken": "2"})
        assert attach_confirm.status(client, "att-1", "token") is APPROVED

    def test_an_empty_next_token(self, client, scripted_responses):
        """An empty token is no token."""
        answer = (200, {"Transcript": [], "NextToken": ""}, {})
        scripted_responses(client, "connectparticipant.GetTranscript", answer)
        assert attach_confirm.status(client, "att-1", "token") is None

    @pytest.mark.parametrize("tokens", [["2", "2"], ["2", "3", "2"]])
    def test_pages_that_go_round(self, client, transcript, tokens):
        """A transcript that gives a page again ends in an error, not in an endless loop."""
        transcript(*({"Transcript": [], "NextToken": token} for token in tokens))
        with pytest.raises(UnexpectedResponseError) as raised:
            attach_confirm.status(client, "att-1", "token")
        assert raised.value.reason == "it gives the same NextToken again"

    @pytest.mark.parametrize("attachment", [{}, {"Status": "SHREDDED"}, {"Status": "approved"}])
    def test_unknown_status(self, client, transcript, attachment):
        """A status that the model does not have is told, not guessed."""
        transcript([{"Attachments": [{"AttachmentId": "att-1", **attachment}]}])
        with pytest.raises(UnexpectedResponseError) as raised:
            attach_confirm.status(client, "att-1", "token")
        assert raised.value.reason == f"an attachment's Status is {attachment.get('Status')!r}"

    def test_what_goes_out(self, client, scripted_responses, recorded_requests):
        """A page is asked for with the token in its header alone, and nothing of the attachment."""
        scripted_responses(
            client, "connectparticipant.GetTranscript", (200, {"Transcript": []}, {})
        )
        sent = recorded_requests(client)
        attach_confirm.status(client, "att-1", "token")
        assert sent[0].headers["X-Amz-Bearer"] == b"token"
        assert sent[0].body == {
            "MaxResults": 100,
            "ScanDirection": "BACKWARD",
            "SortOrder": "DESCENDING",
        }

    def test_a_page_that_fails(self, client, scripted_responses):
        """What botocore does not retry away is raised as botocore raised it."""
        scripted_responses(client, "connectparticipant.GetTranscript", 403)
        with pytest.raises(ClientError) as raised:
            attach_confirm.status(client, "att-1", "token")
        assert raised.value.operation_name == "GetTranscript"

    @given(
        pages=st.lists(
            st.lists(
                st.one_of(
                    st.just(MESSAGE),
                    st.builds(
                        item, st.sampled_from(list(AttachmentStatus)), st.sampled_from("abc")
                    ),
                ),
                max_size=4,
            ),
            min_size=1,
            max_size=5,
        )
    )
    def test_wild(self, client, scripted_responses, pages):
        """However the items are spread over pages, the newest one of the attachment counts."""
        last = len(pages) - 1
        scripted_responses(
            client,
            "connectparticipant.GetTranscript",
            *(
                (200, {"Transcript": page} | ({"NextToken": f"{n}"} if n < last else {}), {})
                for n, page in enumerate(pages)
            ),
        )
        flat = [
            attachment["Status"]
            for page in pages
            for found in page
            for attachment in found.get("Attachments", [])
            if attachment["AttachmentId"] == "a"
        ]
        assert attach_confirm.status(client, "a", "token") == (flat[0] if flat else None)


class TestWait:
    """Looking again."""

    def test_approved_at_once(self, client, transcript, sleeps):
        """What is approved already is not waited for."""
        transcript([item("APPROVED")])
        assert attach_confirm.wait(client, "att-1", "token") is APPROVED
        assert sleeps == []

    def test_approved_in_the_end(self, client, transcript, sleeps):
        """What is not there yet, and then in progress, is waited for in growing sleeps."""
        transcript([], *[[item("IN_PROGRESS")]] * 6, [item("APPROVED")])
        assert attach_confirm.wait(client, "att-1", "token") is APPROVED
        assert sleeps == [0.5, 1, 2, 4, 5, 5, 5]

    def test_rejected(self, client, transcript, sleeps):
        """A rejection is an error that names the attachment, and ends the waiting."""
        transcript([item("IN_PROGRESS")], [item("REJECTED")])
        with pytest.raises(AttachmentRejectedError) as raised:
            attach_confirm.wait(client, "att-1", "token")
        assert raised.value.attachment_id == "att-1"
        assert sleeps == [0.5]

    @pytest.mark.parametrize(
        ("timeout", "expected"),
        [
            (0, []),
            (0.25, [0.25]),
            (0.5, [0.5]),
            (2, [0.5, 1, 0.5]),
            (10.0, [0.5, 1, 2, 4, 2.5]),
            (120, [0.5, 1, 2, 4, *[5] * 22, 2.5]),
        ],
    )
    def test_timeout(self, client, transcript, sleeps, timeout, expected):
        """It asks the last time when the time is up, never after it, and then says so."""
        transcript(*[[item("IN_PROGRESS")]] * (len(expected) + 1))
        with pytest.raises(WaitTimeoutError) as raised:
            attach_confirm.wait(client, "att-1", "token", timeout=timeout)
        # The clock runs while the test does.
        assert sleeps == pytest.approx(expected, abs=0.2)
        assert sum(sleeps) <= timeout
        assert (raised.value.status, raised.value.timeout) == (IN_PROGRESS, timeout)

    def test_never_there(self, client, transcript):
        """An attachment that never appears is told from one that is in progress."""
        transcript([], [])
        with pytest.raises(WaitTimeoutError) as raised:
            attach_confirm.wait(client, "att-1", "token", timeout=0.5)
        assert raised.value.status is None
        assert str(raised.value) == "attachment att-1 was not in the transcript after 0.5 seconds"

    @pytest.mark.parametrize("timeout", [120, 120.0])
    def test_default_timeout(self, client, scripted_responses, sleeps, timeout):
        """Without a timeout it waits for two minutes."""
        scripted_responses(
            client, "connectparticipant.GetTranscript", (200, {"Transcript": []}, {})
        )
        with pytest.raises(WaitTimeoutError) as raised:
            attach_confirm.wait(client, "att-1", "token")
        assert raised.value.timeout == timeout
        assert sum(sleeps) == pytest.approx(timeout, abs=1)

    def test_an_error_ends_it(self, scripted_responses, sleeps):
        """An error that botocore gave up on is raised; waiting does not retry once more."""
        once = attach_confirm.client("us-west-2", config=Config(retries={"total_max_attempts": 2}))
        sent = scripted_responses(
            once, "connectparticipant.GetTranscript", ConnectTimeoutError(endpoint_url="https://x")
        )
        with pytest.raises(ConnectTimeoutError):
            attach_confirm.wait(once, "att-1", "token")
        assert len(sent) == 2
        assert len(sleeps) == 1

    def test_a_status_that_is_unknown_ends_it(self, client, transcript, sleeps):
        """A status that the model does not have is not waited away."""
        transcript([item("SHREDDED")])
        with pytest.raises(UnexpectedResponseError):
            attach_confirm.wait(client, "att-1", "token")
        assert sleeps == []


def test_a_status_is_text():
    """A status compares with the service's own word, and prints as a program can use it."""
    assert AttachmentStatus.APPROVED == "APPROVED"
    assert AttachmentStatus("REJECTED").value == "REJECTED"
