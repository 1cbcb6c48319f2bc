import copy
import gc
import inspect
import multiprocessing
import pickle
import weakref
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timezone
from functools import partial

import boto3
import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
)

import attach_confirm
from attach_confirm import (
    AttachConfirmError,
    AttachmentRejectedError,
    AttachmentStatus,
    DownloadFailedError,
    InvalidInputError,
    PutFailedError,
    SourceReadError,
    UnexpectedResponseError,
    UploadTimeoutError,
    UploadUrlExpiredError,
    WaitTimeoutError,
    _exceptions,
)

EXPIRY = datetime(2026, 11, 22, 8, 15, 46, tzinfo=timezone.utc)

ANNOTATIONS = {"attachment_id": "att-1", "acknowledged": True, "journal_key": "chat/1"}

# A function that creates the exception, its message, its public attributes.
EXCEPTIONS = [
    (
        partial(InvalidInputError, "size", "too big"),
        "size: too big",
        {"parameter": "size", "reason": "too big"},
    ),
    (
        partial(UnexpectedResponseError, "GetTranscript", "missing Transcript"),
        "GetTranscript: unexpected or truncated response: missing Transcript",
        {"operation": "GetTranscript", "reason": "missing Transcript"},
    ),
    (
        partial(PutFailedError, 403, "SignatureDoesNotMatch", "R1"),
        "PUT failed: HTTP 403, SignatureDoesNotMatch (request ID R1)",
        {"status_code": 403, "error_code": "SignatureDoesNotMatch", "request_id": "R1"},
    ),
    (
        partial(PutFailedError, 502, None, None),
        "PUT failed: HTTP 502, no error code (request ID unknown)",
        {"status_code": 502, "error_code": None, "request_id": None},
    ),
    (
        partial(UploadUrlExpiredError, "att-1", EXPIRY),
        (
            "attachment att-1: upload URL expired at 2026-11-22T08:15:46+00:00;"
            " start the upload again"
        ),
        {
            "attachment_id": "att-1",
            "expires_at": EXPIRY,
            "server_time": None,
            "attempts": 1,
            "retry_after": None,
        },
    ),
    (
        partial(UploadUrlExpiredError, "att-1", EXPIRY, EXPIRY, 2, 90.0),
        (
            "attachment att-1: upload URL expired at 2026-11-22T08:15:46+00:00;"
            " start the upload again"
        ),
        {"server_time": EXPIRY, "attempts": 2, "retry_after": 90.0},
    ),
    (
        partial(SourceReadError, "connection reset", retryable=True),
        "source: connection reset",
        {"reason": "connection reset", "retryable": True, "changed": False},
    ),
    (
        partial(SourceReadError, "changed", retryable=False, changed=True),
        "source: changed",
        {"reason": "changed", "retryable": False, "changed": True},
    ),
    (
        partial(UploadTimeoutError, 2.5),
        "upload timed out after 2.5 seconds; upload again",
        {"timeout": 2.5, "attachment_id": None, "acknowledged": False},
    ),
    (
        partial(UploadTimeoutError, 60, "att-1", acknowledged=True),
        "upload timed out after 60 seconds; S3 has all bytes, call confirm",
        {"timeout": 60, "attachment_id": "att-1", "acknowledged": True},
    ),
    (
        partial(DownloadFailedError, "att-1", "AccessDenied", 403, "AccessDenied"),
        "attachment att-1: download failed: AccessDenied",
        {
            "attachment_id": "att-1",
            "reason": "AccessDenied",
            "status_code": 403,
            "error_code": "AccessDenied",
            "retryable": False,
        },
    ),
    (
        partial(DownloadFailedError, "att-1", "lost", retryable=True),
        "attachment att-1: download failed: lost",
        {"status_code": None, "error_code": None, "retryable": True},
    ),
    (
        partial(AttachmentRejectedError, "att-1"),
        (
            "attachment att-1: rejected after it was confirmed; check the instance's allowed file"
            " types, size limit and attachment scanner"
        ),
        {"attachment_id": "att-1", "acknowledged": True},
    ),
    (
        partial(WaitTimeoutError, "att-1", None, 120.0),
        "attachment att-1: still not in the transcript after 120 seconds; wait again",
        {"attachment_id": "att-1", "status": None, "timeout": 120.0, "acknowledged": True},
    ),
    (
        partial(WaitTimeoutError, "att-1", AttachmentStatus.IN_PROGRESS, 0.5),
        "attachment att-1: still IN_PROGRESS after 0.5 seconds; wait again",
        {"attachment_id": "att-1", "status": AttachmentStatus.IN_PROGRESS, "timeout": 0.5},
    ),
]


