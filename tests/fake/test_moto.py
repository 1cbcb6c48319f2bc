"""The fake as a part of moto: registration, reset, accounts, regions, and moto beside it."""

import importlib
import io
import os
import subprocess
import sys
from urllib.parse import urlsplit

import boto3
import pytest
import requests
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config
from moto import mock_aws
from moto.backend_index import backend_url_patterns
from moto.backends import get_backend

import attach_confirm
import attach_confirm_stubs
from attach_confirm_stubs import FakeConnectParticipant, fake_connectparticipant
from attach_confirm_stubs import fake as backend_package
from attach_confirm_stubs.fake import connectparticipant_backends
from attach_confirm_stubs.fake._moto import s3_object

MOVED = "this moto has changed {}: see what attach_confirm_stubs.fake._register says of it"
REGION = "us-east-1"
OTHER_ACCOUNT = "111122223333"


def flow(client, token):
    """Send a file the whole way, and return what its download holds."""
    sent = attach_confirm.upload(client, b"\xff1", token, name="a.txt")
    attach_confirm.wait(client, sent.attachment_id, token)
    there = client.get_attachment(AttachmentId=sent.attachment_id, ConnectionToken=token)
    return requests.get(there["Url"], timeout=5).content


def run(code, **environ):
    """Run Python code in a process of its own, with every warning an error."""
    subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        check=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environ},
    )


def test_moto_finds_the_backend_by_its_name():
    """The look-up that moto has for a service's backends finds the fake's."""
    found = get_backend("connectparticipant")
    assert found is connectparticipant_backends, MOVED.format("moto.backends.get_backend")


@pytest.mark.parametrize(
    "url",
    [
        "https://participant.connect.us-east-1.amazonaws.com/participant/transcript",
        "https://connect-attachments-123456789012-us-east-1.s3.us-east-1.amazonaws.com/staging/a",
        "https://connect.us-east-1.amazonaws.com/contact/chat",
    ],
)
def test_moto_finds_the_backend_by_its_urls(url):
    """The list that both of moto's entrances go through leads to the fake first."""
    leads = [name for name, pattern in backend_url_patterns if pattern.match(url)]
    assert leads[:1] == ["connectparticipant"], MOVED.format("moto.backend_index")


def test_importing_again_registers_nothing_twice():
    """A reload leaves moto's list of services as it was, so that no request is matched twice."""
    before = list(backend_url_patterns)
    importlib.reload(backend_package)
    assert backend_url_patterns == before


def test_the_import_may_come_after_the_mock():
    """Code that imports the fake when `mock_aws` is on already gets it, with any HTTP library."""
    run(
        """
import boto3, requests
from moto import mock_aws

with mock_aws():
    client = boto3.client("connectparticipant", region_name="us-east-1")
    import attach_confirm
    from attach_confirm_stubs import FakeConnectParticipant

    fake = FakeConnectParticipant()
    token = fake.connection_token()
    size = {"size": 1, "content_type": "text/plain", "connection_token": token}
    pending = attach_confirm.start(client, name="a", **size)
    wrong = requests.put(pending.url, b"1", timeout=5)
    assert wrong.status_code == 403, wrong.text
    right = requests.put(pending.url, b"1", headers=pending.headers, timeout=5)
    assert right.status_code == 200, right.text
    attach_confirm.confirm(client, pending.attachment_id, token)
    assert fake.attachments[0].state == "APPROVED"
"""
    )


def test_the_import_of_the_stubs_is_light():
    """The package, which pytest imports at every start, leaves boto3 and moto for later."""
    run(
        """
import sys
import attach_confirm_stubs

assert not {"boto3", "botocore", "moto"} & sys.modules.keys()
"""
    )


def test_the_import_reads_no_aws_configuration():
    """The fake can be imported where AWS is configured with a profile that does not exist."""
    run("import attach_confirm_stubs.fake", AWS_PROFILE="no-such-profile")


def test_the_package_has_its_public_names_and_no_others():
    """Each public name can be had from the package, and a wrong one is an AttributeError."""
    for name in attach_confirm_stubs.__all__:
        assert getattr(attach_confirm_stubs, name).__name__ == name
    with pytest.raises(AttributeError, match="'attach_confirm_stubs' has no attribute 'fakes'"):
        _ = attach_confirm_stubs.fakes


