"""`attachments` lists the attachments of all pages of the transcript, each once."""

from datetime import datetime, timedelta, timezone

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

import attach_confirm
from attach_confirm import (
    AttachmentStatus,
    ChatAttachment,
    InvalidInputError,
    UnexpectedResponseError,
)
from attach_confirm_stubs import fake_connectparticipant, serve_connectparticipant

GET_TRANSCRIPT = "connectparticipant.GetTranscript"
MESSAGE = {"Type": "MESSAGE", "Content": "hello", "AbsoluteTime": "2026-11-24T08:00:00.000Z"}
SENT_AT = datetime(2026, 11, 24, 8, 0, 0, 500_000, tzinfo=timezone.utc)


def item(*attachments, **members):
    """Return a transcript item with attachments."""
    return {
        "Type": "ATTACHMENT",
        "AbsoluteTime": "2026-11-24T08:00:00.500Z",
        "ParticipantRole": "AGENT",
        "DisplayName": "Ada",
        "Attachments": list(attachments),
        **members,
    }


def attachment(attachment_id="att-1", status="APPROVED", **members):
    """Return an attachment of an item."""
    return {
        "AttachmentId": attachment_id,
        "AttachmentName": "../a.pdf",
        "ContentType": "application/pdf",
        "Status": status,
        **members,
    }


def page(*items, next_token=None):
    """Return the response to GetTranscript."""
    return (200, {"Transcript": items, **({"NextToken": next_token} if next_token else {})}, {})


def list_ids(client):
    """Return the IDs of all attachments."""
    return [listed.attachment_id for listed in attach_confirm.attachments(client, "token")]


def test_attachments_returns_all_members(client, scripted_responses):
    scripted_responses(client, GET_TRANSCRIPT, page(MESSAGE, item(attachment())))
    assert list(attach_confirm.attachments(client, "token")) == [
        ChatAttachment(
            attachment_id="att-1",
            name="../a.pdf",
            content_type="application/pdf",
            status=AttachmentStatus.APPROVED,
            participant_role="AGENT",
            display_name="Ada",
            sent_at=SENT_AT,
        )
    ]


@pytest.mark.parametrize(
    ("value", "sent_at"),
    [
        ("2026-11-24T08:00:00Z", SENT_AT.replace(microsecond=0)),
        ("2026-11-24T10:00:00.500+02:00", SENT_AT),
    ],
)
def test_attachments_time_is_utc(client, scripted_responses, value, sent_at):
    scripted_responses(client, GET_TRANSCRIPT, page(item(attachment(), AbsoluteTime=value)))
    (listed,) = attach_confirm.attachments(client, "token")
    assert listed.sent_at == sent_at
    assert listed.sent_at.utcoffset() == timedelta(0)


def test_attachments_missing_texts_are_empty(client, scripted_responses):
    scripted_responses(
        client,
        GET_TRANSCRIPT,
        page(
            {
                "AbsoluteTime": "2026-11-24T08:00:00.500Z",
                "Attachments": [{"AttachmentId": "att-1", "Status": "REJECTED"}],
            }
        ),
    )
    rejected = AttachmentStatus.REJECTED
    assert list(attach_confirm.attachments(client, "token")) == [
        ChatAttachment("att-1", "", "", rejected, "", "", SENT_AT)
    ]


def test_attachments_items_without_attachments_are_skipped(client, scripted_responses):
    """The service lists a rejected attachment as an item without data."""
    scripted_responses(
        client,
        GET_TRANSCRIPT,
        page(
            MESSAGE,
            {"Type": "ATTACHMENT"},
            item(),
            item({"AttachmentName": "a.pdf"}, {"AttachmentId": ""}),
            item(attachment("att-1"), attachment("att-2")),
        ),
    )
    assert list_ids(client) == ["att-1", "att-2"]


def test_attachments_newest_occurrence_wins(client, scripted_responses):
    scripted_responses(
        client,
        GET_TRANSCRIPT,
        page(item(attachment("a")), item(attachment("b")), next_token="2"),
        page(item(attachment("a", "IN_PROGRESS")), item(attachment("c"))),
    )
    listed = list(attach_confirm.attachments(client, "token"))
    assert [(one.attachment_id, one.status.value) for one in listed] == [
        ("a", "APPROVED"),
        ("b", "APPROVED"),
        ("c", "APPROVED"),
    ]


