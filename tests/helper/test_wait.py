"""`wait` polls the status until the attachment is approved or rejected, or the time is over."""

import json
import logging

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

import attach_confirm
from attach_confirm import (
    Action,
    AttachmentRejectedError,
    AttachmentStatus,
    InvalidInputError,
    UnexpectedResponseError,
    WaitTimeoutError,
    advise,
)
from tests.support.responses import make_response

GET_TRANSCRIPT = "connectparticipant.GetTranscript"


@pytest.fixture
def script_statuses(client, scripted_responses):
    """Return a function that scripts the status at each poll; None omits the attachment.

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
def test_wait_timeout_raises(client, script_statuses, sleeps, timeout, expected_sleeps):
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


@pytest.mark.parametrize("timeout", [-1, float("inf"), float("nan"), None, "5", True])
def test_wait_invalid_timeout_raises(client, recorded_requests, timeout):
    requests = recorded_requests(client)
    with pytest.raises(InvalidInputError) as raised:
        attach_confirm.wait(client, "att-1", "token", timeout=timeout)
    assert raised.value.parameter == "timeout"
    assert raised.value.reason == f"must be 0 or more seconds, and finite, not {timeout!r}"
    assert requests == []


@pytest.mark.parametrize("arguments", [("", "token"), ("att-1", "tok en")])
def test_wait_invalid_argument_raises(client, recorded_requests, arguments):
    requests = recorded_requests(client)
    with pytest.raises(InvalidInputError):
        attach_confirm.wait(client, *arguments)
    assert requests == []


def test_wait_in_long_chat_reads_only_new_items(client, sleeps):
    """The rejected item has no attachment, so `wait` looks for it until the end of the timeout."""
    items = [{"Id": f"m{index}", "Type": "MESSAGE"} for index in range(3000)]
    requests = []

    def serve(request, **_):
        requests.append(request)
        start = int(json.loads(request.body).get("NextToken", 0))
        page = {"Transcript": items[start : start + 100], "NextToken": str(start + 100)}
        if start + 100 >= len(items):
            del page["NextToken"]
        return make_response(request.url, (200, page, {}))

    client.meta.events.register_first(f"before-send.{GET_TRANSCRIPT}", serve)
    with pytest.raises(WaitTimeoutError):
        attach_confirm.wait(client, "att-1", "token")
    assert len(requests) == 30 + len(sleeps)


def test_wait_ends_between_pages_at_the_timeout(client, scripted_responses, monkeypatch):
    """Each page takes 3 seconds, so the transcript is not read to its end."""
    requests = scripted_responses(
        client,
        GET_TRANSCRIPT,
        *[(200, {"Transcript": [], "NextToken": str(page)}, {}) for page in range(9)],
    )
    monkeypatch.setattr("attach_confirm._clock.monotonic", lambda: 3.0 * len(requests))
    with pytest.raises(WaitTimeoutError) as raised:
        attach_confirm.wait(client, "att-1", "token", timeout=5)
    assert len(requests) == 2
    assert (raised.value.status, raised.value.timeout) == (None, 5)


def test_wait_with_timeout_of_zero_reads_one_page(client, scripted_responses):
    requests = scripted_responses(
        client, GET_TRANSCRIPT, (200, {"Transcript": [], "NextToken": "2"}, {})
    )
    with pytest.raises(WaitTimeoutError):
        attach_confirm.wait(client, "att-1", "token", timeout=0)
    assert len(requests) == 1


def test_wait_keeps_the_last_status_if_the_last_poll_is_incomplete(
    client, scripted_responses, sleeps
):
    item = {"Id": "a", "Attachments": [{"AttachmentId": "att-1", "Status": "IN_PROGRESS"}]}
    scripted_responses(
        client,
        GET_TRANSCRIPT,
        (200, {"Transcript": [item]}, {}),
        (200, {"Transcript": [{"Id": "b"}], "NextToken": "2"}, {}),
    )
    with pytest.raises(WaitTimeoutError) as raised:
        attach_confirm.wait(client, "att-1", "token", timeout=0.5)
    assert raised.value.status is AttachmentStatus.IN_PROGRESS
    assert sleeps == pytest.approx([0.5], abs=0.2)


def test_wait_error_has_attachment_id(client, scripted_responses):
    scripted_responses(client, GET_TRANSCRIPT, 403)
    with pytest.raises(ClientError) as raised:
        attach_confirm.wait(client, "att-1", "token")
    advice = advise(raised.value)
    assert (advice.action, advice.attachment_id) == (Action.RECONNECT, "att-1")


def test_wait_with_unresponsive_service_ends_after_one_attempt(
    scripted_responses, monkeypatch, sleeps
):
    """Each attempt takes 2 seconds; botocore would make two more."""
    client = attach_confirm.client("us-west-2")
    requests = scripted_responses(
        client, GET_TRANSCRIPT, ReadTimeoutError(endpoint_url="https://x")
    )
    monkeypatch.setattr("attach_confirm._clock.monotonic", lambda: 2.0 * len(requests))
    with pytest.raises(WaitTimeoutError) as raised:
        attach_confirm.wait(client, "att-1", "token", timeout=1)
    assert (len(requests), sleeps) == (1, [])
    assert advise(raised.value).action is Action.CHECK


def test_wait_verdict_is_logged(client, script_statuses, caplog):
    caplog.set_level(logging.INFO, "attach_confirm")
    script_statuses("APPROVED", "REJECTED", "IN_PROGRESS")
    attach_confirm.wait(client, "att-1", "secret-token")
    for error_class in (AttachmentRejectedError, WaitTimeoutError):
        with pytest.raises(error_class):
            attach_confirm.wait(client, "att-1", "secret-token", timeout=0)
    assert caplog.messages == [
        "wait: attachment att-1: approved",
        "wait: attachment att-1: rejected",
        "wait: attachment att-1: neither approved nor rejected after 0 seconds",
    ]
