"""The fake's connections and attachments, by plain boto3 calls."""

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import boto3
import pytest
import requests

import attach_confirm

DATA = b"\x89PNG\x00\xff"


@pytest.fixture
def signed(fake):
    """Return a client as boto3 makes it, which signs its requests."""
    return boto3.client("connectparticipant", region_name=fake.region_name)


def start(client, token, **params):
    """Announce DATA, with other parameters where they are named."""
    params = {
        "AttachmentName": "a.png",
        "AttachmentSizeInBytes": len(DATA),
        "ConnectionToken": token,
        "ContentType": "image/png",
        **params,
    }
    return client.start_attachment_upload(**params)


def put(started, data=DATA):
    """Send the bytes, and return the HTTP status."""
    upload = started["UploadMetadata"]
    answer = requests.put(upload["Url"], data, headers=upload["HeadersToInclude"], timeout=5)
    return answer.status_code


def complete(client, token, started, **params):
    """Confirm what was started."""
    return client.complete_attachment_upload(
        AttachmentIds=[started["AttachmentId"]], ConnectionToken=token, **params
    )


def sent(client, token):
    """Announce and send DATA, and return what start answered."""
    started = start(client, token)
    assert put(started) == 200
    return started


def refusal(client, code, call, *args, **params):
    """Return the answer to a call that the service refuses with a modelled error."""
    with pytest.raises(getattr(client.exceptions, code)) as refused:
        call(*args, **params)
    assert refused.value.response["Error"]["Code"] == code
    return refused.value.response


def test_plain_boto3_goes_the_whole_way(fake, signed):
    """A signed client connects, announces, sends, confirms and downloads."""
    connected = signed.create_participant_connection(
        ParticipantToken=fake.participant_token(),
        Type=["CONNECTION_CREDENTIALS"],
        ConnectParticipant=True,
    )
    token = connected["ConnectionCredentials"]["ConnectionToken"]
    started = sent(signed, token)
    confirmed = complete(signed, token, started)
    assert confirmed.keys() == {"ResponseMetadata"}
    assert confirmed["ResponseMetadata"]["HTTPStatusCode"] == 200
    there = signed.get_attachment(AttachmentId=started["AttachmentId"], ConnectionToken=token)
    assert there["AttachmentSizeInBytes"] == len(DATA)
    download = requests.get(there["Url"], timeout=5)
    assert (download.content, download.headers["Content-Type"]) == (DATA, "image/png")


def test_the_handle_shows_how_far_an_attachment_is(fake, token):
    """A test sees what was declared, what arrived, and the state at each step."""
    started = start(fake.client, token)
    (attachment,) = fake.attachments
    assert (attachment.state, attachment.data) == ("STARTED", b"")
    assert attachment.attachment_id == started["AttachmentId"]
    assert attachment.name == "a.png"
    assert attachment.content_type == "image/png"
    assert attachment.size == len(DATA)
    put(started)
    (attachment,) = fake.attachments
    assert (attachment.state, attachment.data) == ("UPLOADED", DATA)
    complete(fake.client, token, started)
    (attachment,) = fake.attachments
    assert (attachment.state, attachment.data) == ("APPROVED", DATA)
    assert "PNG" not in repr(attachment)


def test_the_handle_lists_attachments_of_all_chats_in_order(fake):
    """A test sees the attachments of every chat, the oldest first."""
    for name in ("a", "b", "c"):
        start(fake.client, fake.connection_token(), AttachmentName=name)
    assert [attachment.name for attachment in fake.attachments] == ["a", "b", "c"]


