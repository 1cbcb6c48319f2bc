import json
import os
import subprocess
import sys

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, NoRegionError, ProfileNotFound
from botocore.session import Session

import attach_confirm

DEFAULTS = {"connect_timeout": 10, "read_timeout": 30, "max_pool_connections": 50}
COMPLETE = "connectparticipant.CompleteAttachmentUpload"


def settings(client):
    return {name: getattr(client.meta.config, name) for name in DEFAULTS}


def count_attempts(client, scripted_responses):
    """Return how many times the client sends a request whose response is always HTTP 500."""
    requests = scripted_responses(client, COMPLETE, 500)
    with pytest.raises(ClientError):
        attach_confirm.confirm(client, "att-1", "token")
    return len(requests)


def test_returns_boto3_client():
    client = attach_confirm.client("eu-central-1")
    assert type(client).__name__ == "ConnectParticipant"
    assert client.meta.service_model.service_name == "connectparticipant"
    assert client.meta.region_name == "eu-central-1"
    assert client.meta.endpoint_url == "https://participant.connect.eu-central-1.amazonaws.com"


class TestDefaults:
    def test_default_settings(self, client, scripted_responses, sleeps):
        assert settings(client) == DEFAULTS
        assert client.meta.config.signature_version is UNSIGNED
        assert count_attempts(client, scripted_responses) == 3
        assert len(sleeps) == 2

    @pytest.mark.parametrize(
        ("variable", "value"),
        [
            ("AWS_RETRY_MODE", "legacy"),
            ("AWS_RETRY_MODE", "adaptive"),
            ("AWS_MAX_ATTEMPTS", "7"),
            ("AWS_DEFAULTS_MODE", "in-region"),
            ("AWS_NEW_RETRIES_2026", "false"),
        ],
    )
    def test_environment_is_ignored(self, monkeypatch, scripted_responses, variable, value):
        monkeypatch.setenv(variable, value)
        client = attach_confirm.client("us-west-2", session=boto3.Session())
        assert settings(client) == DEFAULTS
        assert client.meta.config.retries["mode"] == "standard"
        assert count_attempts(client, scripted_responses) == 3

    def test_profile_is_ignored(self, monkeypatch, tmp_path, scripted_responses):
        path = tmp_path / "config"
        path.write_text(
            "[default]\nretry_mode = legacy\nmax_attempts = 9\ndefaults_mode = mobile\n"
        )
        monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
        client = attach_confirm.client("us-west-2", session=boto3.Session())
        assert settings(client) == DEFAULTS
        assert count_attempts(client, scripted_responses) == 3

    def test_default_client_config_of_session_is_ignored(self, scripted_responses):
        botocore_session = Session()
        botocore_session.set_default_client_config(
            Config(read_timeout=1, retries={"mode": "legacy", "total_max_attempts": 9})
        )
        session = boto3.Session(botocore_session=botocore_session)
        client = attach_confirm.client("us-west-2", session=session)
        assert settings(client) == DEFAULTS
        assert count_attempts(client, scripted_responses) == 3


class TestUserConfig:
    @pytest.mark.parametrize(
        ("retries", "expected_attempts"),
        [
            ({"total_max_attempts": 5}, 5),
            ({"max_attempts": 0}, 1),
            ({"max_attempts": 3}, 4),
            ({"mode": "adaptive"}, 3),
            ({"mode": "legacy"}, 3),
            ({"mode": "legacy", "total_max_attempts": 2}, 2),
            ({}, 3),
        ],
    )
    def test_retries_override_defaults(self, scripted_responses, retries, expected_attempts):
        client = attach_confirm.client("us-west-2", config=Config(retries=retries))
        assert client.meta.config.retries["mode"] == retries.get("mode", "standard")
        assert count_attempts(client, scripted_responses) == expected_attempts

    def test_settings_override_defaults(self):
        user_config = Config(
            connect_timeout=1,
            proxies={"https": "http://proxy.example:3128"},
            user_agent_extra="my-app/1",
            client_cert="client.pem",
        )
        client = attach_confirm.client("us-west-2", config=user_config)
        config = client.meta.config
        assert settings(client) == {**DEFAULTS, "connect_timeout": 1}
        assert config.proxies == {"https": "http://proxy.example:3128"}
        assert config.user_agent_extra == "my-app/1"
        assert config.client_cert == "client.pem"

    def test_user_config_is_not_modified(self):
        user_config = Config(retries={"total_max_attempts": 2}, signature_version="v4")
        attach_confirm.client("us-west-2", config=user_config)
        assert user_config.signature_version == "v4"
        assert user_config.retries == {"total_max_attempts": 2}

    @pytest.mark.parametrize("version", ["v4", "bearer"])
    def test_signature_version_is_ignored(self, scripted_responses, version):
        client = attach_confirm.client("us-west-2", config=Config(signature_version=version))
        requests = scripted_responses(client, COMPLETE, (200, {}, {}))
        attach_confirm.confirm(client, "att-1", "token")
        assert "Authorization" not in requests[0].headers

    def test_kwargs_are_passed_to_boto3(self):
        client = attach_confirm.client(
            "us-west-2",
            endpoint_url="http://127.0.0.1:5000",
            api_version="2018-09-07",
            verify=False,
        )
        assert client.meta.endpoint_url == "http://127.0.0.1:5000"
        with pytest.raises(TypeError):
            attach_confirm.client("us-west-2", no_such_option=1)

    def test_fips_and_dual_stack_endpoint(self):
        config = Config(use_fips_endpoint=True, use_dualstack_endpoint=True)
        client = attach_confirm.client("us-west-2", config=config)
        assert client.meta.endpoint_url == "https://participant.connect-fips.us-west-2.api.aws"

    def test_endpoint_from_environment(self, monkeypatch):
        monkeypatch.setenv("AWS_ENDPOINT_URL_CONNECTPARTICIPANT", "http://127.0.0.1:5000")
        client = attach_confirm.client("us-west-2", session=boto3.Session())
        assert client.meta.endpoint_url == "http://127.0.0.1:5000"


