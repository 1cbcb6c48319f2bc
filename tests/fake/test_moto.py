"""The fake as a moto backend: registration, accounts, regions, and the services of moto."""

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
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT_ID

import attach_confirm
from attach_confirm_stubs import FakeConnectParticipant, fake_connectparticipant
from attach_confirm_stubs import fake as backend_package
from attach_confirm_stubs.fake import connectparticipant_backends
from attach_confirm_stubs.fake._moto import s3_object
from tests.fake.uploads import start_pending

MOTO_CHANGED = "this moto has changed {}; see attach_confirm_stubs.fake._register"
REGION = "us-east-1"
OTHER_ACCOUNT = "111122223333"


def upload_and_download(client, token):
    """Upload two bytes, and return the bytes that are downloaded afterwards."""
    uploaded = attach_confirm.upload(client, b"\xff1", token, name="a.txt")
    attach_confirm.wait(client, uploaded.attachment_id, token)
    download = client.get_attachment(AttachmentId=uploaded.attachment_id, ConnectionToken=token)
    return requests.get(download["Url"], timeout=5).content


def run_python(code, **environ):
    """Run Python code in another process, with warnings as errors."""
    subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        check=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environ},
    )


def test_moto_finds_backend_by_name():
    backends = get_backend("connectparticipant")
    assert backends is connectparticipant_backends, MOTO_CHANGED.format("moto.backends.get_backend")


@pytest.mark.parametrize(
    "url",
    [
        "https://participant.connect.us-east-1.amazonaws.com/participant/transcript",
        "https://amzn-s3-demo-connect-attachments-123456789012-us-east-1.s3.us-east-1.amazonaws.com/staging/a",
        "https://connect.us-east-1.amazonaws.com/contact/chat",
    ],
)
def test_moto_finds_backend_first_by_url(url):
    names = [name for name, pattern in backend_url_patterns if pattern.match(url)]
    assert names[:1] == ["connectparticipant"], MOTO_CHANGED.format("moto.backend_index")


def test_reload_does_not_register_again():
    before = list(backend_url_patterns)
    importlib.reload(backend_package)
    assert backend_url_patterns == before