def test_start_answers_as_the_service(fake, token):
    """The upload's place comes in the shape that was seen of the real service."""
    answer = start(fake.client, token)
    assert answer["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "application/json"
    upload = answer["UploadMetadata"]
    headers = upload["HeadersToInclude"]
    assert headers.keys() == {
        "Content-Disposition",
        "Content-Length",
        "Content-Type",
        "x-amz-acl",
        "x-amz-meta-account_id",
        "x-amz-meta-contact_id",
        "x-amz-meta-initial_contact_id",
        "x-amz-meta-organization_id",
    }
    assert headers["Content-Disposition"] == 'attachment; filename="a.png"'
    assert headers["Content-Length"] == str(len(DATA))
    assert headers["Content-Type"] == "image/png"
    assert headers["x-amz-acl"] == "bucket-owner-full-control"
    assert headers["x-amz-meta-contact_id"] == headers["x-amz-meta-initial_contact_id"]
    expires_at = datetime.strptime(upload["UrlExpiry"], "%Y-%m-%dT%H:%M:%S%z")
    lifetime = (expires_at - datetime.now(timezone.utc)).total_seconds()
    assert 200 < lifetime <= 300
    assert "X-Amz-Expires=300" in upload["Url"]
    assert len(upload["Url"]) <= 2000


@pytest.mark.parametrize(
    ("kinds", "members"),
    [
        (["CONNECTION_CREDENTIALS"], {"ConnectionCredentials"}),
        (["WEBSOCKET"], {"Websocket"}),
        (["WEBSOCKET", "CONNECTION_CREDENTIALS"], {"ConnectionCredentials", "Websocket"}),
    ],
    ids=["credentials", "websocket", "both"],
)
def test_a_connection_holds_what_was_asked_for(fake, kinds, members):
    """CreateParticipantConnection answers with each kind of connection that it was asked for."""
    answer = fake.client.create_participant_connection(
        ParticipantToken=fake.participant_token(), Type=kinds
    )
    assert answer.keys() - {"ResponseMetadata"} == members


def test_a_connection_lasts_a_day(fake):
    """The connection token's expiry is a day away."""
    connection = attach_confirm.connect(fake.client, fake.participant_token())
    left = connection.expires_at - datetime.now(timezone.utc)
    assert timedelta(hours=23) < left <= timedelta(days=1)


def test_a_participant_may_connect_again(fake):
    """Both connections of a participant are in the same chat, and share its ClientTokens."""
    participant = fake.participant_token()
    first = attach_confirm.connect(fake.client, participant).token
    second = attach_confirm.connect(fake.client, participant).token
    assert first != second
    ids = {start(fake.client, t, ClientToken="once")["AttachmentId"] for t in (first, second)}
    assert len(ids) == 1


@pytest.fixture(params=["made up", "participant's", "expired"])
def wrong_token(request, fake):
    """Return something that is not a connection token, or no longer."""
    if request.param == "made up":
        return "made-up"
    if request.param == "participant's":
        return fake.participant_token()
    token = fake.connection_token()
    fake.clock.advance(24 * 3600)
    return token


def test_only_a_connection_token_opens(fake, wrong_token):
    """Any other token, the participant's own included, is answered as AWS does: denied, 403."""
    client = fake.client
    file = {"AttachmentName": "a", "AttachmentSizeInBytes": 1, "ContentType": "text/plain"}
    for call, params in (
        (client.start_attachment_upload, file),
        (client.complete_attachment_upload, {"AttachmentIds": ["att-1"]}),
        (client.get_attachment, {"AttachmentId": "att-1"}),
        (client.get_transcript, {}),
    ):
        answer = refusal(
            client, "AccessDeniedException", call, ConnectionToken=wrong_token, **params
        )
        assert answer["Error"]["Message"] == "Access denied"
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert fake.attachments == []


def test_only_a_participant_token_connects(fake, token):
    """A connection token where a participant token belongs is denied."""
    for wrong in (token, "made-up"):
        refusal(
            fake.client,
            "AccessDeniedException",
            fake.client.create_participant_connection,
            ParticipantToken=wrong,
            Type=["CONNECTION_CREDENTIALS"],
        )


def test_what_is_too_long_is_refused(fake, token):
    """The service refuses what botocore lets pass, and names the parameter."""
    client = fake.client
    longest = {"AttachmentName": 256, "ContentType": 255, "ClientToken": 500}
    for name, length in (*longest.items(), ("ConnectionToken", 1000)):
        params = {name: "x" * (length + 1)}
        answer = refusal(client, "ValidationException", start, client, token, **params)
        assert answer["Error"]["Message"] == (
            f"1 validation error(s) detected: Value at '{name}' failed to satisfy constraint: "
            f"Member must have length less than or equal to {length}"
        )
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    start(client, token, **{name: "x" * length for name, length in longest.items()})


@pytest.mark.parametrize("ids", [["a", "b"], ["x" * 257]], ids=["two", "long"])
def test_complete_takes_one_id(fake, token, ids):
    """Two ids in one call, which botocore lets pass, are refused, and so is one too long."""
    client = fake.client
    call = client.complete_attachment_upload
    response = refusal(
        client, "ValidationException", call, AttachmentIds=ids, ConnectionToken=token
    )
    assert "AttachmentIds" in response["Error"]["Message"]


def test_two_ids_confirm_neither(fake, token):
    """A call with two attachments that could each be confirmed confirms none."""
    client = fake.client
    ids = [sent(client, token)["AttachmentId"] for _ in range(2)]
    call = client.complete_attachment_upload
    refusal(client, "ValidationException", call, AttachmentIds=ids, ConnectionToken=token)
    assert [attachment.state for attachment in fake.attachments] == ["UPLOADED"] * 2


def test_the_same_client_token_starts_once(fake, token):
    """StartAttachmentUpload repeated under its ClientToken gives the first answer again."""
    first, second = (start(fake.client, token, ClientToken="once") for _ in range(2))
    assert first["AttachmentId"] == second["AttachmentId"]
    assert first["UploadMetadata"] == second["UploadMetadata"]
    assert len(fake.attachments) == 1


def test_another_client_token_starts_another(fake, token):
    """StartAttachmentUpload under botocore's own tokens starts one attachment a call."""
    first, second = (start(fake.client, token) for _ in range(2))
    assert first["AttachmentId"] != second["AttachmentId"]
    assert first["UploadMetadata"]["Url"] != second["UploadMetadata"]["Url"]


def test_a_client_token_is_the_participants_own(fake):
    """Two chats may use the same ClientToken without seeing each other's answers."""
    first, second = (
        start(fake.client, fake.connection_token(), ClientToken="once") for _ in range(2)
    )
    assert first["AttachmentId"] != second["AttachmentId"]


def test_a_client_token_is_the_operations_own(fake, token):
    """A ClientToken that started an attachment can confirm it too."""
    started = start(fake.client, token, ClientToken="once")
    put(started)
    complete(fake.client, token, started, ClientToken="once")
    assert fake.attachments[0].state == "APPROVED"


def test_completing_again_under_the_same_client_token_is_the_same_answer(fake, token):
    """A confirmation that is repeated under its ClientToken succeeds, and counts once."""
    started = sent(fake.client, token)
    for _ in range(2):
        complete(fake.client, token, started, ClientToken="once")
    assert len(fake.transcript) == 1


def test_completing_again_under_another_client_token_is_a_conflict(fake, token):
    """A confirmation that is repeated as if it were new is refused, and changes nothing."""
    client = fake.client
    started = sent(client, token)
    complete(client, token, started)
    response = refusal(client, "ConflictException", complete, client, token, started)
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 409
    assert response["Error"]["Message"] == (
        "An attachment with that identifier is already being uploaded."
    )
    assert len(fake.transcript) == 1
    assert fake.attachments[0].data == DATA


def test_completing_before_the_put_is_refused(fake, token):
    """A confirmation of bytes that never came is refused, and works once they came."""
    client = fake.client
    started = start(client, token)
    for _ in range(2):
        refusal(client, "ValidationException", complete, client, token, started, ClientToken="once")
    assert fake.transcript == []
    put(started)
    complete(client, token, started, ClientToken="once")
    assert fake.attachments[0].state == "APPROVED"


def test_bytes_that_are_gone_were_not_uploaded(fake, token):
    """A confirmation is refused when the staged bytes were deleted, as a lifecycle rule does."""
    client = fake.client
    started = sent(client, token)
    s3 = boto3.client("s3", region_name=fake.region_name)
    (bucket,) = s3.list_buckets()["Buckets"]
    (staged,) = s3.list_objects_v2(Bucket=bucket["Name"])["Contents"]
    s3.delete_object(Bucket=bucket["Name"], Key=staged["Key"])
    refusal(client, "ValidationException", complete, client, token, started)
    assert fake.transcript == []


def test_a_confirmed_file_leaves_the_staging_place(fake, token):
    """A confirmation moves the bytes, so that one object holds them."""
    started = sent(fake.client, token)
    s3 = boto3.client("s3", region_name=fake.region_name)
    (bucket,) = s3.list_buckets()["Buckets"]
    (before,) = s3.list_objects_v2(Bucket=bucket["Name"])["Contents"]
    complete(fake.client, token, started)
    (after,) = s3.list_objects_v2(Bucket=bucket["Name"])["Contents"]
    assert before["Key"] != after["Key"]
    assert before["ETag"] == after["ETag"]


def test_a_put_after_the_confirmation_changes_nothing(fake, token):
    """A PUT that was repeated, and arrives late, undoes no confirmation."""
    client = fake.client
    started = sent(client, token)
    complete(client, token, started)
    put(started, DATA[::-1])
    assert (fake.attachments[0].state, fake.attachments[0].data) == ("APPROVED", DATA)
    refusal(client, "ConflictException", complete, client, token, started)
    assert len(fake.transcript) == 1


@pytest.mark.parametrize("method", ["complete", "get"])
def test_an_id_never_given_out_is_refused(fake, token, method):
    """An attachment that there is not can be neither confirmed nor downloaded."""
    client = fake.client
    if method == "complete":
        call, params = client.complete_attachment_upload, {"AttachmentIds": ["att-1"]}
    else:
        call, params = client.get_attachment, {"AttachmentId": "att-1"}
    refusal(client, "ValidationException", call, ConnectionToken=token, **params)


def test_another_chats_attachment_is_out_of_reach(fake, token):
    """An attachment can be neither confirmed nor downloaded from another chat."""
    client = fake.client
    started, stranger = sent(client, token), fake.connection_token()
    refusal(client, "AccessDeniedException", complete, client, stranger, started)
    complete(client, token, started)
    refusal(
        client,
        "AccessDeniedException",
        client.get_attachment,
        AttachmentId=started["AttachmentId"],
        ConnectionToken=stranger,
    )
    assert client.get_transcript(ConnectionToken=stranger)["Transcript"] == []


def test_others_in_the_chat_see_the_attachment(fake):
    """An agent in the customer's chat finds the attachment in the transcript and gets it."""
    customer = fake.connection_token(display_name="Jane")
    contact_id = fake.client.get_transcript(ConnectionToken=customer)["InitialContactId"]
    agent = fake.connection_token(contact_id=contact_id, role="AGENT", display_name="Joe")
    started = sent(fake.client, customer)
    complete(fake.client, customer, started)
    (item,) = fake.client.get_transcript(ConnectionToken=agent)["Transcript"]
    assert (item["DisplayName"], item["ParticipantRole"]) == ("Jane", "CUSTOMER")
    there = fake.client.get_attachment(AttachmentId=started["AttachmentId"], ConnectionToken=agent)
    assert requests.get(there["Url"], timeout=5).content == DATA


def test_only_a_confirmed_attachment_can_be_downloaded(fake, token):
    """GetAttachment is refused until the attachment is approved."""
    client = fake.client
    started = start(client, token)
    params = {"AttachmentId": started["AttachmentId"], "ConnectionToken": token}
    refusal(client, "ValidationException", client.get_attachment, **params)
    put(started)
    refusal(client, "ValidationException", client.get_attachment, **params)
    complete(client, token, started)
    assert client.get_attachment(**params)["AttachmentSizeInBytes"] == len(DATA)


@pytest.mark.parametrize(("asked", "lifetime"), [({}, 300), ({"UrlExpiryInSeconds": 5}, 5)])
def test_a_download_url_lives_as_long_as_asked(fake, token, asked, lifetime):
    """GetAttachment's URL expires after 300 seconds, or after those that were asked for."""
    started = sent(fake.client, token)
    complete(fake.client, token, started)
    there = fake.client.get_attachment(
        AttachmentId=started["AttachmentId"], ConnectionToken=token, **asked
    )
    expires_at = datetime.strptime(there["UrlExpiry"], "%Y-%m-%dT%H:%M:%S.%f%z")
    left = expires_at - datetime.now(timezone.utc)
    assert lifetime - 5 < left.total_seconds() <= lifetime
    assert f"X-Amz-Expires={lifetime}&" in there["Url"]


def test_a_chat_takes_35_attachments(fake, token):
    """The 36th is refused with 402; what was started can be asked for again, and others start."""
    client = fake.client
    for number in range(35):
        started = start(client, token, ClientToken=str(number))
    response = refusal(client, "ServiceQuotaExceededException", start, client, token)
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 402
    assert response["Error"]["Message"] == (
        "The number of attachments per contact exceeds the quota."
    )
    again = start(client, token, ClientToken="34")
    assert again["AttachmentId"] == started["AttachmentId"]
    start(client, fake.connection_token())
    assert len(fake.attachments) == 36


@pytest.fixture
def hasty():
    """Return a pool of threads that Python switches between as often as it can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    with ThreadPoolExecutor(8) as pool:
        yield pool
    sys.setswitchinterval(interval)


def test_many_threads_share_the_fake(fake, hasty):
    """Uploads of many threads at once, looked at all the while, do not disturb each other."""
    client = fake.client

    def chat(_):
        token = fake.connection_token()
        for _ in range(5):
            uploaded = attach_confirm.upload(client, DATA, token, name="a.png")
            attach_confirm.wait(client, uploaded.attachment_id, token)
            seen = {(a.state, a.data) for a in fake.attachments}
            assert seen <= {
                ("STARTED", b""),
                ("STARTED", DATA),
                ("UPLOADED", DATA),
                ("APPROVED", DATA),
            }

    list(hasty.map(chat, range(8)))
    assert [(a.state, a.data) for a in fake.attachments] == [("APPROVED", DATA)] * 40


def test_threads_with_one_client_token_start_once(fake, token, hasty):
    """The same StartAttachmentUpload from many threads at once is one attachment."""
    client = fake.client
    answers = list(hasty.map(lambda _: start(client, token, ClientToken="once"), range(16)))
    assert len({answer["AttachmentId"] for answer in answers}) == 1
    assert len(fake.attachments) == 1