@pytest.mark.parametrize(
    ("create", "message", "attributes"),
    EXCEPTIONS,
    ids=[create.func.__name__ for create, *_ in EXCEPTIONS],
)
def test_message_and_attributes_survive_copies(create, message, attributes):
    exception = create()
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


@pytest.mark.parametrize(("create", "message", "_"), EXCEPTIONS)
def test_args_are_the_arguments(create, message, _):
    """A TimeoutError is an OSError, which would interpret several arguments as its own."""
    exception = create()
    if isinstance(exception, TimeoutError):
        assert message.startswith(exception.args)
    else:
        arguments = inspect.signature(create.func).bind(*create.args, **create.keywords)
        arguments.apply_defaults()
        assert exception.args == arguments.args


def test_every_exception_derives_from_attach_confirm_error():
    classes = {
        value
        for name in attach_confirm.__all__
        if isinstance(value := getattr(attach_confirm, name), type) and issubclass(value, Exception)
    }
    assert classes == {create.func for create, *_ in EXCEPTIONS} | {AttachConfirmError}
    assert all(issubclass(cls, AttachConfirmError) for cls in classes)
    assert AttachConfirmError.__mro__[1] is Exception


def test_module_docstring_lists_every_exception_with_its_builtin_base():
    tree = _exceptions.__doc__.split("\n\n")[1]
    builtin_bases = {
        InvalidInputError: ValueError,
        UploadTimeoutError: TimeoutError,
        WaitTimeoutError: TimeoutError,
    }
    for cls in {create.func for create, *_ in EXCEPTIONS}:
        (line,) = [line for line in tree.splitlines() if f" {cls.__name__} " in line]
        builtin_base = builtin_bases.get(cls)
        assert cls.__bases__ == (AttachConfirmError, *filter(None, [builtin_base]))
        assert ("also" in line) is bool(builtin_base)
        assert not builtin_base or f"(also a {builtin_base.__name__})" in line


@pytest.mark.parametrize(
    ("error_type", "arguments"),
    [(WaitTimeoutError, ("att-1", None, 120.0)), (UploadTimeoutError, (2.0, "att-1"))],
)
def test_timeout_error_has_no_errno(error_type, arguments):
    """TimeoutError derives from OSError, which parses two or more arguments as an errno."""
    error = error_type(*arguments)
    assert (error.errno, error.strerror, error.filename) == (None, None, None)


def identity(value):
    """Return the argument. A process pool can pickle only functions of a module."""
    return value


class ThirdPartyError(Exception):
    """An exception of another library, whose `__reduce__` drops attributes."""

    def __init__(self, a, b):
        super().__init__(f"{a} {b}")
        self.a, self.b = a, b

    def __reduce__(self):
        return ThirdPartyError, (self.a, self.b)


class ThirdPartyErrorWithReduceEx(ThirdPartyError):
    """An exception of another library, which implements the method that receives the protocol."""

    def __reduce_ex__(self, protocol):
        assert protocol
        return ThirdPartyErrorWithReduceEx, (self.a, self.b)


class ThirdPartyErrorWithState(Exception):
    """An exception of another library that is pickled with its attributes."""


def signing_client(region_name, *, config):
    return boto3.client(
        "connectparticipant",
        region_name=region_name,
        config=config,
        aws_access_key_id="key-id",
        aws_secret_access_key="key",
    )


# A call of each operation, with the token "secret-token".
API_FUNCTIONS = {
    "connect": lambda client: attach_confirm.connect(client, "secret-token"),
    "start": lambda client: attach_confirm.start(
        client,
        name="a.txt",
        size=1,
        content_type="text/plain",
        connection_token="secret-token",
    ),
    "upload": lambda client: attach_confirm.upload(client, b"1", "secret-token", name="a.txt"),
    "confirm": lambda client: attach_confirm.confirm(client, "att-1", "secret-token"),
    "status": lambda client: attach_confirm.status(client, "att-1", "secret-token"),
    "attachments": lambda client: list(attach_confirm.attachments(client, "secret-token")),
}


