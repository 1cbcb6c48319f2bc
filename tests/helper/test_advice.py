"""`advise` returns an action for every error of this library's functions."""

import http.client
import pickle
import re
import sqlite3
import ssl
from datetime import datetime, timezone

import botocore.exceptions
import botocore.parsers
import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    ReadTimeoutError,
)
from hypothesis import given
from hypothesis import strategies as st

import attach_confirm
from attach_confirm import (
    Action,
    Advice,
    DownloadFailedError,
    InvalidInputError,
    PutFailedError,
    SourceReadError,
    UploadTimeoutError,
    UploadUrlExpiredError,
)
from attach_confirm._advice import _OPERATIONS
from attach_confirm._exceptions import annotate

URL = "https://participant.connect.us-west-2.amazonaws.com"

SENTENCE = re.compile(r"[A-Z](?=.*[a-z]{3}).*\.")

ACTIONS = {
    "AccessDeniedException": Action.RECONNECT,
    "ConflictException": Action.CHECK,
    "InternalServerException": Action.RETRY,
    "ResourceNotFoundException": Action.FIX,
    "ServiceQuotaExceededException": Action.STOP,
    "ThrottlingException": Action.RETRY,
    "ValidationException": Action.FIX,
}


def advise(error):
    """Return the advice for an error, and check that its reason is a sentence."""
    advice = attach_confirm.advise(error)
    assert SENTENCE.fullmatch(advice.reason)
    return advice


def client_error(code, status_code, operation="CompleteAttachmentUpload"):
    """Create an error like those that botocore raises."""
    response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status_code}}
    return ClientError(response, operation)


def modeled_errors(client):
    """Yield the operation, the code and the status code of every error in the service model."""
    model = client.meta.service_model
    for operation in model.operation_names:
        for shape in model.operation_model(operation).error_shapes:
            yield operation, shape.name, shape.metadata["error"]["httpStatusCode"]


class TestServiceErrors:
    """Errors that the service, a gateway or a proxy returned."""

    def test_modeled_error_is_classified_by_error_code(self, client):
        """The error code decides; without a known code, the status code does."""
        codes = set()
        for operation, code, status_code in modeled_errors(client):
            codes.add(code)
            action = ACTIONS[code]
            if (operation, code) == ("CreateParticipantConnection", "AccessDeniedException"):
                action = Action.STOP
            for error in (
                client_error(code, status_code, operation),
                client_error(code, 418, operation),
                client_error(str(status_code), status_code, operation),
            ):
                assert advise(error).action is action, (operation, code)
                assert advise(error).reason.endswith(".")
        assert codes == set(ACTIONS)

    def test_errors_raised_by_botocore(self, client, scripted_responses):
        client_without_retries = attach_confirm.client(
            "us-west-2", config=Config(retries={"total_max_attempts": 1})
        )
        errors = {code: status_code for _, code, status_code in modeled_errors(client)}
        scripted_responses(
            client_without_retries,
            "connectparticipant",
            *(
                (status_code, {"Message": "no"}, {"x-amzn-ErrorType": f"{code}:http://internal/"})
                for code, status_code in errors.items()
            ),
        )
        for code in errors:
            with pytest.raises(ClientError) as raised:
                attach_confirm.confirm(client_without_retries, "att-1", "token")
            assert raised.value.response["Error"]["Code"] == code
            assert advise(raised.value).action is ACTIONS[code]

    @pytest.mark.parametrize(
        ("code", "status_code", "action"),
        [
            ("400", 400, Action.FIX),
            ("402", 402, Action.STOP),
            ("ForbiddenException", 403, Action.RECONNECT),
            ("404", 404, Action.FIX),
            ("408", 408, Action.RETRY),
            ("RequestTimeoutException", 408, Action.RETRY),
            ("409", 409, Action.CHECK),
            ("TooManyRequestsException", 429, Action.RETRY),
            ("499", 499, Action.FIX),
            ("500", 500, Action.RETRY),
            ("599", 599, Action.RETRY),
            ("307", 307, Action.FIX),
            ("", 0, Action.FIX),
        ],
    )
    def test_unmodeled_error_is_classified_by_status_code(self, code, status_code, action):
        assert advise(client_error(code, status_code)).action is action

    def test_conflict_from_start_returns_fix(self):
        """The attachment ID is unknown, so it cannot be checked."""
        advice = advise(client_error("ConflictException", 409, "StartAttachmentUpload"))
        assert (advice.action, advice.attachment_id) == (Action.FIX, None)
        assert "client_token" in advice.reason

    def test_operations_are_those_of_the_service_model(self, client):
        assert frozenset(client.meta.service_model.operation_names) == _OPERATIONS

    @pytest.mark.parametrize("operation", ["GetObject", "SendMessages", "StartChatContact"])
    def test_error_of_another_service_is_unrelated(self, operation):
        advice = advise(client_error("ThrottlingException", 429, operation))
        assert advice == Advice(
            Action.UNRELATED, "The error did not come from attach_confirm; let it propagate."
        )

    def test_unexpected_status_code_names_the_endpoint(self):
        advice = advise(client_error("", 0))
        assert advice.reason == (
            "Unexpected HTTP status; check the endpoint URL and the proxy settings."
        )

    @pytest.mark.parametrize("code", ["AccessDeniedException", "403"])
    def test_invalid_participant_token_returns_stop(self, code):
        """Reconnecting needs a valid participant token, so it cannot help."""
        advice = advise(client_error(code, 403, "CreateParticipantConnection"))
        assert advice.action is Action.STOP
        assert advice.reason.startswith("The participant token ")

    @given(
        response=st.fixed_dictionaries(
            {},
            optional={
                "Error": st.fixed_dictionaries(
                    {}, optional={"Code": st.text(max_size=5), "Message": st.text(max_size=5)}
                ),
                "ResponseMetadata": st.fixed_dictionaries(
                    {}, optional={"HTTPStatusCode": st.integers(0, 999)}
                ),
            },
        )
    )
    def test_client_error_property(self, response):
        """A ClientError without a code or a status code is classified as well."""
        assert isinstance(advise(ClientError(response, "GetTranscript")).action, Action)


