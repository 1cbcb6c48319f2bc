"""The doubles know all of the service that the installed botocore knows."""

import inspect

import pytest
from botocore import xform_name
from botocore.stub import Stubber

import attach_confirm
from attach_confirm_stubs import ConnectParticipantStubber, _service_model, modeled_errors
from attach_confirm_stubs._redaction import SECRET_MEMBERS
from attach_confirm_stubs.stubber._methods import StubMethods, StubOptions

OPERATIONS = _service_model.service_model().operation_names
STATUSES = {
    "AccessDeniedException": 403,
    "ConflictException": 409,
    "InternalServerException": 500,
    "ResourceNotFoundException": 404,
    "ServiceQuotaExceededException": 402,
    "ThrottlingException": 429,
    "ValidationException": 400,
}
EVERYWHERE = {
    "AccessDeniedException",
    "InternalServerException",
    "ThrottlingException",
    "ValidationException",
}
ELSEWHERE = {
    "CompleteAttachmentUpload": {"ConflictException", "ServiceQuotaExceededException"},
    "DescribeView": {"ResourceNotFoundException"},
    "SendEvent": {"ConflictException"},
    "StartAttachmentUpload": {"ServiceQuotaExceededException"},
}
# What botocore learnt after the oldest release that setup.cfg admits.
NEWER = {"UrlContentDisposition"}


def members(shape):
    """Yield the name and shape of each member of a shape, nested ones included."""
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            yield name, member
            yield from members(member)
    elif shape.type_name == "list":
        yield from members(shape.member)


def absent(shape, value, path=""):
    """Yield the members that a value lacks."""
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            if name in value:
                yield from absent(member, value[name], f"{path}.{name}")
            else:
                yield f"{path}.{name}"
    elif shape.type_name == "list":
        for item in value:
            yield from absent(shape.member, item, path)


def test_every_operation_can_be_stubbed():
    """An operation that a new botocore brings is missed here first."""
    own = {name for name in vars(StubMethods) if name.startswith("stub_")}
    assert own == {f"stub_{xform_name(name)}" for name in OPERATIONS}


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_stub_takes_the_operations_own_parameters(name):
    """A `stub_<operation>` has exactly the parameters of the operation's input."""
    method = getattr(StubMethods, f"stub_{xform_name(name)}")
    signature = inspect.signature(method)
    own = set(signature.parameters) - {"self", "options"}
    modelled = set(_service_model.operation(name).input_shape.members)
    assert modelled <= own
    assert own - modelled <= NEWER
    assert str(signature).count(" = UNSET") == len(own)


@pytest.mark.parametrize("name", OPERATIONS)
def test_no_option_has_a_parameters_name(name):
    """An option of the stubs cannot hide a parameter of the service."""
    assert not set(StubOptions.__annotations__) & set(
        _service_model.operation(name).input_shape.members
    )


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_default_answer_is_complete(client, name):
    """A stub without a response answers with every member but the token of a next page."""
    model = _service_model.operation(name)
    method = xform_name(name)
    with ConnectParticipantStubber(client) as stubber:
        getattr(stubber, f"stub_{method}")()
        answer = getattr(client, method)(**required(model.input_shape))
    assert [path for path in absent(model.output_shape, answer) if path != ".NextToken"] == []
    assert "NextToken" not in answer


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_default_answer_can_be_used(client, name):
    """A URL in it is one, whatever botocore calls its shape."""
    model = _service_model.operation(name)
    method = xform_name(name)
    with ConnectParticipantStubber(client) as stubber:
        getattr(stubber, f"stub_{method}")()
        answer = getattr(client, method)(**required(model.input_shape))
    assert [url for url in urls(answer) if not url.startswith("https://example.com/")] == []


def urls(value):
    """Yield the URLs of an answer."""
    for name, item in value.items():
        if isinstance(item, dict):
            yield from urls(item)
        elif name.endswith(("Url", "URL", "Uri", "URI")):
            yield item


def required(shape):
    """Return a value with the members that a shape requires."""
    if shape.type_name == "structure":
        return {name: required(shape.members[name]) for name in shape.required_members}
    if shape.type_name == "list":
        return [required(shape.member)]
    return shape.metadata.get("enum", ["x" * 40])[0] if shape.type_name == "string" else 1


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_errors_are_the_ones_known(name):
    """An error that an operation gains or loses is noticed."""
    assert set(modeled_errors(name)) == EVERYWHERE | ELSEWHERE.get(name, set())


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_error_has_the_status_known(name):
    """A status that changes is noticed."""
    statuses = {code: _service_model.error_status(code) for code in modeled_errors(name)}
    assert statuses.items() <= STATUSES.items()


def test_the_service_declares_no_other_error():
    """An error that no operation declares yet is noticed too."""
    assert {shape.name for shape in _service_model.service_model().error_shapes} == set(STATUSES)


def test_the_protocol_is_the_one_that_the_answers_are_parsed_with():
    """The answers of stubs go through botocore's parser for the service's protocol."""
    assert _service_model.service_model().metadata["protocol"] == "rest-json"


def test_every_token_and_signed_url_is_redacted():
    """A token that a new botocore brings is not shown by mistake."""
    model = _service_model.service_model()
    shapes = [model.shape_for(name) for name in model.shape_names]
    tokens = {
        name
        for shape in shapes
        for name, member in members(shape)
        if name.endswith("Token") or member.name.startswith("PreSigned")
    }
    assert tokens - {"ClientToken", "NextToken"} <= SECRET_MEMBERS


def test_every_public_method_of_botocores_stubber_is_our_own():
    """A method that a new botocore gives its Stubber would find an empty queue in ours."""
    theirs = {name for name, thing in vars(Stubber).items() if callable(thing)}
    public = {name for name in theirs if not name.startswith("_")} | {"__enter__", "__exit__"}
    assert public <= vars(ConnectParticipantStubber).keys()


def test_the_clients_methods_are_the_operations():
    """The client of `attach_confirm` has a method for each operation that can be stubbed."""
    client = attach_confirm.client("us-east-1")
    for name in OPERATIONS:
        assert callable(getattr(client, xform_name(name)))
