"""The operations of Amazon Connect that change a chat after its start."""

import json
from datetime import datetime, timedelta, timezone

import boto3
import pytest
import requests

import attach_confirm
from attach_confirm_stubs import Throttle
from tests.fake.uploads import expect_error

EVENT_PREFIX = "application/vnd.amazonaws.connect.event."


@pytest.fixture
def connect(fake):
    """Return a client of Amazon Connect."""
    return boto3.client("connect", fake.region_name)


@pytest.fixture
def chat(fake):
    """Return a chat of a customer."""
    return fake.start_chat(attributes={"lang": "en"})


@pytest.fixture
def ids(chat):
    """Return the parameters that identify the chat."""
    return {"InstanceId": chat.instance_id, "ContactId": chat.contact_id}


@pytest.fixture
def initial_ids(chat):
    """Return the parameters that identify the chat by its first contact."""
    return {"InstanceId": chat.instance_id, "InitialContactId": chat.contact_id}


def test_stop_contact_ends_chat(fake, connect, chat, ids):
    token = attach_confirm.connect(fake.client, chat.participants[0].participant_token).token
    assert not chat.ended
    connect.stop_contact(**ids)
    assert chat.ended
    expect_error(
        fake.client, "AccessDeniedException", fake.client.get_transcript, ConnectionToken=token
    )
    _, ended = chat.transcript
    assert ended["ContentType"] == f"{EVENT_PREFIX}chat.ended"
    assert "ParticipantId" not in ended
    error = expect_error(connect, "ContactNotFoundException", connect.stop_contact, **ids)
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 410
    assert len(chat.transcript) == 2


def test_unknown_contact_not_found(connect, chat):
    """A contact of another instance is not found either."""
    for ids in (
        {"InstanceId": chat.instance_id, "ContactId": "unknown"},
        {"InstanceId": "other", "ContactId": chat.contact_id},
    ):
        not_found = "ResourceNotFoundException"
        expect_error(connect, "ContactNotFoundException", connect.stop_contact, **ids)
        expect_error(connect, not_found, connect.describe_contact, **ids)
        initial_ids = {"InstanceId": ids["InstanceId"], "InitialContactId": ids["ContactId"]}
        expect_error(connect, not_found, connect.get_contact_attributes, **initial_ids)
        expect_error(
            connect, not_found, connect.update_contact_attributes, Attributes={}, **initial_ids
        )
        details = {"ParticipantRole": "CUSTOM_BOT", "DisplayName": "Bot"}
        expect_error(
            connect, not_found, connect.create_participant, ParticipantDetails=details, **ids
        )


def test_create_participant_returns_token_of_bot(fake, connect, chat, ids):
    details = {"ParticipantRole": "CUSTOM_BOT", "DisplayName": "Bot"}
    first, again = (
        connect.create_participant(ParticipantDetails=details, ClientToken="1", **ids)
        for _ in range(2)
    )
    assert again["ParticipantId"] == first["ParticipantId"]
    bot = chat.participants[1]
    assert (bot.participant_id, bot.role, bot.display_name) == (
        first["ParticipantId"],
        "CUSTOM_BOT",
        "Bot",
    )
    credentials = first["ParticipantCredentials"]
    expires_at = datetime.fromisoformat(credentials["Expiry"].replace("Z", "+00:00"))
    assert expires_at > datetime.now(timezone.utc) + timedelta(hours=24)
    attach_confirm.connect(fake.client, credentials["ParticipantToken"])
    assert chat.participants[1].connected


@pytest.mark.parametrize(
    "details",
    [
        {"ParticipantRole": "AGENT", "DisplayName": "Ann"},
        {"DisplayName": "Ann"},
        {"ParticipantRole": "CUSTOM_BOT"},
        {"ParticipantRole": "BOGUS", "DisplayName": "Ann"},
    ],
)
def test_create_participant_invalid_details_rejected(connect, chat, ids, details):
    expect_error(
        connect,
        "InvalidRequestException",
        connect.create_participant,
        ParticipantDetails=details,
        **ids,
    )
    assert len(chat.participants) == 1