def test_plain_mock_aws_is_enough():
    """After the import, moto's own `mock_aws` runs the fake, and the handle looks into it."""
    with mock_aws():
        handle = FakeConnectParticipant()
        client = boto3.client("connectparticipant", region_name=REGION)
        assert flow(client, handle.connection_token()) == b"\xff1"
        assert [attachment.state for attachment in handle.attachments] == ["APPROVED"]


def test_state_ends_with_the_block():
    """Nothing of one block is left in the next: no token, no attachment, no item."""
    with fake_connectparticipant() as first:
        token = first.connection_token()
        flow(first.client, token)
        assert first.attachments
        assert first.transcript
    assert not connectparticipant_backends
    with fake_connectparticipant() as second:
        assert second.attachments == []
        assert second.transcript == []
        with pytest.raises(second.client.exceptions.AccessDeniedException):
            second.client.get_transcript(ConnectionToken=token)


def test_blocks_nest():
    """Inside `mock_aws`, the fake's block shares its state, and ends with the outermost."""
    with mock_aws():
        with fake_connectparticipant() as inner:
            token = inner.connection_token()
            flow(inner.client, token)
        with fake_connectparticipant() as again:
            assert len(again.attachments) == 1
            assert len(again.client.get_transcript(ConnectionToken=token)["Transcript"]) == 1
    with fake_connectparticipant() as after:
        assert after.attachments == []


def test_a_function_can_be_decorated():
    """As a decorator, the fake is there for each call anew, and the function stays what it is."""

    @fake_connectparticipant("us-west-2")
    def send(name, *, content):
        """Send a file."""
        handle = FakeConnectParticipant("us-west-2")
        attach_confirm.upload(handle.client, content, handle.connection_token(), name=name)
        return [(attachment.name, attachment.data) for attachment in handle.attachments]

    assert send.__name__ == "send"
    for name in ("a.txt", "b.txt"):
        assert send(name, content=b"1") == [(name, b"1")]


def test_the_block_ends_when_it_fails():
    """An exception leaves the block as it is, and the fake and moto with it."""

    @fake_connectparticipant()
    def fail():
        FakeConnectParticipant().connection_token()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not connectparticipant_backends
    assert "AWS_ACCESS_KEY_ID" not in os.environ


@pytest.mark.parametrize(
    "region", ["us-west-2", "eu-west-1", "us-gov-west-1", "us-gov-east-1", "cn-north-1"]
)
def test_every_region_has_a_service(region):
    """The fake is in each region that a boto3 client reaches, in each partition that moto knows."""
    with fake_connectparticipant(region) as fake:
        client = boto3.client("connectparticipant", region_name=region)
        assert fake.client.meta.region_name == region
        assert flow(client, fake.connection_token()) == b"\xff1"


def test_an_upload_in_china_goes_to_china():
    """The upload's place is in the partition of the region, as a real one would be."""
    for region, domain in (("cn-north-1", "amazonaws.com.cn"), ("us-east-1", "amazonaws.com")):
        with fake_connectparticipant(region) as fake:
            pending = attach_confirm.start(
                fake.client,
                name="a",
                size=1,
                content_type="text/plain",
                connection_token=fake.connection_token(),
            )
            assert urlsplit(pending.url).netloc.endswith(f".s3.{region}.{domain}")


def test_a_fips_endpoint_is_the_same_service(fake, token):
    """A client for FIPS endpoints sees the same chats."""
    client = attach_confirm.client(REGION, config=Config(use_fips_endpoint=True))
    assert "connect-fips" in client.meta.endpoint_url
    assert flow(client, token) == b"\xff1"
    assert [attachment.state for attachment in fake.attachments] == ["APPROVED"]


def test_regions_keep_apart(fake, token):
    """A token of one region is denied in another, whose attachments are its own."""
    flow(fake.client, token)
    other = FakeConnectParticipant("us-west-2")
    with pytest.raises(other.client.exceptions.AccessDeniedException):
        other.client.get_transcript(ConnectionToken=token)
    assert other.attachments == []
    assert flow(other.client, other.connection_token()) == b"\xff1"
    assert len(fake.attachments) == len(other.attachments) == 1


