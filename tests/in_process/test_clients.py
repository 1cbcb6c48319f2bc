"""Which boto3 clients reach the fake during a block, and that this is undone afterwards."""

import gc
import os
from contextlib import ExitStack
from threading import Thread

import boto3
import botocore
import botocore.handlers
import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config
from botocore.exceptions import ConnectionError as BotocoreConnectionError
from botocore.exceptions import NoCredentialsError
from moto import mock_aws
from moto.core.models import botocore_stubber

import attach_confirm
from attach_confirm_stubs import (
    ConnectParticipantStubber,
    FakeConnectParticipant,
    ServerError,
    fake_connectparticipant,
    serve_connectparticipant,
)
from attach_confirm_stubs.in_process._attempts import UnservedAttemptError

CHAT = {
    "InstanceId": "11111111-1111-1111-1111-111111111111",
    "ContactFlowId": "22222222-2222-2222-2222-222222222222",
    "ParticipantDetails": {"DisplayName": "Jane"},
}
EVENTS = ("before-send.x.Y", "choose-signer.x.Y", "before-sign.x.Y")


@pytest.fixture(autouse=True)
def without_instance_metadata(monkeypatch):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def old_session(monkeypatch):
    """Return a function that creates a session like those before the import of moto."""
    handlers = [item for item in botocore.handlers.BUILTIN_HANDLERS if item[1] != botocore_stubber]

    def create(**kwargs):
        with monkeypatch.context() as patch:
            patch.setattr(botocore.handlers, "BUILTIN_HANDLERS", handlers)
            return boto3.Session(botocore_session=botocore.session.Session(), **kwargs)

    return create


def start_chat(connect, participant):
    """Start a chat and connect the customer, and return the connection token."""
    token = connect.start_chat_contact(**CHAT)["ParticipantToken"]
    response = participant.create_participant_connection(
        ParticipantToken=token, Type=["CONNECTION_CREDENTIALS"]
    )
    return response["ConnectionCredentials"]["ConnectionToken"]


def responses_of_handlers(client):
    """Return what the handlers of a client return for a request that is not sent."""
    kwargs = {
        "request": AWSPreparedRequest("GET", client.meta.endpoint_url, {}, None, False),
        "signature_version": "v4",
        "context": {},
        "signing_name": "x",
        "region_name": None,
        "request_signer": None,
    }
    kwargs["request"].context = {}
    return [
        response
        for name in EVENTS
        for _, response in client.meta.events.emit(name, **kwargs)
        if response is not None
    ]


@pytest.fixture
def aws_credentials(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.mark.parametrize("region", ["us-east-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1"])
@pytest.mark.parametrize("has_credentials", [True, False])
def test_early_clients_reach_fake(old_session, region, has_credentials, monkeypatch):
    if has_credentials:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    session = old_session(region_name=region)
    connect, participant = session.client("connect"), session.client("connectparticipant")
    s3, sns = session.client("s3"), session.client("sns")
    helper = attach_confirm.client(region)
    with fake_connectparticipant(region) as fake:
        token = start_chat(connect, participant)
        attach_confirm.upload(helper, b"abc", token, name="a.txt")
        location = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket="files", **({} if region == "us-east-1" else location))
        s3.put_object(Bucket="files", Key="a.txt", Body=b"abc")
        assert s3.get_object(Bucket="files", Key="a.txt")["Body"].read() == b"abc"
        if has_credentials:
            url = s3.generate_presigned_url("get_object", {"Bucket": "files", "Key": "a"})
            assert "AKIDEXAMPLE" in url
        arn = sns.create_topic(Name="chats")["TopicArn"]
        assert f":{region}:123456789012:" in arn
        assert [attachment.data for attachment in fake.attachments] == [b"abc"]
        assert [chat.region_name for chat in fake.chats] == [region]
    assert [responses_of_handlers(client) for client in (connect, participant, s3)] == [[]] * 3


@pytest.mark.usefixtures("aws_credentials")
def test_clients_created_inside_reach_fake(old_session):
    session = old_session(region_name="us-east-1")
    session.get_credentials()
    with fake_connectparticipant() as fake:
        for creator in (session, boto3, boto3.Session()):
            connect = creator.client("connect", region_name="us-east-1")
            participant = creator.client("connectparticipant", region_name="us-east-1")
            start_chat(connect, participant)
        thread = Thread(target=start_chat, args=(session.client("connect"), participant))
        thread.start()
        thread.join()
        assert len(fake.chats) == 4
    assert responses_of_handlers(connect) == []


def test_client_of_session_without_credentials_starts_chat():
    """A session that was created with its own variables may not see moto's credentials."""
    variables = {"config_file": (None, None, os.devnull, None)}
    with fake_connectparticipant() as fake:
        session = botocore.session.Session(session_vars=variables)
        session.register_component("credential_provider", NoCredentials())
        participant = session.create_client("connectparticipant", region_name="us-east-1")
        for config in (None, Config(signature_version=botocore.UNSIGNED)):
            connect = session.create_client("connect", region_name="us-east-1", config=config)
            connect.start_chat_contact(**CHAT)
        with pytest.raises(NoCredentialsError):
            participant.create_participant_connection(ParticipantToken="a-token")
        assert len(fake.chats) == 2


