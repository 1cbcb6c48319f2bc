"""Drift between the test doubles and the service model of the installed botocore."""

import ast
import inspect
from typing import get_args
from urllib.parse import urlsplit

import pytest
from botocore import xform_name
from botocore.stub import Stubber

from attach_confirm_stubs import ConnectParticipantStubber, _service_model, modeled_errors
from attach_confirm_stubs._redaction import SECRET_MEMBERS
from attach_confirm_stubs.stubber import _methods
from attach_confirm_stubs.stubber._methods import StubMethods
from tests.stubber.helpers import OPERATIONS, call_operation

ERROR_STATUSES = {
    "AccessDeniedException": 403,
    "ConflictException": 409,
    "InternalServerException": 500,
    "ResourceNotFoundException": 404,
    "ServiceQuotaExceededException": 402,
    "ThrottlingException": 429,
    "ValidationException": 400,
}
COMMON_ERRORS = {
    "AccessDeniedException",
    "InternalServerException",
    "ThrottlingException",
    "ValidationException",
}
OPERATION_ERRORS = {
    "CompleteAttachmentUpload": {"ConflictException", "ServiceQuotaExceededException"},
    "DescribeView": {"ResourceNotFoundException"},
    "SendEvent": {"ConflictException"},
    "StartAttachmentUpload": {"ServiceQuotaExceededException"},
}
# Parameters that the oldest botocore that setup.cfg allows does not have.
NEW_PARAMETERS = {"UrlContentDisposition"}


def nested_members(shape):
    """Yield the name and shape of each member of a shape, including nested ones."""
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            yield name, member
            yield from nested_members(member)
    elif shape.type_name == "list":
        yield from nested_members(shape.member)


def missing_members(shape, value, path=""):
    """Yield the paths of the members that a value does not have."""
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            if name in value:
                yield from missing_members(member, value[name], f"{path}.{name}")
            else:
                yield f"{path}.{name}"
    elif shape.type_name == "list":
        for item in value:
            yield from missing_members(shape.member, item, path)


def urls(response):
    """Yield the URLs in a response."""
    for name, value in response.items():
        if isinstance(value, dict):
            yield from urls(value)
        elif name.endswith(("Url", "URL", "Uri", "URI")):
            yield value


def test_every_operation_has_a_method(client):
    methods = {name for name in vars(StubMethods) if name.startswith("stub_")}
    assert methods == {f"stub_{xform_name(name)}" for name in OPERATIONS}
    assert all(callable(getattr(client, xform_name(name))) for name in OPERATIONS)


def declared_parameters(operation):
    """Return the annotations of a method's parameters, as text, from its first overload."""
    (methods,) = (
        node.body
        for node in ast.parse(inspect.getsource(_methods)).body
        if isinstance(node, ast.ClassDef) and node.name == "StubMethods"
    )
    overload = next(
        node
        for node in methods
        if isinstance(node, ast.FunctionDef) and node.name == f"stub_{xform_name(operation)}"
    )
    return {argument.arg: ast.unparse(argument.annotation) for argument in overload.args.kwonlyargs}


def literal_values(annotation):
    """Yield the strings in a union of Literals."""
    for argument in get_args(annotation):
        if isinstance(argument, str):
            yield argument
        else:
            yield from literal_values(argument)


@pytest.mark.parametrize("name", OPERATIONS)
def test_method_parameters_are_those_of_the_operation(name):
    parameters = declared_parameters(name).keys() - {"error_code"}
    modeled = set(_service_model.operation(name).input_shape.members)
    assert modeled <= parameters
    assert parameters - modeled <= NEW_PARAMETERS
    assert not modeled & _methods.OPTIONS


@pytest.mark.parametrize("name", OPERATIONS)
def test_error_code_literals_are_those_of_the_operation(name):
    annotation = eval(declared_parameters(name)["error_code"], vars(_methods))
    assert set(literal_values(annotation)) == set(modeled_errors(name))


@pytest.mark.parametrize("name", OPERATIONS)
def test_default_response_is_complete(client, name):
    with ConnectParticipantStubber(client) as stubber:
        getattr(stubber, f"stub_{xform_name(name)}")()
        response = call_operation(client, name)
    missing = set(missing_members(_service_model.operation(name).output_shape, response))
    assert missing <= {".NextToken"}
    assert "NextToken" not in response
    assert all(
        urlsplit(url).hostname.endswith(".us-stub-1.amazonaws.com") for url in urls(response)
    )


@pytest.mark.parametrize("name", OPERATIONS)
def test_errors_and_statuses_are_known(name):
    codes = modeled_errors(name)
    assert set(codes) == COMMON_ERRORS | OPERATION_ERRORS.get(name, set())
    statuses = {code: _service_model.error_status(code) for code in codes}
    assert statuses == {code: ERROR_STATUSES[code] for code in codes}


def test_service_errors_are_known():
    """An error may be declared by the service and not yet by an operation."""
    shapes = _service_model.service_model().error_shapes
    assert {shape.name for shape in shapes} == set(ERROR_STATUSES)


def test_protocol_is_rest_json():
    """Stubbed responses are parsed with botocore's parser for this protocol."""
    assert _service_model.service_model().metadata["protocol"] == "rest-json"


def test_tokens_and_presigned_urls_are_redacted():
    model = _service_model.service_model()
    secrets = {
        name
        for shape_name in model.shape_names
        for name, member in nested_members(model.shape_for(shape_name))
        if name.endswith("Token") or member.name.startswith("PreSigned")
    }
    assert secrets - {"ClientToken", "NextToken"} <= SECRET_MEMBERS


def test_every_public_method_of_botocore_stubber_is_overridden():
    """An inherited method would use botocore's queue, which our stubber does not fill."""
    methods = {name for name, value in vars(Stubber).items() if callable(value)}
    public = {name for name in methods if not name.startswith("_")} | {"__enter__", "__exit__"}
    assert public <= vars(ConnectParticipantStubber).keys()