def test_accounts_keep_apart(fake):
    """A chat of another account works, and is not among the attachments of the first."""
    backend = connectparticipant_backends[OTHER_ACCOUNT][REGION]
    participant = backend.add_participant(backend.start_chat())
    token = attach_confirm.connect(fake.client, participant.token).token
    assert flow(fake.client, token) == b"\xff1"
    assert fake.attachments == []


def test_the_signature_is_nobodys(fake, token):
    """Whoever signs a request, in whichever account, the token alone counts."""
    sts = boto3.client("sts", region_name=REGION)
    role = f"arn:aws:iam::{OTHER_ACCOUNT}:role/chat"
    assumed = sts.assume_role(RoleArn=role, RoleSessionName="chat")["Credentials"]
    client = boto3.client(
        "connectparticipant",
        region_name=REGION,
        aws_access_key_id=assumed["AccessKeyId"],
        aws_secret_access_key=assumed["SecretAccessKey"],
        aws_session_token=assumed["SessionToken"],
    )
    assert flow(client, token) == b"\xff1"
    assert len(fake.attachments) == 1


def test_motos_account_id_does_not_matter(monkeypatch):
    """Where moto is told to be another account, the handle's tokens open the service too."""
    monkeypatch.setenv("MOTO_ACCOUNT_ID", OTHER_ACCOUNT)
    with fake_connectparticipant() as fake:
        assert flow(fake.client, fake.connection_token()) == b"\xff1"
        assert len(fake.attachments) == 1


@pytest.mark.parametrize(
    "name",
    [
        "receipts",
        "connect-attachments-111122223333-prod",
        "connect-attachments-111122223333-us-west-2",
    ],
)
def test_the_callers_own_bucket_is_motos(fake, token, name):
    """A bucket of the caller's own takes objects and pre-signed PUTs, whatever it is called."""
    region = "us-west-2"
    s3 = boto3.client("s3", region_name=region, config=Config(signature_version="s3v4"))
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    flow(fake.client, token)
    s3.put_object(Bucket=name, Key="staging/a", Body=b"1")
    url = s3.generate_presigned_url("put_object", {"Bucket": name, "Key": "staging/b"})
    assert requests.put(url, b"22", timeout=5).status_code == 200
    listed = s3.list_objects_v2(Bucket=name)["Contents"]
    assert [(item["Key"], item["Size"]) for item in listed] == [("staging/a", 1), ("staging/b", 2)]


@pytest.mark.usefixtures("token")
def test_no_bucket_is_there_before_a_file_is():
    """A test that lists its buckets finds none of the fake's until it sends a file."""
    assert boto3.client("s3", region_name=REGION).list_buckets()["Buckets"] == []


@pytest.mark.usefixtures("token")
def test_motos_connect_is_motos():
    """Amazon Connect's own API answers as moto does, beside the fake."""
    pytest.importorskip("moto.connect", reason="moto has it since 5.1.21")
    connect = boto3.client("connect", region_name=REGION)
    made = connect.create_instance(
        IdentityManagementType="SAML",
        InboundCallsEnabled=True,
        OutboundCallsEnabled=True,
        InstanceAlias="shop",
    )
    (listed,) = connect.list_instances()["InstanceSummaryList"]
    assert listed["Id"] == made["Id"]


@pytest.mark.parametrize("body", [b"123", io.BytesIO(b"123"), None])
def test_the_request_of_an_older_moto_is_read_too(fake, token, body):
    """Before 5.2.4 moto hands over botocore's own request, whose body is counted all the same."""
    pending = attach_confirm.start(
        fake.client, name="a", size=4, content_type="text/plain", connection_token=token
    )
    headers = {name: value.encode() for name, value in pending.headers.items()}
    request = AWSPreparedRequest("PUT", pending.url, headers, body, stream_output=False)
    status, _, error = s3_object(request, pending.url, headers)
    assert status == 403
    assert b"SignatureDoesNotMatch" in error