class NoCredentials:
    def load_credentials(self):
        return None


def test_credentials_of_early_client_are_not_refreshed(old_session):
    """Real credentials may come from a service that is not to be called."""
    session = old_session(region_name="us-east-1")
    session._session.set_credentials("AKIDEXAMPLE", "secret")
    connect = session.client("connect")
    session.get_credentials().get_frozen_credentials = None
    with fake_connectparticipant() as fake:
        connect.start_chat_contact(**CHAT)
        assert len(fake.chats) == 1


def test_credentials_of_new_client_select_account():
    with fake_connectparticipant() as fake:
        role = {"RoleArn": "arn:aws:iam::111122223333:role/chats", "RoleSessionName": "test"}
        credentials = boto3.client("sts", "us-east-1").assume_role(**role)["Credentials"]
        connect = boto3.client(
            "connect",
            region_name="us-east-1",
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
        )
        connect.start_chat_contact(**CHAT)
        assert fake.chats[0]._backend.account_id == "111122223333"


ENDPOINT = "http://127.0.0.1:9"
CONFIG_FILE = """
[default]
services = local
[profile dev]
endpoint_url = http://127.0.0.1:9/
[services local]
connect =
    endpoint_url = http://127.0.0.1:9
connectparticipant =
    endpoint_url = http://127.0.0.1:9/base
"""


