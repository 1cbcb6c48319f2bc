"""Fixtures of the stubber's tests."""

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.stub import Stubber

from attach_confirm_stubs import ConnectParticipantStubber


@pytest.fixture
def stubber(client):
    """Return an active stubber that is not verified at teardown."""
    stubber = ConnectParticipantStubber(client)
    stubber.activate()
    yield stubber
    stubber.deactivate()


@pytest.fixture
def any_order_stubber(client):
    """Return an active stubber that accepts calls in any order."""
    stubber = ConnectParticipantStubber(client, any_order=True)
    stubber.activate()
    yield stubber
    stubber.deactivate()


@pytest.fixture(params=[Stubber, ConnectParticipantStubber])
def stubber_class(request):
    """Return botocore's class and ours in turn."""
    return request.param


@pytest.fixture
def sqs_client():
    """Return an unsigned client of another service."""
    return boto3.client("sqs", region_name="us-east-1", config=Config(signature_version=UNSIGNED))