def test_attachments_pages_are_requested_when_they_are_reached(
    client, scripted_responses, recorded_requests
):
    scripted_responses(
        client,
        GET_TRANSCRIPT,
        page(item(attachment("a")), item(attachment("b")), next_token="2"),
        page(next_token="3"),
        page(item(attachment("c"))),
    )
    requests = recorded_requests(client)
    counts = [len(requests)]
    listed = attach_confirm.attachments(client, "token")
    counts.append(len(requests))
    counts.extend(len(requests) for _ in listed)
    assert counts == [0, 0, 1, 1, 3]
    parameters = {"MaxResults": 100, "ScanDirection": "BACKWARD", "SortOrder": "DESCENDING"}
    assert [request.body for request in requests] == [
        parameters,
        {**parameters, "NextToken": "2"},
        {**parameters, "NextToken": "3"},
    ]
    assert {request.headers["X-Amz-Bearer"] for request in requests} == {b"token"}


@pytest.mark.parametrize("tokens", [["2", "2"], ["2", "3", "2"]])
def test_attachments_repeated_next_token_raises(client, scripted_responses, tokens):
    scripted_responses(client, GET_TRANSCRIPT, *(page(next_token=token) for token in tokens))
    with pytest.raises(UnexpectedResponseError) as raised:
        list_ids(client)
    assert (raised.value.operation, raised.value.reason) == (
        "GetTranscript",
        "a NextToken was repeated",
    )


def test_attachments_empty_next_token_ends_the_transcript(client, scripted_responses):
    requests = scripted_responses(
        client, GET_TRANSCRIPT, (200, {"Transcript": [], "NextToken": ""}, {})
    )
    assert list_ids(client) == []
    assert len(requests) == 1


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ({}, "missing Transcript"),
        ({"Transcript": [item(attachment(status="NEW"))]}, "unknown attachment status 'NEW'"),
        (
            {"Transcript": [item(attachment(), AbsoluteTime="now")]},
            "invalid timestamp in AbsoluteTime: 'now'",
        ),
        ({"Transcript": [item(attachment(), AbsoluteTime=None)]}, "missing AbsoluteTime"),
    ],
)
def test_attachments_unexpected_response_raises(client, scripted_responses, response, reason):
    scripted_responses(client, GET_TRANSCRIPT, (200, response, {}))
    with pytest.raises(UnexpectedResponseError) as raised:
        list_ids(client)
    assert (raised.value.operation, raised.value.reason) == ("GetTranscript", reason)


def test_attachments_service_error_propagates(client, scripted_responses):
    scripted_responses(client, GET_TRANSCRIPT, 403)
    with pytest.raises(ClientError) as raised:
        list_ids(client)
    assert raised.value.operation_name == "GetTranscript"


def test_attachments_invalid_token_raises_before_the_iteration(client):
    with pytest.raises(InvalidInputError) as raised:
        attach_confirm.attachments(client, "a token")
    assert raised.value.parameter == "connection_token"


@given(
    pages=st.lists(
        st.lists(
            st.one_of(
                st.just(MESSAGE),
                st.lists(
                    st.builds(
                        attachment, st.sampled_from("abcde"), st.sampled_from(AttachmentStatus)
                    ),
                    max_size=3,
                ).map(lambda attachments: item(*attachments)),
            ),
            max_size=4,
        ),
        min_size=1,
        max_size=5,
    )
)
def test_attachments_property(client, scripted_responses, pages):
    """The result does not depend on where the pages end."""
    scripted_responses(
        client,
        GET_TRANSCRIPT,
        *(page(*items, next_token=str(n)) for n, items in enumerate(pages[:-1])),
        page(*pages[-1]),
    )
    expected = {}
    for items in pages:
        for one in items:
            for listed in one.get("Attachments", []):
                expected.setdefault(listed["AttachmentId"], listed["Status"])
    listed = attach_confirm.attachments(client, "token")
    assert [(one.attachment_id, one.status) for one in listed] == list(expected.items())


@pytest.mark.parametrize("create_fake", [fake_connectparticipant, serve_connectparticipant])
def test_attachments_of_the_fake(create_fake):
    with create_fake() as fake:
        client, token = fake.client, fake.connection_token()
        sent = [
            attach_confirm.upload(client, b"abc", token, name=f"{number}.pdf")
            for number in range(3)
        ]
        for _ in range(101):
            client.send_message(ContentType="text/plain", Content="hello", ConnectionToken=token)
        listed = list(attach_confirm.attachments(client, token))
    assert [(one.attachment_id, one.name) for one in listed] == [
        (upload.attachment_id, upload.name) for upload in reversed(sent)
    ]
    assert {(one.status, one.participant_role) for one in listed} == {
        (AttachmentStatus.APPROVED, "CUSTOMER")
    }