class TestBotocoreErrors:
    """Errors that botocore raises if it has no response."""

    @pytest.mark.parametrize(
        ("error", "action", "reason"),
        [
            (
                botocore.exceptions.ReadTimeoutError(endpoint_url=URL),
                Action.RETRY,
                "The response was not received; it is safe to send the request again.",
            ),
            (
                botocore.exceptions.ConnectionClosedError(endpoint_url=URL),
                Action.RETRY,
                "The response was not received; it is safe to send the request again.",
            ),
            (
                botocore.exceptions.ConnectTimeoutError(endpoint_url=URL),
                Action.RETRY,
                "The connection could not be established.",
            ),
            (
                botocore.exceptions.ProxyConnectionError(proxy_url="http://proxy", error="no"),
                Action.RETRY,
                "The connection could not be established.",
            ),
            (
                botocore.exceptions.HTTPClientError(error="no"),
                Action.RETRY,
                "The HTTP request failed.",
            ),
            (
                botocore.exceptions.SSLError(endpoint_url=URL, error="no"),
                Action.RETRY,
                "The connection could not be established.",
            ),
            (
                botocore.parsers.ResponseParserError("no"),
                Action.RETRY,
                "The response was truncated or did not come from the service.",
            ),
            (
                botocore.exceptions.NoCredentialsError(),
                Action.FIX,
                "The client signs requests; attach_confirm.client() creates one that does not.",
            ),
            (
                botocore.exceptions.NoRegionError(),
                Action.FIX,
                "The call or its configuration was rejected by botocore.",
            ),
        ],
        ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
    )
    def test_botocore_error_is_classified_by_type(self, error, action, reason):
        assert advise(error) == Advice(action, reason)

    @pytest.mark.parametrize("cause", [ReadTimeoutError, ConnectionClosedError])
    def test_lost_response_of_start_or_put(self, cause):
        """Repeating `upload` or `start` without a token starts another upload."""
        start = cause(endpoint_url=f"{URL}/participant/start-attachment-upload")
        put = cause(endpoint_url=URL)
        annotate(put, attachment_id="att-1", acknowledged=False)
        for error in (start, put):
            assert advise(error) == Advice(
                Action.RETRY,
                "The response was not received; without a client_token, an unconfirmed upload may"
                " remain.",
            )
        confirmation = cause(endpoint_url=f"{URL}/participant/complete-attachment-upload")
        annotate(confirmation, attachment_id="att-1", acknowledged=True)
        assert advise(confirmation) == Advice(
            Action.RETRY,
            "The response was not received; it is safe to send the request again.",
            "att-1",
        )

    @pytest.mark.parametrize(
        ("cause", "action"),
        [
            (ssl.SSLCertVerificationError(1, "certificate verify failed: expired"), Action.FIX),
            (ssl.SSLCertVerificationError("“x” is not trusted"), Action.FIX),
            (
                urllib3.exceptions.SSLError(ssl.SSLCertVerificationError("“x” is not trusted")),
                Action.FIX,
            ),
            (
                urllib3.util.ssl_match_hostname.CertificateError("hostname 'x' doesn't match 'y'"),
                Action.FIX,
            ),
            (ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), Action.RETRY),
            (ssl.SSLError(1, "[SSL: TLSV1_ALERT_INTERNAL_ERROR]"), Action.RETRY),
            (ConnectionResetError(104, "Connection reset by peer"), Action.RETRY),
            (TimeoutError("The handshake operation timed out"), Action.RETRY),
        ],
        ids=str,
    )
    def test_tls_error(self, cause, action):
        """Only a certificate that fails verification needs a fix."""
        error = botocore.exceptions.SSLError(endpoint_url=URL, error=cause)
        raised_from = botocore.exceptions.SSLError(endpoint_url=URL, error="text")
        raised_from.__cause__ = cause
        assert advise(error).action is action
        if isinstance(cause, ssl.SSLError):
            assert advise(raised_from).action is action

    def test_tls_error_is_classified_by_its_text_after_pickling(self):
        cause = ssl.SSLCertVerificationError(1, "[SSL] certificate verify failed: expired")
        error = botocore.exceptions.SSLError(endpoint_url=URL, error=str(cause))
        assert advise(pickle.loads(pickle.dumps(error))).action is Action.FIX

    def test_tls_error_after_an_earlier_certificate_error(self):
        """An error that the caller handled before is the context, not the cause."""
        error = botocore.exceptions.SSLError(endpoint_url=URL, error="EOF")
        error.__context__ = ssl.SSLCertVerificationError()
        assert advise(error).action is Action.RETRY

    @pytest.mark.parametrize(
        ("status", "action"),
        [(407, Action.FIX), (403, Action.FIX), (429, Action.RETRY), (502, Action.RETRY)],
    )
    def test_proxy_response_to_connect(self, status, action):
        cause = OSError(f"Tunnel connection failed: {status} Something")
        error = botocore.exceptions.ProxyConnectionError(proxy_url="http://proxy", error=cause)
        advice = advise(error)
        assert advice.action is action
        assert ("credentials" in advice.reason) is (action is Action.FIX)
        assert advise(pickle.loads(pickle.dumps(error))) == advice

    @pytest.mark.parametrize(
        "cause",
        [
            ValueError("Invalid header value b'a\\n'"),
            urllib3.exceptions.LocationParseError("host"),
            http.client.InvalidURL("nonnumeric port: 'x'"),
            http.client.InvalidURL("URL can't contain control characters"),
            UnicodeError("label empty or too long"),
            "Invalid header name b'x y'",
            "Failed to parse: https://[",
        ],
        ids=str,
    )
    def test_invalid_url_or_header(self, cause):
        error = botocore.exceptions.HTTPClientError(error=cause)
        assert advise(error).action is Action.FIX
        assert "URL or header" in advise(error).reason
        timeout = botocore.exceptions.ReadTimeoutError(endpoint_url=URL, error=cause)
        assert advise(timeout).action is Action.RETRY

    def test_invalid_name_of_a_header_of_put(self):
        client = attach_confirm.client("us-west-2", endpoint_url="http://127.0.0.1:9")
        pending = attach_confirm.PendingUpload(
            "att-1", "http://127.0.0.1:9/k", {"\u65e5": "1"}, datetime.now(timezone.utc)
        )
        with pytest.raises(botocore.exceptions.HTTPClientError) as raised:
            attach_confirm.put(client, pending, b"abc")
        assert advise(raised.value).action is Action.FIX

    def test_invalid_header_of_an_api_call(self):
        """The request is never sent, so repeating it cannot help."""
        client = attach_confirm.client("us-west-2", endpoint_url="http://127.0.0.1:9")
        with pytest.raises(botocore.exceptions.HTTPClientError) as raised:
            client.get_transcript(ConnectionToken="tok\nen")
        assert advise(raised.value).action is Action.FIX

    def test_every_botocore_error_is_classified(self):
        classes = [
            value
            for value in vars(botocore.exceptions).values()
            if isinstance(value, type) and issubclass(value, botocore.exceptions.BotoCoreError)
        ]
        assert len(classes) > 50
        for error_class in classes:
            advice = advise(error_class.__new__(error_class))
            assert advice.action not in {Action.STOP, Action.UNRELATED}, error_class