@pytest.mark.parametrize(
    "env",
    [
        {"AWS_ENDPOINT_URL": ENDPOINT},
        {
            "AWS_ENDPOINT_URL_CONNECTPARTICIPANT": f"{ENDPOINT}/base",
            "AWS_ENDPOINT_URL_CONNECT": ENDPOINT,
        },
        {"AWS_CONFIG_FILE": "config"},
        {"AWS_CONFIG_FILE": "config", "AWS_PROFILE": "dev"},
    ],
)
@pytest.mark.usefixtures("aws_credentials")
def test_configured_endpoints_ignored(old_session, env, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").write_text(CONFIG_FILE)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    session = old_session(region_name="eu-west-1")
    connect, participant = session.client("connect"), session.client("connectparticipant")
    assert ENDPOINT in participant.meta.endpoint_url
    assert ENDPOINT in connect.meta.endpoint_url
    with fake_connectparticipant() as fake:
        start_chat(connect, participant)
        for new_session in (session, boto3.Session(region_name="eu-west-1")):
            start_chat(new_session.client("connect"), new_session.client("connectparticipant"))
        explicit = session.client("connect", endpoint_url=f"{ENDPOINT}")
        start_chat(explicit, participant)
        assert [chat.region_name for chat in fake.chats] == ["eu-west-1"] * 4
    assert {name: os.environ[name] for name in env} == env
    assert "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" not in os.environ


@pytest.mark.usefixtures("aws_credentials")
def test_bucket_at_configured_endpoint_reaches_moto(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:9")
    s3 = boto3.client("s3", region_name="us-east-1")
    with fake_connectparticipant():
        s3.create_bucket(Bucket="files")
        s3.put_object(Bucket="files", Key="a.txt", Body=b"abc")
        assert s3.list_objects_v2(Bucket="files")["KeyCount"] == 1


@pytest.mark.usefixtures("aws_credentials")
def test_endpoint_unknown_to_moto_captured():
    """The request gets the domain that moto knows."""
    client = boto3.client("sts", "us-east-1", endpoint_url="https://sts.us-east-1.api.aws")
    with fake_connectparticipant():
        assert client.get_caller_identity()["Account"] == "123456789012"


@pytest.mark.usefixtures("aws_credentials")
def test_other_explicit_endpoint_left_alone(http_server, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", http_server.url)
    clients = []
    with ExitStack() as stack:
        for _ in ("early", "late"):
            clients.append(boto3.client("s3", "us-east-1", endpoint_url=http_server.url))
            clients.append(attach_confirm.client("us-east-1", endpoint_url=http_server.url))
            if len(clients) == 2:
                fake = stack.enter_context(fake_connectparticipant())
        for s3, participant in (clients[:2], clients[2:]):
            s3.put_object(Bucket="files", Key="a.txt", Body=b"abc")
            attach_confirm.connect(participant, "a-token")
        assert len(http_server.requests) == 4
        assert fake.calls == []


def test_request_of_captured_client_to_other_host_left_alone():
    client = attach_confirm.client("us-east-1")
    request = AWSPreparedRequest("PUT", "https://files.example/a", {}, b"abc", False)
    with fake_connectparticipant():
        ((_, response),) = client.meta.events.emit("before-send.s3.PutObject", request=request)[:1]
        assert response is None


def test_client_of_served_fake_left_alone():
    with serve_connectparticipant() as server, fake_connectparticipant() as fake:
        assert attach_confirm.connect(server.client, server.participant_token())
        assert fake.client.meta.endpoint_url.endswith(".amazonaws.com")


@pytest.mark.parametrize(
    "url",
    [
        "https://vpce-1.participant.connect.us-west-2.vpce.amazonaws.com",
        "https://PARTICIPANT.CONNECT-FIPS.us-west-2.amazonaws.com",
        "https://participant.connect.us-west-2.api.aws",
    ],
)
def test_explicit_endpoint_of_aws_captured(url):
    client = attach_confirm.client("us-west-2", endpoint_url=url)
    with fake_connectparticipant("us-west-2") as fake:
        assert attach_confirm.connect(client, fake.participant_token())


def test_nested_and_repeated_blocks_capture_once(old_session):
    connect = old_session(region_name="us-east-1").client("connect")
    with fake_connectparticipant() as fake:
        with fake_connectparticipant(), mock_aws():
            connect.start_chat_contact(**CHAT)
        connect.start_chat_contact(**CHAT)
        assert len(fake.chats) == len(fake.calls("StartChatContact")) == 2
    assert responses_of_handlers(connect) == []
    with fake_connectparticipant() as fake:
        connect.start_chat_contact(**CHAT)
        assert len(fake.chats) == 1


def test_exception_removes_handlers(old_session):
    connect = old_session(region_name="us-east-1").client("connect")
    original = botocore.client.BaseClient.__init__
    with pytest.raises(KeyboardInterrupt), fake_connectparticipant():
        raise KeyboardInterrupt
    assert responses_of_handlers(connect) == []
    assert botocore.client.BaseClient.__init__ is original
    assert botocore_stubber.enabled is False


def test_surrounding_mock_aws_works_afterwards():
    with mock_aws():
        client = boto3.client("sts", region_name="us-east-1")
        with fake_connectparticipant():
            assert client.get_caller_identity()["Account"] == "123456789012"
        assert client.get_caller_identity()["Account"] == "123456789012"


def test_retries_and_faults_apply_to_early_client(old_session):
    session = old_session(region_name="us-east-1")
    participant = session.client("connectparticipant")
    with fake_connectparticipant() as fake:
        fake.inject("CreateParticipantConnection", ServerError())
        attach_confirm.connect(participant, fake.participant_token())
        (call,) = fake.calls("CreateParticipantConnection")
        assert [attempt.status for attempt in call.attempts] == [500, 200]


def test_stubber_on_early_client_takes_precedence(old_session):
    participant = old_session(region_name="us-east-1").client("connectparticipant")
    with fake_connectparticipant() as fake:
        with ConnectParticipantStubber(participant) as stubber:
            stubber.stub_create_participant_connection()
            attach_confirm.connect(participant, "a-token")
        assert fake.calls == []


@pytest.fixture
def call_sts():
    """Return a function whose call cannot be served, because moto would send it to AWS."""

    def call():
        with pytest.raises(BotocoreConnectionError, match=r"sts.*moto does not serve"):
            client.get_caller_identity()

    with mock_aws(config={"core": {"passthrough": {"services": ["sts"]}}}):
        client = boto3.client("sts", region_name="us-east-1")
        yield call


def test_swallowed_unserved_request_fails_block(call_sts):
    with pytest.raises(UnservedAttemptError, match=r"called sts\..*\n.*serve"):
        fake_connectparticipant()(call_sts)()


def test_exception_of_block_is_kept(call_sts):
    def fail():
        call_sts()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), fake_connectparticipant():
        fail()


def test_unserved_request_fails_block_in_which_it_was_sent(call_sts):
    def nest():
        call_sts()
        with fake_connectparticipant():
            FakeConnectParticipant().start_chat()

    with pytest.raises(UnservedAttemptError):
        fake_connectparticipant()(nest)()


@pytest.mark.usefixtures("aws_credentials")
def test_client_of_aiobotocore_rejected():
    class AioBaseClient(botocore.client.BaseClient):
        __module__ = "aiobotocore.client"

    session = botocore.session.Session()
    session.get_component("event_emitter").register(
        "creating-client-class", lambda base_classes, **_: base_classes.insert(0, AioBaseClient)
    )
    client = session.create_client("connectparticipant", region_name="us-east-1")

    @fake_connectparticipant()
    def call():
        token = FakeConnectParticipant().participant_token()
        with pytest.raises(RuntimeError, match=r"aiobotocore.*serve_connectparticipant"):
            client.create_participant_connection(ParticipantToken=token)

    with pytest.raises(UnservedAttemptError):
        call()


def test_frozen_client_is_not_found(old_session):
    """Its class is new, so it is searched for among the objects that the collector tracks."""
    connect = old_session(region_name="us-east-1").client("connect")
    gc.freeze()
    try:
        with fake_connectparticipant():
            assert responses_of_handlers(connect) == []
    finally:
        gc.unfreeze()
