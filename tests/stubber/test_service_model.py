"""`_service_model`: facts and checks from botocore's service model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attach_confirm_stubs import _service_model

OPERATIONS = _service_model.service_model().operation_names


def minimal_value(shape):
    """Return the smallest value that a shape allows, with all its members."""
    minimum = shape.metadata.get("min", 0)
    if shape.type_name == "structure":
        return {name: minimal_value(member) for name, member in shape.members.items()}
    if shape.type_name == "list":
        return [minimal_value(shape.member)] * minimum
    if shape.type_name == "string":
        return shape.metadata.get("enum", ["x" * minimum])[0]
    return shape.type_name == "boolean" or minimum


def violations(operation, **params):
    """Return the constraint violations of an operation's parameters."""
    shape = _service_model.operation(operation).input_shape
    return list(_service_model.constraint_violations(shape, params))


def violation(problem):
    """Return the full message of a violation, from a short form of it."""
    return "Value at " + problem.format("failed to satisfy constraint: Member must")


@pytest.mark.parametrize("name", OPERATIONS)
def test_constraint_violations_of_valid_and_empty_params(name):
    shape = _service_model.operation(name).input_shape
    assert violations(name, **minimal_value(shape)) == []
    assert violations(name) == [
        f"Value at '{member}' failed to satisfy constraint: Member must not be null"
        for member in shape.members
        if member in shape.required_members
    ]


@pytest.mark.parametrize("name", OPERATIONS)
def test_token_member_name(name):
    expected = "ParticipantToken" if name == "CreateParticipantConnection" else "ConnectionToken"
    assert _service_model.token_member_name(_service_model.operation(name)) == expected


@given(length=st.integers(0, 600))
def test_constraint_violations_of_string_length(length):
    messages = violations(
        "StartAttachmentUpload",
        AttachmentName="x" * length,
        AttachmentSizeInBytes=1,
        ClientToken="c",
        ConnectionToken="t",
        ContentType="text/plain",
    )
    too_short = violation("'AttachmentName' {} have length greater than or equal to 1")
    too_long = violation("'AttachmentName' {} have length less than or equal to 256")
    assert messages == [too_short] * (length < 1) + [too_long] * (length > 256)


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"MaxResults": 101}, "'MaxResults' {} have value less than or equal to 100"),
        ({"MaxResults": -1}, "'MaxResults' {} have value greater than or equal to 0"),
        ({"MaxResults": "5"}, "'MaxResults' {} be a integer"),
        ({"MaxResults": True}, "'MaxResults' {} be a integer"),
        ({"NextToken": 5}, "'NextToken' {} be a string"),
        ({"StartPosition": []}, "'StartPosition' {} be a structure"),
        ({"StartPosition": {"MostRecent": 101}}, "'StartPosition.MostRecent' {} have value less"),
        ({"ScanDirection": "UP"}, "'ScanDirection' {} satisfy enum value set: [FORWARD, BACKWARD]"),
    ],
)
def test_constraint_violations_name_path_and_constraint(params, problem):
    (message,) = violations("GetTranscript", ConnectionToken="t", **params)
    assert message.startswith(violation(problem))


@pytest.mark.parametrize(
    ("ids", "problem"),
    [
        ([], "'AttachmentIds' {} have length greater than or equal to 1"),
        (["a", "b"], "'AttachmentIds' {} have length less than or equal to 1"),
        ([""], "'AttachmentIds.member' {} have length greater than or equal to 1"),
        ([5], "'AttachmentIds.member' {} be a string"),
        ("a", "'AttachmentIds' {} be a list"),
    ],
)
def test_constraint_violations_of_lists(ids, problem):
    params = {"AttachmentIds": ids, "ClientToken": "c", "ConnectionToken": "t"}
    assert violations("CompleteAttachmentUpload", **params) == [violation(problem)]


@pytest.mark.parametrize("params", [{"MaxResults": None}, {"Unknown": 1}])
def test_constraint_violations_ignore_null_and_unknown_members(params):
    """Newer clients may send members that the installed botocore does not know."""
    assert violations("GetTranscript", ConnectionToken="t", **params) == []


def test_check_operation():
    for name in OPERATIONS:
        _service_model.check_operation(name)
    message = "^unknown operation 'PutObject'; choose one of Cancel.*, SendMessage, Start[A-Za-z]*$"
    with pytest.raises(ValueError, match=message):
        _service_model.check_operation("PutObject")


def test_check_error_code():
    _service_model.check_error_code("PutObject", "SlowDown", ("SlowDown",))
    with pytest.raises(ValueError, match=r"^PutObject does not declare A; it declares B, C\.$"):
        _service_model.check_error_code("PutObject", "A", ["C", "B"], hint=".")