class TestPutErrors:
    """Errors of the PUT."""

    @pytest.mark.parametrize(
        ("status_code", "error_code", "action"),
        [
            (403, "SignatureDoesNotMatch", Action.FIX),
            (400, "IncompleteBody", Action.FIX),
            (307, "TemporaryRedirect", Action.FIX),
            (403, None, Action.FIX),
            (501, "NotImplemented", Action.FIX),
            (400, "RequestTimeout", Action.RETRY),
            (400, "SlowDown", Action.RETRY),
            (408, None, Action.RETRY),
            (429, "TooManyRequests", Action.RETRY),
            (500, "InternalError", Action.RETRY),
            (502, None, Action.RETRY),
            (503, "ServiceUnavailable", Action.RETRY),
            (504, None, Action.RETRY),
        ],
    )
    def test_put_failed_error_is_classified(self, status_code, error_code, action):
        advice = advise(PutFailedError(status_code, error_code, "R1"))
        assert advice.action is action
        assert ("temporarily" in advice.reason) is (action is Action.RETRY)

    def test_expired_url_from_put_returns_fix(self):
        """The same call would use the same URL again."""
        advice = advise(UploadUrlExpiredError("att-1", None))
        assert (advice.action, advice.attachment_id, advice.retry_after) == (Action.FIX, None, None)
        assert "another upload" in advice.reason

    @pytest.mark.parametrize("retry_after", [0.0, 89.5])
    def test_expired_url_from_upload_returns_retry(self, retry_after):
        """S3 does not have the bytes, so the caller must not confirm the attachment."""
        error = UploadUrlExpiredError("att-1", None, retry_after=retry_after)
        annotate(error, attachment_id="att-1", acknowledged=False)
        advice = advise(error)
        assert (advice.action, advice.attachment_id) == (Action.RETRY, None)
        assert advice.retry_after == retry_after

    @pytest.mark.parametrize(("retryable", "action"), [(True, Action.RETRY), (False, Action.FIX)])
    def test_retryable_decides_for_source_and_download_errors(self, retryable, action):
        source, download = (
            SourceReadError("x", retryable),
            DownloadFailedError("att-1", "x", retryable=retryable),
        )
        assert advise(source).action is action
        assert advise(download).action is action
        assert advise(download).attachment_id is None
        assert ("again" in advise(source).reason) is retryable
        assert "changed" not in advise(source).reason

    @pytest.mark.parametrize("acknowledged", [True, False])
    def test_timeout_returns_retry(self, acknowledged):
        advice = advise(UploadTimeoutError(2.0, "att-1", acknowledged))
        assert advice.action is Action.RETRY
        assert advice.attachment_id == ("att-1" if acknowledged else None)