@pytest.mark.parametrize("code", ["InvalidRequestException", "ConflictException"])
def test_ended_contact_code_is_returned(fake, connect, ids, code):
    connect.stop_contact(**ids)
    if code != "InvalidRequestException":
        fake.assumptions.ended_contact = code
    details = {"ParticipantRole": "CUSTOM_BOT", "DisplayName": "Bot"}
    expect_error(connect, code, connect.create_participant, ParticipantDetails=details, **ids)


def test_attributes_are_merged_also_after_the_chat(connect, chat, ids, initial_ids):
    connect.stop_contact(**ids)
    connect.update_contact_attributes(Attributes={"a-1": "2", "lang": "de"}, **initial_ids)
    attributes = connect.get_contact_attributes(**initial_ids)["Attributes"]
    assert attributes == chat.attributes == {"a-1": "2", "lang": "de"}


@pytest.mark.parametrize("attributes", [{"a.b": "1"}, {"a": "x" * 32_768}])
def test_invalid_attributes_rejected(connect, chat, initial_ids, attributes):
    expect_error(
        connect,
        "InvalidRequestException",
        connect.update_contact_attributes,
        Attributes=attributes,
        **initial_ids,
    )
    assert chat.attributes == {"lang": "en"}


def test_attribute_that_is_not_a_string_rejected(chat, initial_ids):
    scope = "AKIA/20260101/us-east-1/connect/aws4_request"
    response = requests.post(
        "https://connect.us-east-1.amazonaws.com/contact/attributes",
        json.dumps({"Attributes": {"a": 1}, **initial_ids}),
        headers={"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, x"},
        timeout=5,
    )
    assert response.headers["x-amzn-errortype"] == "InvalidRequestException"
    assert chat.attributes == {"lang": "en"}


def test_describe_contact_returns_members_of_chat(fake, connect, chat, ids):
    contact = connect.describe_contact(**ids)["Contact"]
    assert contact["Arn"].endswith(f":instance/{chat.instance_id}/contact/{chat.contact_id}")
    assert (contact["Id"], contact["InitialContactId"]) == (chat.contact_id, chat.contact_id)
    assert (contact["Channel"], contact["InitiationMethod"]) == ("CHAT", "API")
    assert contact["InitiationTimestamp"] == contact["LastUpdateTimestamp"]
    assert "DisconnectTimestamp" not in contact
    fake.clock.advance(60)
    connect.update_contact_attributes(
        InstanceId=chat.instance_id, InitialContactId=chat.contact_id, Attributes={}
    )
    connect.stop_contact(**ids)
    contact = connect.describe_contact(**ids)["Contact"]
    duration = contact["DisconnectTimestamp"] - contact["InitiationTimestamp"]
    assert timedelta(seconds=60) <= duration < timedelta(seconds=90)
    assert contact["LastUpdateTimestamp"] >= contact["InitiationTimestamp"] + timedelta(seconds=60)


def test_describe_contact_returns_details_of_start(connect):
    started = connect.start_chat_contact(
        InstanceId="i-1",
        ContactFlowId="f-1",
        ParticipantDetails={"DisplayName": "Jane"},
        RelatedContactId="c-0",
        CustomerId="customer-1",
    )
    contact = connect.describe_contact(InstanceId="i-1", ContactId=started["ContactId"])["Contact"]
    assert (contact["RelatedContactId"], contact["CustomerId"]) == ("c-0", "customer-1")


def test_throttle_uses_declared_code(fake, connect, ids):
    fake.inject("DescribeContact", *[Throttle()] * 5)
    expect_error(connect, "ThrottlingException", connect.describe_contact, **ids)


def test_other_method_is_an_unknown_operation(ids):
    """UpdateContact has the path of DescribeContact, and moto does not implement it either."""
    url = "https://connect.us-east-1.amazonaws.com/contacts/{InstanceId}/{ContactId}"
    response = requests.post(url.format(**ids), b"{}", timeout=5)
    assert response.status_code == 404
