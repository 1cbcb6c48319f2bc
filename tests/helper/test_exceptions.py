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

# The exception, its message, its public attributes.
EXCEPTIONS = [
    (
        InvalidInputError("size", "too big"),
        "size: too big",
        {"parameter": "size", "reason": "too big"},
    ),
    (
        UnexpectedResponseError("GetTranscript", "missing Transcript"),
        "GetTranscript: unexpected or truncated response: missing Transcript",
        {"operation": "GetTranscript", "reason": "missing Transcript"},
    ),
    (
        PutFailedError(403, "SignatureDoesNotMatch", "R1"),
        "PUT failed: HTTP 403, SignatureDoesNotMatch (request ID R1)",
        {"status_code": 403, "error_code": "SignatureDoesNotMatch", "request_id": "R1"},
    ),
    (
        PutFailedError(502, None, None),
        "PUT failed: HTTP 502, no error code (request ID unknown)",
        {"status_code": 502, "error_code": None, "request_id": None},
    ),
    (
        UploadUrlExpiredError("att-1", EXPIRY),
        (
            "attachment att-1: upload URL expired at 2026-11-22T08:15:46+00:00;"
            " start the upload again"
        ),
        {"attachment_id": "att-1", "expires_at": EXPIRY},
    ),
    (
        AttachmentRejectedError("att-1"),
        (
            "attachment att-1: rejected after it was confirmed; check the instance's allowed file"
            " types, size limit and attachment scanner"
        ),
        {"attachment_id": "att-1"},
    ),
    (
        WaitTimeoutError("att-1", None, 120.0),
        "attachment att-1: not in the transcript after 120 seconds",
        {"attachment_id": "att-1", "status": None, "timeout": 120.0},
    ),
    (
        WaitTimeoutError("att-1", AttachmentStatus.IN_PROGRESS, 0.5),
        "attachment att-1: IN_PROGRESS after 0.5 seconds",
        {"attachment_id": "att-1", "status": AttachmentStatus.IN_PROGRESS, "timeout": 0.5},
    ),
]


@pytest.mark.parametrize(
    ("exception", "message", "attributes"),
    EXCEPTIONS,
    ids=[type(exception).__name__ for exception, *_ in EXCEPTIONS],
)
def test_message_and_attributes_survive_copies(exception, message, attributes):
    copies = [
        exception,
        copy.copy(exception),
        copy.deepcopy(exception),
        pickle.loads(pickle.dumps(exception)),
    ]
    for duplicate in copies:
        assert type(duplicate) is type(exception)
        assert str(duplicate) == message
        assert {name: getattr(duplicate, name) for name in attributes} == attributes


def test_every_exception_derives_from_attach_confirm_error():
    classes = {
        value
        for name in attach_confirm.__all__
        if isinstance(value := getattr(attach_confirm, name), type) and issubclass(value, Exception)
    }
    assert classes == {type(exception) for exception, *_ in EXCEPTIONS} | {AttachConfirmError}
    assert all(issubclass(cls, AttachConfirmError) for cls in classes)
    assert AttachConfirmError.__mro__[1] is Exception


def test_module_docstring_lists_every_exception_with_its_builtin_base():
    tree = _exceptions.__doc__.split("\n\n")[1]
    builtin_bases = {InvalidInputError: ValueError, WaitTimeoutError: TimeoutError}
    for cls in {type(exception) for exception, *_ in EXCEPTIONS}:
        (line,) = [line for line in tree.splitlines() if f" {cls.__name__} " in line]
        builtin_base = builtin_bases.get(cls)
        assert cls.__bases__ == (AttachConfirmError, *filter(None, [builtin_base]))
        assert ("also" in line) is bool(builtin_base)
        assert not builtin_base or f"(also {builtin_base.__name__})" in line


def test_wait_timeout_error_has_no_errno():
    """TimeoutError derives from OSError, which parses two or more arguments as an errno."""
    error = WaitTimeoutError("att-1", None, 120.0)
    assert (error.errno, error.strerror, error.filename) == (None, None, None)