def journal_error(error):
    """Annotate an error as `upload` does if the journal raised it."""
    annotate(error, acknowledged=False, journal_key="key", is_journal_error=True)
    return error


class TestJournalErrors:
    """Errors of a journal. Repeating the upload with the journal is always safe."""

    @pytest.mark.parametrize(
        ("code", "status_code", "action"),
        [
            ("ProvisionedThroughputExceededException", 400, Action.RETRY),
            ("RequestLimitExceeded", 400, Action.RETRY),
            ("ThrottlingException", 400, Action.RETRY),
            ("TransactionConflictException", 400, Action.RETRY),
            ("InternalServerError", 500, Action.RETRY),
            ("ServiceUnavailable", 503, Action.RETRY),
            ("Unknown", 500, Action.RETRY),
            ("Unknown", 502, Action.RETRY),
            ("AccessDeniedException", 400, Action.FIX),
            ("ResourceNotFoundException", 400, Action.FIX),
            ("ValidationException", 400, Action.FIX),
            ("ExpiredTokenException", 400, Action.FIX),
        ],
    )
    @pytest.mark.parametrize("operation", ["GetItem", "PutItem", "UpdateItem", "DeleteItem"])
    def test_dynamodb_error_is_classified_by_code(self, operation, code, status_code, action):
        advice = advise(client_error(code, status_code, operation))
        assert (advice.action, advice.attachment_id) == (action, None)
        assert "journal" in advice.reason

    @pytest.mark.parametrize(
        ("error", "action"),
        [
            (sqlite3.OperationalError("database is locked"), Action.RETRY),
            (sqlite3.OperationalError("database table is locked: uploads"), Action.RETRY),
            (sqlite3.OperationalError("disk I/O error"), Action.RETRY),
            (sqlite3.OperationalError("database or disk is full"), Action.RETRY),
            (sqlite3.OperationalError("unable to open database file"), Action.FIX),
            (sqlite3.OperationalError("no such table: uploads"), Action.FIX),
            (sqlite3.DatabaseError("file is not a database"), Action.FIX),
            (sqlite3.ProgrammingError("Cannot operate on a closed database."), Action.FIX),
        ],
        ids=str,
    )
    def test_sqlite_error_is_classified_by_message(self, error, action):
        advice = advise(error)
        assert (advice.action, "journal" in advice.reason) == (action, True)
        assert advise(journal_error(error)).action is action

    @pytest.mark.parametrize(
        ("error", "action"),
        [
            (ConnectTimeoutError(endpoint_url=URL), Action.RETRY),
            (ReadTimeoutError(endpoint_url=URL), Action.RETRY),
            (botocore.exceptions.NoCredentialsError(), Action.FIX),
            (botocore.exceptions.NoRegionError(), Action.FIX),
            (OSError(28, "No space left on device"), Action.RETRY),
            (TimeoutError(), Action.RETRY),
            (type("RedisError", (Exception,), {})(), Action.RETRY),
            (KeyError("attachment_id"), Action.FIX),
            (TypeError("no"), Action.FIX),
            (ValueError("no"), Action.FIX),
            (AttributeError("no"), Action.FIX),
            (NotImplementedError(), Action.FIX),
            (KeyboardInterrupt(), Action.UNRELATED),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_error_of_a_journal(self, error, action):
        advice = advise(journal_error(error))
        assert (advice.action, advice.attachment_id) == (action, None)
        assert "journal.delete" not in advice.reason
        assert ("journal" in advice.reason) is (action is not Action.UNRELATED)

    @pytest.mark.parametrize(
        ("code", "names_delete"),
        [
            ("ValidationException", True),
            ("ConflictException", True),
            ("ServiceQuotaExceededException", True),
            ("AccessDeniedException", True),
            ("ThrottlingException", False),
        ],
    )
    def test_failed_confirmation_names_delete(self, code, names_delete):
        """A claimed upload does not start over automatically."""
        error = client_error(code, 418)
        annotate(error, attachment_id="att-1", acknowledged=True, journal_key="chat/1")
        advice = advise(error)
        assert (advice.action, advice.attachment_id) == (ACTIONS[code], "att-1")
        hint = (
            " If the attachment can never be confirmed and the transcript does not list it, call"
            " journal.delete('chat/1') to allow a new upload."
        )
        assert advice.reason.endswith(hint) is names_delete
        assert ("journal" in advice.reason) is names_delete


class TestOtherErrors:
    """Other errors of this library, and errors that did not come from it."""

    @pytest.mark.parametrize(
        ("error", "action"),
        [
            (InvalidInputError("size", "no"), Action.FIX),
            (attach_confirm.UnexpectedResponseError("GetTranscript", "no"), Action.RETRY),
            (attach_confirm.AttachmentRejectedError("att-1"), Action.STOP),
            (attach_confirm.WaitTimeoutError("att-1", None, 1.0), Action.CHECK),
            (FileNotFoundError("a.pdf"), Action.UNRELATED),
            (ConnectionResetError(), Action.UNRELATED),
            (urllib3.exceptions.ProtocolError("no"), Action.UNRELATED),
            (KeyError("a"), Action.UNRELATED),
            (KeyboardInterrupt(), Action.UNRELATED),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_other_error_is_classified_by_type(self, error, action):
        advice = advise(error)
        assert advice.action is action
        assert advice.attachment_id == getattr(error, "attachment_id", None)

    def test_every_error_of_this_library_is_classified(self):
        for name in attach_confirm.__all__:
            value = getattr(attach_confirm, name)
            if isinstance(value, type) and issubclass(value, attach_confirm.AttachConfirmError):
                error = value.__new__(value)
                error.status_code, error.error_code = 403, None
                error.retryable, error.changed = False, False
                error.retry_after, error.consumed = None, False
                is_unrelated = advise(error).action is Action.UNRELATED
                assert is_unrelated is (value is attach_confirm.AttachConfirmError)

    def test_advice_is_hashable(self):
        advice = Advice(Action.RETRY, "Because.")
        assert len({advice, Advice(Action.RETRY, "Because.", None, None)}) == 1

    def test_action_is_str_enum(self):
        assert Action.RETRY == "RETRY"
        assert [action.value for action in Action] == [action.name for action in Action]
