"""This library's own errors say what happened, and survive what programs do with errors."""

import copy
import pickle
from datetime import datetime, timezone

import pytest

import attach_confirm
from attach_confirm import (
    AttachConfirmError,
    AttachmentRejectedError,
    AttachmentStatus,
    InvalidInputError,
    PutFailedError,
    UnexpectedResponseError,
    UploadUrlExpiredError,
    WaitTimeoutError,
    _exceptions,
)

EXPIRY = datetime(2026, 11, 22, 8, 15, 46, tzinfo=timezone.utc)

# An error, its text, its public attributes.
ERRORS = [
    (
        InvalidInputError("size", "too big"),
        "size: too big",
        {"parameter": "size", "reason": "too big"},
    ),
    (
        UnexpectedResponseError("GetTranscript", "it holds no Transcript"),
        "GetTranscript got no answer that is the service's and whole: it holds no Transcript",
        {"operation": "GetTranscript", "reason": "it holds no Transcript"},
    ),
    (
        PutFailedError(403, "SignatureDoesNotMatch", "R1"),
        "the upload was refused: HTTP 403, SignatureDoesNotMatch (request id R1)",
        {"status_code": 403, "error_code": "SignatureDoesNotMatch", "request_id": "R1"},
    ),
    (
        PutFailedError(502, None, None),
        "the upload was refused: HTTP 502, no error code (request id unknown)",
        {"status_code": 502, "error_code": None, "request_id": None},
    ),
    (
        UploadUrlExpiredError("att-1", EXPIRY),
        (
            "the upload URL of attachment att-1 expired at 2026-11-22T08:15:46+00:00:"
            " start the upload again"
        ),
        {"attachment_id": "att-1", "expires_at": EXPIRY},
    ),
    (
        AttachmentRejectedError("att-1"),
        (
            "attachment att-1 was confirmed, then rejected: check the instance's allowed file"
            " types, its size limit and its attachment scanner"
        ),
        {"attachment_id": "att-1"},
    ),
    (
        WaitTimeoutError("att-1", None, 120.0),
        "attachment att-1 was not in the transcript after 120 seconds",
        {"attachment_id": "att-1", "status": None, "timeout": 120.0},
    ),
    (
        WaitTimeoutError("att-1", AttachmentStatus.IN_PROGRESS, 0.5),
        "attachment att-1 was IN_PROGRESS after 0.5 seconds",
        {"attachment_id": "att-1", "status": AttachmentStatus.IN_PROGRESS, "timeout": 0.5},
    ),
]


@pytest.mark.parametrize(("error", "text", "attributes"), ERRORS)
@pytest.mark.parametrize(
    "carried",
    [
        pytest.param(lambda error: error, id="as-raised"),
        pytest.param(copy.copy, id="copied"),
        pytest.param(copy.deepcopy, id="deep-copied"),
        pytest.param(lambda error: pickle.loads(pickle.dumps(error)), id="pickled"),
    ],
)
def test_text_and_attributes(error, text, attributes, carried):
    """An error says the same and has the same attributes, also in another process."""
    arrived = carried(error)
    assert type(arrived) is type(error)
    assert str(arrived) == text
    assert {name: getattr(arrived, name) for name in attributes} == attributes


def test_one_root():
    """`except AttachConfirmError` catches every error of this library, and nothing else's."""
    ours = {
        value
        for name in attach_confirm.__all__
        if isinstance(value := getattr(attach_confirm, name), type) and issubclass(value, Exception)
    }
    assert ours == {type(error) for error, _, _ in ERRORS} | {AttachConfirmError}
    assert all(issubclass(error, AttachConfirmError) for error in ours)
    assert AttachConfirmError.__mro__[1] is Exception


@pytest.mark.parametrize(
    ("error", "builtin"),
    [(InvalidInputError("size", "no"), ValueError), (ERRORS[-1][0], TimeoutError)],
)
def test_builtins(error, builtin):
    """Code that knows Python's own errors catches ours by them."""
    with pytest.raises(builtin) as caught:
        raise error
    assert caught.value is error


def test_a_timeout_is_not_an_errno():
    """A WaitTimeoutError is an OSError by descent alone: its attachment is no errno."""
    error = WaitTimeoutError("att-1", None, 120.0)
    assert (error.errno, error.strerror, error.filename) == (None, None, None)


def test_the_tree_in_the_documentation():
    """The tree drawn in the module's docstring names every error with what it also is."""
    tree = _exceptions.__doc__.split("\n\n")[1]
    for error in {type(error) for error, _, _ in ERRORS}:
        (line,) = [line for line in tree.splitlines() if f" {error.__name__} " in line]
        builtin = next((base for base in error.__bases__ if base is not AttachConfirmError), None)
        assert ("also" in line) is bool(builtin)
        assert not builtin or f"(also {builtin.__name__})" in line
