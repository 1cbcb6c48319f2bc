"""Settings and fixtures of all tests."""

import os
from importlib.metadata import version

import pytest
from hypothesis import HealthCheck, settings

from attach_confirm_stubs import fake_connectparticipant

pytest_plugins = [
    "tests.support.certificates",
    "tests.support.responses",
    "tests.support.servers",
    "tests.support.stubs",
]

settings.register_profile(
    "attach-confirm",
    database=None,
    deadline=None,
    derandomize=True,
    max_examples=50,
    # No example changes the client of the function-scoped fixture, so all examples can share it.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
# mutmut runs the tests several times in one process, which fails the check differing_executors.
settings.register_profile(
    "mutants",
    settings.get_profile("attach-confirm"),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "attach-confirm"))


def pytest_report_header():
    """List the versions of the packages that the tests use."""
    names = ("boto3", "botocore", "moto", "tenacity", "urllib3")
    return ", ".join(f"{name} {version(name)}" for name in names)


@pytest.fixture(autouse=True)
def isolated_aws_env(monkeypatch, tmp_path):
    """Remove AWS configuration, credentials and proxies from the environment."""
    for name in list(os.environ):
        upper = name.upper()
        if upper.startswith("AWS_") or upper.endswith("_PROXY") or upper == "REQUESTS_CA_BUNDLE":
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "no-credentials"))


@pytest.fixture
def fake():
    """Run the fake of the service in this process."""
    with fake_connectparticipant() as fake:
        yield fake


@pytest.fixture
def token(fake):
    """Return a connection token of the fake."""
    return fake.connection_token()
