"""`client` makes a plain boto3 client that nothing but its caller changes."""

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, NoRegionError, ProfileNotFound
from botocore.session import Session

import attach_confirm
from attach_confirm import InvalidInputError

PINNED = {"connect_timeout": 10, "read_timeout": 30, "max_pool_connections": 50}


def shown(client):
    """Return what a client's config says of what is pinned."""
    config = client.meta.config
    return {name: getattr(config, name) for name in PINNED}


def attempts(client, scripted_responses):
    """Return how often a client sends a request that fails for the moment."""
    sent = scripted_responses(client, "connectparticipant.CompleteAttachmentUpload", 500)
    with pytest.raises(ClientError):
        attach_confirm.confirm(client, "att-1", "token")
    return len(sent)


def test_plain():
    """It is boto3's own client of the service, in the region that was asked for."""
    client = attach_confirm.client("eu-central-1")
    assert type(client).__name__ == "ConnectParticipant"
    assert client.meta.service_model.service_name == "connectparticipant"
    assert client.meta.region_name == "eu-central-1"
    assert client.meta.endpoint_url == "https://participant.connect.eu-central-1.amazonaws.com"


def test_pinned(client, scripted_responses, sleeps):
    """Timeouts, the pool and the attempts are this library's, and it signs nothing."""
    assert shown(client) == PINNED
    assert client.meta.config.signature_version is UNSIGNED
    assert attempts(client, scripted_responses) == 3
    assert len(sleeps) == 2


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AWS_RETRY_MODE", "legacy"),
        ("AWS_RETRY_MODE", "adaptive"),
        ("AWS_MAX_ATTEMPTS", "7"),
        ("AWS_DEFAULTS_MODE", "in-region"),
        ("AWS_DEFAULTS_MODE", "mobile"),
        ("AWS_NEW_RETRIES_2026", "false"),
    ],
)
def test_the_environment_changes_nothing(monkeypatch, scripted_responses, variable, value):
    """A variable that tunes other clients of the machine does not change this one."""
    monkeypatch.setenv(variable, value)
    client = attach_confirm.client("us-west-2", session=boto3.Session())
    assert shown(client) == PINNED
    assert client.meta.config.retries["mode"] == "standard"
    assert attempts(client, scripted_responses) == 3