class TestRegion:
    def test_argument_overrides_session(self):
        session = boto3.Session(region_name="ap-southeast-2")
        assert attach_confirm.client(session=session).meta.region_name == "ap-southeast-2"
        assert attach_confirm.client("us-west-2", session=session).meta.region_name == "us-west-2"

    def test_region_from_default_session(self, monkeypatch):
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "af-south-1")
        assert attach_confirm.client().meta.region_name == "af-south-1"

    def test_replaced_client_function_without_default_session(self, monkeypatch):
        """A test may replace `boto3.client`, which creates the default session."""
        monkeypatch.setattr(boto3, "client", boto3.Session().client)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        assert attach_confirm.client("us-west-2").meta.region_name == "us-west-2"

    def test_region_from_profile(self, monkeypatch, tmp_path):
        path = tmp_path / "config"
        path.write_text("[profile corp]\nregion = eu-west-2\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
        client = attach_confirm.client(session=boto3.Session(profile_name="corp"))
        assert client.meta.region_name == "eu-west-2"

    def test_missing_region_raises(self):
        with pytest.raises(NoRegionError):
            attach_confirm.client(session=boto3.Session())

    def test_unknown_profile_raises(self, monkeypatch):
        monkeypatch.setenv("AWS_PROFILE", "unknown")
        with pytest.raises(ProfileNotFound):
            attach_confirm.client("us-west-2", session=boto3.Session())


def test_clients_are_independent(scripted_responses):
    first, second = attach_confirm.client("us-west-2"), attach_confirm.client("us-west-2")
    first_requests = scripted_responses(first, COMPLETE, (200, {}, {}))
    second_requests = scripted_responses(second, COMPLETE, (200, {}, {}))
    attach_confirm.confirm(first, "att-1", "token")
    assert (len(first_requests), len(second_requests)) == (1, 0)


def test_steps_accept_client_of_boto3(fake, token):
    client = boto3.client("connectparticipant", region_name=fake.region_name)
    sent = attach_confirm.upload(client, b"abc", token, name="a.txt")
    assert attach_confirm.wait(client, sent.attachment_id, token) == "APPROVED"
    assert attach_confirm.connect(client, fake.participant_token()).token


# Python's audit hooks observe every name resolution, connection and subprocess.
PROGRAM = """
import json, sys
contacted = []
def hook(event, args):
    if event == "socket.connect":
        contacted.append(str(args[1][0]))
    elif event in ("socket.getaddrinfo", "subprocess.Popen"):
        contacted.append(str(args[0]))
sys.addaudithook(hook)
import attach_confirm
client = attach_confirm.client("us-west-2", endpoint_url=sys.argv[1])
connection = attach_confirm.connect(client, "participant")
sent = attach_confirm.upload(client, b"abc", connection.token, name="a.txt")
status = attach_confirm.wait(client, sent.attachment_id, connection.token)
print(json.dumps([status, sorted(set(contacted))]))
"""

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": "a-session-token",
}


class TestCredentials:
    @pytest.mark.parametrize(
        "environment",
        [
            {},
            {"AWS_DEFAULTS_MODE": "auto"},
            {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials"},
        ],
        ids=lambda environment: next(iter(environment), "empty"),
    )
    def test_credentials_are_not_resolved(self, http_server, environment):
        """The instance metadata service and the container endpoint are not contacted."""
        assert "AWS_EC2_METADATA_DISABLED" not in os.environ
        process = subprocess.run(
            [sys.executable, "-W", "error", "-c", PROGRAM, http_server.url],
            env={**os.environ, **environment},
            capture_output=True,
            check=False,
            text=True,
        )
        assert process.stderr == ""
        assert json.loads(process.stdout) == ["APPROVED", ["127.0.0.1"]]

    @pytest.mark.parametrize("source", ["none", "environment", "arguments"])
    def test_only_bearer_header_is_sent(self, monkeypatch, http_server, source):
        kwargs = {}
        if source == "environment":
            for name, value in CREDENTIALS.items():
                monkeypatch.setenv(name, value)
        elif source == "arguments":
            kwargs = {name.lower(): value for name, value in CREDENTIALS.items()}
        client = attach_confirm.client(
            "us-west-2", session=boto3.Session(), endpoint_url=http_server.url, **kwargs
        )
        attach_confirm.connect(client, "participant")
        sent = attach_confirm.upload(client, b"abc", "connection", name="a.txt")
        attach_confirm.wait(client, sent.attachment_id, "connection")
        client.close()
        assert len(http_server.requests) == 5
        for request in http_server.requests:
            names = {name.lower() for name, _ in request.headers}
            assert not names & {"authorization", "x-amz-security-token", "x-amz-date"}
            assert "AKIA" not in str(request.headers)
            token = b"participant" if request.path.endswith("/connection") else b"connection"
            expected = None if request.method == "PUT" else token
            assert dict(request.headers).get("X-Amz-Bearer") == expected

    def test_fake_needs_no_credentials(self, fake, token, recorded_requests):
        requests = recorded_requests(fake.client)
        attach_confirm.upload(fake.client, b"abc", token, name="a.txt")
        assert requests
        assert all("Authorization" not in request.headers for request in requests)
