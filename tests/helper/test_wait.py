"""`wait` polls the status until the attachment is approved or rejected, or the time is up."""

import pytest
from botocore.config import Config
from botocore.exceptions import ConnectTimeoutError

import attach_confirm
from attach_confirm import (
    AttachmentRejectedError,
    AttachmentStatus,
    UnexpectedResponseError,
    WaitTimeoutError,
)

GET_TRANSCRIPT = "connectparticipant.GetTranscript"


@pytest.fixture
def script_statuses(client, scripted_responses):
    """Return a function that scripts the status at each poll; None leaves the attachment out.

    The function returns the list of recorded requests. The last status is repeated.
    """

    def script(*statuses):
        return scripted_responses(
            client,
            GET_TRANSCRIPT,
            *(
                (
                    200,
                    {
                        "Transcript": [
                            {"Attachments": [{"AttachmentId": "att-1", "Status": status}]}
                        ]
                        if status
                        else []
                    },
                    {},
                )
                for status in statuses
            ),
        )

    return script


def test_wait_approved_at_first_poll_does_not_sleep(client, script_statuses, sleeps):
    requests = script_statuses("APPROVED")
    assert attach_confirm.wait(client, "att-1", "token") is AttachmentStatus.APPROVED
    assert (len(requests), sleeps) == (1, [])


def test_wait_polls_with_backoff_until_approved(client, script_statuses, sleeps):
    requests = script_statuses(None, *["IN_PROGRESS"] * 6, "APPROVED")
    assert attach_confirm.wait(client, "att-1", "token") is AttachmentStatus.APPROVED
    assert len(requests) == 8
    assert sleeps == [0.5, 1, 2, 4, 5, 5, 5]


def test_wait_rejected_raises(client, script_statuses, sleeps):
    script_statuses("IN_PROGRESS", "REJECTED")
    with pytest.raises(AttachmentRejectedError) as raised:
        attach_confirm.wait(client, "att-1", "token")
    assert raised.value.attachment_id == "att-1"
    assert sleeps == [0.5]


@pytest.mark.parametrize(
    ("timeout", "expected_sleeps"),
    [
        (0, []),
        (0.25, [0.25]),
        (0.5, [0.5]),
        (2, [0.5, 1, 0.5]),
        (10.0, [0.5, 1, 2, 4, 2.5]),
        (None, [0.5, 1, 2, 4, *[5] * 22, 2.5]),
    ],
)
def test_wait_timeout(client, script_statuses, sleeps, timeout, expected_sleeps):
    """The last poll is at the end of the timeout, which is 120 seconds by default."""
    requests = script_statuses("IN_PROGRESS")
    kwargs = {} if timeout is None else {"timeout": timeout}
    with pytest.raises(WaitTimeoutError) as raised:
        attach_confirm.wait(client, "att-1", "token", **kwargs)
    assert len(requests) == len(expected_sleeps) + 1
    # The real clock runs during the test, which shortens the last sleep.
    assert sleeps == pytest.approx(expected_sleeps, abs=0.2)
    limit = 120.0 if timeout is None else timeout
    assert sum(sleeps) <= limit
    assert (raised.value.attachment_id, raised.value.status, raised.value.timeout) == (
        "att-1",
        AttachmentStatus.IN_PROGRESS,
        limit,
    )


def test_wait_slow_requests_count_against_the_timeout(client, script_statuses, sleeps, monkeypatch):
    """The requests take 3 seconds each."""
    requests = script_statuses("IN_PROGRESS")
    monkeypatch.setattr("attach_confirm._clock.monotonic", lambda: 3.0 * len(requests))
    with pytest.raises(WaitTimeoutError):
        attach_confirm.wait(client, "att-1", "token", timeout=5)
    assert (len(requests), sleeps) == (2, [0.5])


def test_wait_attachment_never_listed(client, script_statuses):
    script_statuses(None)
    with pytest.raises(WaitTimeoutError) as raised:
        attach_confirm.wait(client, "att-1", "token", timeout=0.5)
    assert raised.value.status is None


def test_wait_does_not_retry_errors(scripted_responses, sleeps):
    """The only sleep is the one between botocore's 2 attempts."""
    client = attach_confirm.client("us-west-2", config=Config(retries={"total_max_attempts": 2}))
    requests = scripted_responses(
        client, GET_TRANSCRIPT, ConnectTimeoutError(endpoint_url="https://x")
    )
    with pytest.raises(ConnectTimeoutError):
        attach_confirm.wait(client, "att-1", "token")
    assert len(requests) == 2
    assert len(sleeps) == 1


def test_wait_unknown_status_raises(client, script_statuses, sleeps):
    script_statuses("SHREDDED")
    with pytest.raises(UnexpectedResponseError):
        attach_confirm.wait(client, "att-1", "token")
    assert sleeps == []