def test_import_inside_mock_aws():
    """Both botocore and `requests` reach a fake that is imported after the mock has started."""
    run_python(
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


def test_import_of_stubs_does_not_import_boto3():
    """Pytest imports the package at every start."""
    run_python(
        """
import sys
import attach_confirm_stubs

assert not {"boto3", "botocore", "moto"} & sys.modules.keys()
"""
    )


def test_import_ignores_aws_configuration():
    run_python("import attach_confirm_stubs.fake", AWS_PROFILE="no-such-profile")


def test_mock_aws_without_fixture_runs_upload():
    with mock_aws():
        handle = FakeConnectParticipant()
        client = boto3.client("connectparticipant", region_name=REGION)
        assert upload_and_download(client, handle.connection_token()) == b"\xff1"
        assert [attachment.state for attachment in handle.attachments] == ["APPROVED"]


@pytest.mark.parametrize(
    ("region", "suffix"),
    [
        ("us-west-2", "amazonaws.com"),
        ("eu-west-1", "amazonaws.com"),
        ("us-gov-west-1", "amazonaws.com"),
        ("us-gov-east-1", "amazonaws.com"),
        ("cn-north-1", "amazonaws.com.cn"),
    ],
)
def test_upload_url_has_host_of_region_and_partition(region, suffix):
    with fake_connectparticipant(region) as fake:
        client = boto3.client("connectparticipant", region_name=region)
        assert fake.client.meta.region_name == region
        token = fake.connection_token()
        assert upload_and_download(client, token) == b"\xff1"
        host = urlsplit(start_pending(fake, token).url).netloc
        assert host.endswith(f".s3.{region}.{suffix}")


def test_regions_are_isolated(fake, token):
    upload_and_download(fake.client, token)
    other = FakeConnectParticipant("us-west-2")
    with pytest.raises(other.client.exceptions.AccessDeniedException):
        other.client.get_transcript(ConnectionToken=token)
    assert upload_and_download(other.client, other.connection_token()) == b"\xff1"
    assert [chat.region_name for chat in fake.chats] == ["us-east-1", "us-west-2"]


def test_accounts_are_isolated(fake):
    backend = connectparticipant_backends[OTHER_ACCOUNT][REGION]
    participant = backend.add_participant(backend.start_chat())
    token = attach_confirm.connect(fake.client, participant.token).token
    assert upload_and_download(fake.client, token) == b"\xff1"
    assert connectparticipant_backends[ACCOUNT_ID][REGION].attachments == {}
    assert len(fake.attachments) == 1


def test_credentials_do_not_select_account(fake, token):
    """The token selects the account, and the signature is ignored."""
    sts = boto3.client("sts", region_name=REGION)
    role_arn = f"arn:aws:iam::{OTHER_ACCOUNT}:role/chat"
    credentials = sts.assume_role(RoleArn=role_arn, RoleSessionName="chat")["Credentials"]
    client = boto3.client(
        "connectparticipant",
        region_name=REGION,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
    assert upload_and_download(client, token) == b"\xff1"
    assert len(fake.attachments) == 1


def test_moto_account_id_variable(monkeypatch):
    monkeypatch.setenv("MOTO_ACCOUNT_ID", OTHER_ACCOUNT)
    with fake_connectparticipant() as fake:
        assert upload_and_download(fake.client, fake.connection_token()) == b"\xff1"
        assert len(fake.attachments) == 1


@pytest.mark.parametrize(
    "name",
    [
        "receipts",
        "amzn-s3-demo-connect-attachments-111122223333-prod",
        "amzn-s3-demo-connect-attachments-111122223333-us-west-2",
    ],
)
def test_other_buckets_belong_to_moto(fake, token, name):
    """The fake does not handle a bucket only because its name looks like an attachment bucket."""
    region = "us-west-2"
    s3 = boto3.client("s3", region_name=region, config=Config(signature_version="s3v4"))
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    upload_and_download(fake.client, token)
    s3.put_object(Bucket=name, Key="staging/a", Body=b"1")
    url = s3.generate_presigned_url("put_object", {"Bucket": name, "Key": "staging/b"})
    assert requests.put(url, b"22", timeout=5).status_code == 200
    objects = s3.list_objects_v2(Bucket=name)["Contents"]
    assert [(item["Key"], item["Size"]) for item in objects] == [("staging/a", 1), ("staging/b", 2)]


@pytest.mark.usefixtures("token")
def test_bucket_is_created_by_first_upload():
    assert boto3.client("s3", region_name=REGION).list_buckets()["Buckets"] == []


@pytest.mark.usefixtures("token")
def test_other_operations_of_connect_belong_to_moto():
    pytest.importorskip("moto.connect", reason="moto has it since 5.1.21")
    connect = boto3.client("connect", region_name=REGION)
    created = connect.create_instance(
        IdentityManagementType="SAML",
        InboundCallsEnabled=True,
        OutboundCallsEnabled=True,
        InstanceAlias="shop",
    )
    (instance,) = connect.list_instances()["InstanceSummaryList"]
    assert instance["Id"] == created["Id"]


@pytest.mark.parametrize("body", [b"123", io.BytesIO(b"123"), None], ids=["bytes", "file", "none"])
def test_request_of_botocore(fake, token, body):
    """Moto before 5.2.4 passes botocore's request, whose body has several types."""
    pending = start_pending(fake, token, size=4)
    headers = {name: value.encode() for name, value in pending.headers.items()}
    request = AWSPreparedRequest("PUT", pending.url, headers, body, stream_output=False)
    status, _, error = s3_object(request, pending.url, headers)
    assert status == 403
    assert b"SignatureDoesNotMatch" in error