class TestAnnotate:
    @pytest.fixture(
        params=[
            lambda: ClientError({"Error": {"Code": "ConflictException"}}, "GetTranscript"),
            lambda: EndpointConnectionError(endpoint_url="https://x"),
            lambda: ConnectTimeoutError(endpoint_url="https://x"),
            NoCredentialsError,
            lambda: UnexpectedResponseError("PutObject", "no ETag"),
            lambda: UploadTimeoutError(2.0),
            lambda: ThirdPartyError("a", "b"),
            lambda: ThirdPartyErrorWithReduceEx("a", "b"),
            lambda: ThirdPartyErrorWithState("a", "b"),
            lambda: ConnectionResetError(104, "Connection reset by peer"),
            KeyboardInterrupt,
        ],
        ids=lambda create: type(create()).__name__,
    )
    def error(self, request):
        """Return an exception whose class has its own kind of `__reduce_ex__`."""
        return request.param()

    def test_annotations_survive_copies(self, error):
        error.detail = "kept"
        _exceptions.annotate(error, **ANNOTATIONS)
        _exceptions.annotate(error, acknowledged=False)
        expected = {**ANNOTATIONS, "acknowledged": False}
        duplicates = [error]
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            # Annotations must survive repeated pickling, for example in two process pools.
            duplicates.append(pickle.loads(pickle.dumps(duplicates[-1], protocol)))
        duplicates += [copy.copy(duplicates[-1]), copy.deepcopy(duplicates[-1])]
        for duplicate in duplicates:
            assert type(duplicate) is type(error)
            assert str(duplicate) == str(error)
            assert {name: getattr(duplicate, name) for name in expected} == expected

    def test_attributes_in_the_pickled_state_survive(self):
        error = ThirdPartyErrorWithState("a")
        error.detail = "kept"
        _exceptions.annotate(error, attachment_id="att-1")
        duplicate = pickle.loads(pickle.dumps(error))
        assert (duplicate.detail, duplicate.args) == ("kept", ("a",))

    def test_modeled_error_is_pickled_as_client_error(self, client):
        """The classes of `client.exceptions` cannot be pickled, so botocore pickles their base."""
        response = {"Error": {"Code": "ConflictException"}}
        error = client.exceptions.ConflictException(response, "CompleteAttachmentUpload")
        _exceptions.annotate(error, attachment_id="att-1", acknowledged=True)
        duplicate = pickle.loads(pickle.dumps(error))
        assert (type(duplicate), duplicate.response) == (ClientError, response)
        assert attach_confirm.advise(duplicate) == attach_confirm.advise(error)

    def test_annotation_adds_no_reference_cycle(self):
        """A cycle would keep the frames of the traceback, and the file in them, alive."""
        error = ThirdPartyError("a", "b")
        _exceptions.annotate(error, attachment_id="att-1")
        reference = weakref.ref(error)
        gc.disable()
        try:
            del error
            assert reference() is None
        finally:
            gc.enable()

    def test_error_without_weak_reference_support_is_annotated(self):
        class Slotted(Exception):
            __slots__ = ()

        error = Slotted()
        _exceptions.annotate(error, attachment_id="att-1")
        assert error.attachment_id == "att-1"

    @pytest.mark.parametrize("client_factory", [attach_confirm.client, signing_client])
    @pytest.mark.parametrize("function", API_FUNCTIONS)
    def test_http_error_is_pickled_without_request(self, client_factory, function):
        """The request in the error contains the token. An unsigned request cannot be pickled."""

        def close(request, **_):
            raise ConnectionClosedError(
                error=urllib3.exceptions.ProtocolError("lost", OSError()),
                request=request,
                endpoint_url=request.url,
            )

        client = client_factory("us-west-2", config=Config(retries={"total_max_attempts": 1}))
        client.meta.events.register_first("before-send", close)
        with pytest.raises(ConnectionClosedError) as raised:
            API_FUNCTIONS[function](client)
        assert raised.value.request is not None
        data = pickle.dumps(raised.value)
        assert b"secret-token" not in data
        duplicate = pickle.loads(data)
        assert str(duplicate) == str(raised.value)
        assert attach_confirm.advise(duplicate) == attach_confirm.advise(raised.value)

    def test_process_pool_keeps_annotations(self):
        error = ClientError({"Error": {"Code": "ConflictException"}}, "CompleteAttachmentUpload")
        _exceptions.annotate(error, attachment_id="att-1", acknowledged=True)
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            returned_error = pool.submit(identity, error).result()
        assert attach_confirm.advise(returned_error).attachment_id == "att-1"
