"""`advise` returns an action for every error of the upload flow."""

import botocore.exceptions
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

import attach_confirm
from attach_confirm import (
    Action,
    Advice,
    InvalidInputError,
    PutFailedError,
    UploadUrlExpiredError,
    advise,
)

URL = "https://participant.connect.us-west-2.amazonaws.com"

ACTIONS = {
    "AccessDeniedException": Action.RECONNECT,
    "ConflictException": Action.CHECK,
    "InternalServerException": Action.RETRY,
    "ResourceNotFoundException": Action.FIX,
    "ServiceQuotaExceededException": Action.STOP,
    "ThrottlingException": Action.RETRY,
    "ValidationException": Action.FIX,
}


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

    def test_every_modeled_error(self, client):
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

    def test_unexpected_status_code_names_the_endpoint(self):
        advice = advise(client_error("", 0))
        assert advice.reason == "Unexpected status; check the endpoint URL and the proxies."

    @pytest.mark.parametrize("code", ["AccessDeniedException", "403"])
    def test_invalid_participant_token(self, code):
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
                Action.FIX,
                "The server's certificate is not trusted; check the CA bundle.",
            ),
            (
                botocore.exceptions.NoCredentialsError(),
                Action.FIX,
                "The client signs requests; attach_confirm.client() creates one that does not.",
            ),
            (
                botocore.exceptions.NoRegionError(),
                Action.FIX,
                "botocore rejected the call or its configuration.",
            ),
        ],
        ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
    )
    def test_botocore_error(self, error, action, reason):
        assert advise(error) == Advice(action, reason)

    def test_every_botocore_error_is_known(self):
        classes = [
            value
            for value in vars(botocore.exceptions).values()
            if isinstance(value, type) and issubclass(value, botocore.exceptions.BotoCoreError)
        ]
        assert len(classes) > 50
        for error_class in classes:
            assert advise(error_class.__new__(error_class)).action is not Action.STOP, error_class


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
    def test_put_failed(self, status_code, error_code, action):
        advice = advise(PutFailedError(status_code, error_code, "R1"))
        assert advice.action is action
        assert ("temporarily" in advice.reason) is (action is Action.RETRY)

    def test_expired_url_has_no_attachment_id(self):
        """S3 does not have the bytes, so the caller must not confirm the attachment."""
        advice = advise(UploadUrlExpiredError("att-1", None))
        assert (advice.action, advice.attachment_id) == (Action.RETRY, None)
        assert "new upload" in advice.reason


class TestOtherErrors:
    """Other errors of this library, and errors that do not come from the upload flow."""

    @pytest.mark.parametrize(
        ("error", "action"),
        [
            (InvalidInputError("size", "no"), Action.FIX),
            (attach_confirm.UnexpectedResponseError("GetTranscript", "no"), Action.RETRY),
            (attach_confirm.AttachmentRejectedError("att-1"), Action.STOP),
            (attach_confirm.WaitTimeoutError("att-1", None, 1.0), Action.CHECK),
            (FileNotFoundError("a.pdf"), Action.FIX),
            (KeyError("a"), Action.STOP),
            (KeyboardInterrupt(), Action.STOP),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_action(self, error, action):
        advice = advise(error)
        assert advice.action is action
        assert advice.attachment_id == getattr(error, "attachment_id", None)

    def test_every_error_of_this_library_is_known(self):
        for name in attach_confirm.__all__:
            value = getattr(attach_confirm, name)
            if isinstance(value, type) and issubclass(value, attach_confirm.AttachConfirmError):
                error = value.__new__(value)
                error.status_code, error.error_code = 403, None
                is_unknown = advise(error).reason == "Not an error of the upload flow."
                assert is_unknown is (value is attach_confirm.AttachConfirmError)

    def test_advice_is_hashable(self):
        advice = Advice(Action.RETRY, "Because.")
        assert len({advice, Advice(Action.RETRY, "Because.", None)}) == 1

    def test_action_is_str_enum(self):
        assert Action.RETRY == "RETRY"
        assert [action.value for action in Action] == [action.name for action in Action]
