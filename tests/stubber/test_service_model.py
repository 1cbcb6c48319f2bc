"""What the doubles know of the service comes from botocore's service model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attach_confirm_stubs import _service_model

OPERATIONS = _service_model.service_model().operation_names


def example(shape):
    """Return the smallest value that a shape allows, with all its members."""
    least = shape.metadata.get("min", 0)
    if shape.type_name == "structure":
        return {name: example(member) for name, member in shape.members.items()}
    if shape.type_name == "list":
        return [example(shape.member)] * least
    if shape.type_name == "string":
        return shape.metadata.get("enum", ["x" * least])[0]
    return shape.type_name == "boolean" or least


def problems(operation, **params):
    """Return what of an operation's parameters breaks the model."""
    return list(
        _service_model.constraint_violations(
            _service_model.operation(operation).input_shape, params
        )
    )


@pytest.mark.parametrize("name", OPERATIONS)
def test_parameters_within_the_model_break_nothing(name):
    """Every operation of the installed botocore can be checked, and what is right passes."""
    shape = _service_model.operation(name).input_shape
    assert list(_service_model.constraint_violations(shape, example(shape))) == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_required_parameters_are_missed(name):
    """A request without its required parameters is told about each of them."""
    shape = _service_model.operation(name).input_shape
    assert list(_service_model.constraint_violations(shape, {})) == [
        f"Value at '{member}' failed to satisfy constraint: Member must not be null"
        for member in shape.members
        if member in shape.required_members
    ]


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_token_is_the_member_that_goes_out_as_bearer(name):
    """The bearer header is the participant token for the connection, and else its token."""
    model = _service_model.operation(name)
    connecting = name == "CreateParticipantConnection"
    assert _service_model.token_member_name(model) == (
        "ParticipantToken" if connecting else "ConnectionToken"
    )


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AccessDeniedException", 403),
        ("ConflictException", 409),
        ("InternalServerException", 500),
        ("ResourceNotFoundException", 404),
        ("ServiceQuotaExceededException", 402),
        ("ThrottlingException", 429),
        ("ValidationException", 400),
    ],
)
def test_an_errors_status_is_the_models(code, status):
    """An error is answered with the HTTP status that the model gives it."""
    assert _service_model.error_status(code) == status


@given(length=st.integers(0, 600))
def test_a_text_breaks_the_model_exactly_outside_its_lengths(length):
    """A name of 256 characters is taken, and one of 257 is not, as for every length."""
    found = problems(
        "StartAttachmentUpload",
        AttachmentName="x" * length,
        AttachmentSizeInBytes=1,
        ClientToken="c",
        ConnectionToken="t",
        ContentType="text/plain",
    )
    rule = "Value at 'AttachmentName' failed to satisfy constraint: Member must have length"
    below = [f"{rule} greater than or equal to 1"] if length < 1 else []
    above = [f"{rule} less than or equal to 256"] if length > 256 else []
    assert found == below + above


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
def test_what_is_wrong_is_named(params, problem):
    """A parameter of the wrong type, out of range or out of its enum is named with the rule."""
    (found,) = problems("GetTranscript", ConnectionToken="t", **params)
    assert found.startswith(
        "Value at " + problem.format("failed to satisfy constraint: Member must")
    )


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
def test_a_lists_items_are_checked_too(ids, problem):
    """Of a list, both the number of items and each item is checked."""
    params = {"AttachmentIds": ids, "ClientToken": "c", "ConnectionToken": "t"}
    assert problems("CompleteAttachmentUpload", **params) == [
        "Value at " + problem.format("failed to satisfy constraint: Member must")
    ]


def test_a_parameter_that_is_null_counts_as_absent():
    """JSON's null for an optional parameter is no mistake."""
    assert problems("GetTranscript", ConnectionToken="t", MaxResults=None) == []


def test_an_unknown_parameter_is_let_pass():
    """What the installed botocore does not know of, a newer caller may send."""
    assert problems("GetTranscript", ConnectionToken="t", Novelty=1) == []