def test_the_configuration_file_changes_nothing(monkeypatch, tmp_path, scripted_responses):
    """Nor does a profile that tunes them."""
    path = tmp_path / "config"
    path.write_text("[default]\nretry_mode = legacy\nmax_attempts = 9\ndefaults_mode = mobile\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    client = attach_confirm.client("us-west-2", session=boto3.Session())
    assert shown(client) == PINNED
    assert attempts(client, scripted_responses) == 3


def test_a_sessions_own_config_changes_nothing(scripted_responses):
    """Nor does the config that a session gives to all its clients."""
    inner = Session()
    inner.set_default_client_config(
        Config(read_timeout=1, retries={"mode": "legacy", "total_max_attempts": 9})
    )
    client = attach_confirm.client("us-west-2", session=boto3.Session(botocore_session=inner))
    assert shown(client) == PINNED
    assert attempts(client, scripted_responses) == 3


@pytest.mark.parametrize(
    ("retries", "expected"),
    [
        ({"total_max_attempts": 1}, 1),
        ({"total_max_attempts": 5}, 5),
        ({"max_attempts": 0}, 1),
        ({"max_attempts": 3}, 4),
        ({"mode": "standard"}, 3),
        ({"mode": "adaptive"}, 3),
        ({"mode": "legacy"}, 3),
        ({"mode": "legacy", "total_max_attempts": 2}, 2),
        ({}, 3),
        (None, 3),
    ],
)
def test_the_callers_retries_win(scripted_responses, retries, expected):
    """The caller's number of attempts and mode count, and ours for what was left out."""
    client = attach_confirm.client("us-west-2", config=Config(retries=retries))
    mode = (retries or {}).get("mode", "standard")
    assert client.meta.config.retries["mode"] == mode
    assert attempts(client, scripted_responses) == expected


def test_the_callers_config_wins():
    """What the caller's config sets counts, and the rest stays pinned."""
    given = Config(
        connect_timeout=1,
        proxies={"https": "http://proxy.example:3128"},
        user_agent_extra="my-app/1",
        client_cert="client.pem",
    )
    client = attach_confirm.client("us-west-2", config=given)
    config = client.meta.config
    assert shown(client) == {**PINNED, "connect_timeout": 1}
    assert config.proxies == {"https": "http://proxy.example:3128"}
    assert config.user_agent_extra == "my-app/1"
    assert config.client_cert == "client.pem"


def test_the_callers_config_is_left_alone():
    """A config that is used for other clients too is not written to."""
    given = Config(retries={"total_max_attempts": 2}, signature_version="v4")
    attach_confirm.client("us-west-2", config=given)
    assert given.signature_version == "v4"
    assert given.retries == {"total_max_attempts": 2}


@pytest.mark.parametrize("version", ["v4", "s3v4", "bearer"])
def test_unsigned_whatever_the_config(scripted_responses, version):
    """A config that asks for signatures does not get them."""
    client = attach_confirm.client("us-west-2", config=Config(signature_version=version))
    sent = scripted_responses(client, "connectparticipant.CompleteAttachmentUpload", (200, {}, {}))
    attach_confirm.confirm(client, "att-1", "token")
    assert "Authorization" not in sent[0].headers


def test_keywords_go_to_boto3():
    """Whatever else boto3's `client` takes, this one takes."""
    client = attach_confirm.client(
        "us-west-2", endpoint_url="http://127.0.0.1:5000", api_version="2018-09-07", verify=False
    )
    assert client.meta.endpoint_url == "http://127.0.0.1:5000"
    with pytest.raises(TypeError):
        attach_confirm.client("us-west-2", no_such_option=1)


def test_fips_and_dual_stack():
    """The endpoint's variants are chosen by the config, as for other clients."""
    config = Config(use_fips_endpoint=True, use_dualstack_endpoint=True)
    client = attach_confirm.client("us-west-2", config=config)
    assert client.meta.endpoint_url == "https://participant.connect-fips.us-west-2.api.aws"


def test_the_endpoints_variable(monkeypatch):
    """A fake can be put in the service's place by AWS's own variable."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_CONNECTPARTICIPANT", "http://127.0.0.1:5000")
    client = attach_confirm.client("us-west-2", session=boto3.Session())
    assert client.meta.endpoint_url == "http://127.0.0.1:5000"


def test_region_of_the_session():
    """Without a region, the session's counts."""
    session = boto3.Session(region_name="ap-southeast-2")
    assert attach_confirm.client(session=session).meta.region_name == "ap-southeast-2"
    assert attach_confirm.client("us-west-2", session=session).meta.region_name == "us-west-2"


def test_region_of_the_environment(monkeypatch):
    """Without a session too, boto3's default one's counts."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "af-south-1")
    assert attach_confirm.client().meta.region_name == "af-south-1"


def test_no_region():
    """No region at all is botocore's own error, raised at once."""
    with pytest.raises(NoRegionError):
        attach_confirm.client(session=boto3.Session())


def test_profiles(monkeypatch, tmp_path):
    """A session's profile counts, one named `default` too, though no file holds it."""
    path = tmp_path / "config"
    path.write_text("[profile corp]\nregion = eu-west-2\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    corp = attach_confirm.client(session=boto3.Session(profile_name="corp"))
    assert corp.meta.region_name == "eu-west-2"
    plain = attach_confirm.client("us-west-2", session=boto3.Session())
    assert plain.meta.region_name == "us-west-2"


def test_an_unknown_profile(monkeypatch):
    """A profile that the environment names and no file holds is botocore's own error."""
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(ProfileNotFound):
        attach_confirm.client("us-west-2", session=boto3.Session())


def test_clients_are_apart(scripted_responses):
    """What one client is made to do, another is not."""
    one, other = attach_confirm.client("us-west-2"), attach_confirm.client("us-west-2")
    ones = scripted_responses(one, "connectparticipant.CompleteAttachmentUpload", (200, {}, {}))
    others = scripted_responses(other, "connectparticipant.CompleteAttachmentUpload", (200, {}, {}))
    attach_confirm.confirm(one, "att-1", "token")
    assert (len(ones), len(others)) == (1, 0)


def test_a_client_that_boto3_made(fake, token):
    """Every step takes a plain boto3 client too, signed or not."""
    plain = boto3.client("connectparticipant", region_name=fake.region_name)
    sent = attach_confirm.upload(plain, b"abc", token, name="a.txt")
    assert attach_confirm.wait(plain, sent.attachment_id, token) == "APPROVED"
    assert attach_confirm.connect(plain, fake.participant_token()).token


def test_an_argument_of_the_wrong_service_is_no_value_error_of_ours():
    """A refusal names the argument `client`, where it is a client of something else."""
    with pytest.raises(InvalidInputError) as refused:
        attach_confirm.status(boto3.client("sqs", region_name="us-west-2"), "att-1", "token")
    assert refused.value.parameter == "client"
