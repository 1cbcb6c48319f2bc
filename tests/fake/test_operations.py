"""The implemented operations, compared with botocore's service models."""

from typing import get_args

import pytest
from botocore import xform_name
from botocore.model import ServiceModel

from attach_confirm_stubs import _service_model
from attach_confirm_stubs.fake import _operations, _patterns, exceptions
from attach_confirm_stubs.fake.connect_responses import ConnectResponse
from attach_confirm_stubs.fake.responses import ConnectParticipantResponse


@pytest.fixture(scope="module")
def connect_model():
    """Return botocore's model of Amazon Connect."""
    loader = _service_model.builtin_loader()
    return ServiceModel(loader.load_service_model("connect", "service-2"), "connect")


def test_every_operation_of_the_participant_service_is_implemented():
    """An older botocore knows fewer operations."""
    names = get_args(_operations.ConnectParticipantOperation)
    assert set(_service_model.service_model().operation_names) <= set(names)
    for name in names:
        assert callable(getattr(ConnectParticipantResponse, xform_name(name)))


def test_operations_of_amazon_connect_have_methods_and_urls(connect_model):
    """Only these URLs are the fake's; moto handles the others."""
    for name in _operations.CONNECT_OPERATIONS:
        assert callable(getattr(ConnectResponse, xform_name(name)))
    for name in connect_model.operation_names:
        http = connect_model.operation_model(name).http
        path = http["requestUri"].partition("?")[0]
        for placeholder in ("{InstanceId}", "{ContactId}", "{InitialContactId}"):
            path = path.replace(placeholder, "x")
        url = f"https://connect.us-east-1.amazonaws.com{path}"
        is_ours = _patterns.CONNECT_URL.match(url) is not None
        assert is_ours or name not in _operations.CONNECT_OPERATIONS
        if is_ours and name not in _operations.CONNECT_OPERATIONS:
            # It has the path of another operation, and another method.
            assert name == "UpdateContact"


def test_errors_of_amazon_connect_have_the_declared_status(connect_model):
    for name in _operations.CONNECT_OPERATIONS:
        for shape in connect_model.operation_model(name).error_shapes:
            response = exceptions.ServiceError(shape.name, "").response
            assert response.status == shape.metadata["error"]["httpStatusCode"], shape.name


def test_error_codes_are_those_of_the_operation():
    assert _operations.error_codes("GetContactAttributes") == [
        "InvalidRequestException",
        "ResourceNotFoundException",
        "InternalServiceException",
    ]
