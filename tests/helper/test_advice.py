"""`advise` tells what to do about every error of the flow."""

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

SAFE = "https://participant.connect.us-west-2.amazonaws.com"


def service_error(code, status, operation="CompleteAttachmentUpload"):
    """Make an error as botocore raises it."""
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


def declared(client):
    """Yield every error of every operation that botocore's model declares."""
    model = client.meta.service_model
    for operation in model.operation_names:
        for shape in model.operation_model(operation).error_shapes:
            yield operation, shape.name, shape.metadata["error"]["httpStatusCode"]


ACTIONS = {
    "AccessDeniedException": Action.RECONNECT,
    "ConflictException": Action.CHECK,
    "InternalServerException": Action.RETRY,
    "ResourceNotFoundException": Action.FIX,
    "ServiceQuotaExceededException": Action.STOP,
    "ThrottlingException": Action.RETRY,
    "ValidationException": Action.FIX,
}


class TestService:
    """Errors that the service answers."""

    def test_every_declared_error(self, client):
        """Each error of each operation has the advice meant for it, by its code or its status."""
        found = set()
        for operation, code, status in declared(client):
            found.add(code)
            action = ACTIONS[code]
            if (operation, code) == ("CreateParticipantConnection", "AccessDeniedException"):
                action = Action.STOP
            for error in (
                service_error(code, status, operation),
                service_error(code, 418, operation),
                service_error(str(status), status, operation),
            ):
                assert advise(error).action is action, (operation, code)
                assert advise(error).reason.endswith(".")
        assert found == set(ACTIONS)

    def test_as_botocore_raises_them(self, client, scripted_responses):
        """An error that went through botocore's parser gets the advice of its code."""
        once = attach_confirm.client("us-west-2", config=Config(retries={"total_max_attempts": 1}))
        errors = {code: status for _, code, status in declared(client)}
        scripted_responses(
            once,
            "connectparticipant",
            *(
                (status, {"Message": "no"}, {"x-amzn-ErrorType": f"{code}:http://internal/"})
                for code, status in errors.items()
            ),
        )
        for code in errors:
            with pytest.raises(ClientError) as raised:
                attach_confirm.confirm(once, "att-1", "token")
            assert raised.value.response["Error"]["Code"] == code
            assert advise(raised.value).action is ACTIONS[code]

    @pytest.mark.parametrize(
        ("code", "status", "action"),
        [
            ("403", 403, Action.RECONNECT),
            ("ForbiddenException", 403, Action.RECONNECT),
            ("429", 429, Action.RETRY),
            ("TooManyRequestsException", 429, Action.RETRY),
            ("Throttling", 429, Action.RETRY),
            ("500", 500, Action.RETRY),
            ("502", 502, Action.RETRY),
            ("503", 503, Action.RETRY),
            ("504", 504, Action.RETRY),
            ("599", 599, Action.RETRY),
            ("400", 400, Action.FIX),
            ("404", 404, Action.FIX),
            ("409", 409, Action.CHECK),
            ("402", 402, Action.STOP),
            ("301", 301, Action.FIX),
            ("302", 302, Action.FIX),
            ("307", 307, Action.FIX),
            ("405", 405, Action.FIX),
            ("", 0, Action.FIX),
        ],
    )
    def test_undeclared(self, code, status, action):
        """An answer of a gateway or a proxy is judged by its HTTP status."""
        assert advise(service_error(code, status)).action is action

    def test_a_spent_participant_token(self):
        """Where a connection cannot be had, connecting again is not what to do."""
        denied = [
            service_error("AccessDeniedException", 403, "CreateParticipantConnection"),
            service_error("403", 403, "CreateParticipantConnection"),
        ]
        assert {advise(error).action for error in denied} == {Action.STOP}
        assert all("participant token" in advise(error).reason for error in denied)

    @given(
        answer=st.fixed_dictionaries(
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
    def test_wild(self, answer):
        """Whatever a ClientError holds, there is advice."""
        assert isinstance(advise(ClientError(answer, "GetTranscript")).action, Action)


class TestBotocore:
    """Errors that botocore raises where no answer came."""

    @pytest.mark.parametrize(
        ("error", "action"),
        [
            (botocore.exceptions.ReadTimeoutError(endpoint_url=SAFE), Action.RETRY),
            (botocore.exceptions.ConnectTimeoutError(endpoint_url=SAFE), Action.RETRY),
            (botocore.exceptions.ConnectionClosedError(endpoint_url=SAFE), Action.RETRY),
            (
                botocore.exceptions.EndpointConnectionError(endpoint_url=SAFE, error="no"),
                Action.RETRY,
            ),
            (
                botocore.exceptions.ProxyConnectionError(proxy_url="http://proxy", error="no"),
                Action.RETRY,
            ),
            (botocore.exceptions.HTTPClientError(error="no"), Action.RETRY),
            (botocore.exceptions.ResponseStreamingError(error="no"), Action.RETRY),
            (botocore.exceptions.SSLError(endpoint_url=SAFE, error="no"), Action.FIX),
            (botocore.exceptions.NoCredentialsError(), Action.FIX),
            (botocore.exceptions.NoRegionError(), Action.FIX),
            (botocore.exceptions.ParamValidationError(report="no"), Action.FIX),
            (botocore.exceptions.ProfileNotFound(profile="no"), Action.FIX),
        ],
    )
    def test_by_kind(self, error, action):
        """A broken connection is to be tried again; a wrong configuration is to be put right."""
        assert advise(error).action is action

    def test_every_error_of_botocore(self):
        """No exception class of botocore is taken for one that has nothing to do with the flow."""
        kinds = [
            kind
            for kind in vars(botocore.exceptions).values()
            if isinstance(kind, type) and issubclass(kind, botocore.exceptions.BotoCoreError)
        ]
        assert len(kinds) > 50
        for kind in kinds:
            assert advise(kind.__new__(kind)).action is not Action.STOP, kind

    def test_a_lost_answer(self):
        """What may have been done already is safe to send again, and the advice says so."""
        advice = advise(botocore.exceptions.ReadTimeoutError(endpoint_url=SAFE))
        assert advice.reason == "The answer was lost; asking again does nothing twice."


class TestUpload:
    """Errors of the PUT."""

    @pytest.mark.parametrize(
        ("status", "code", "action"),
        [
            (403, "SignatureDoesNotMatch", Action.FIX),
            (403, "AccessDenied", Action.FIX),
            (403, "RequestTimeTooSkewed", Action.FIX),
            (400, "IncompleteBody", Action.FIX),
            (400, "EntityTooLarge", Action.FIX),
            (404, "NoSuchBucket", Action.FIX),
            (412, "PreconditionFailed", Action.FIX),
            (307, "TemporaryRedirect", Action.FIX),
            (301, "PermanentRedirect", Action.FIX),
            (411, "MissingContentLength", Action.FIX),
            (403, None, Action.FIX),
            (400, "RequestTimeout", Action.RETRY),
            (429, "TooManyRequests", Action.RETRY),
            (500, "InternalError", Action.RETRY),
            (503, "SlowDown", Action.RETRY),
            (503, "ServiceUnavailable", Action.RETRY),
            (502, None, Action.RETRY),
            (504, None, Action.RETRY),
            (429, None, Action.RETRY),
            (408, None, Action.RETRY),
        ],
    )
    def test_refused(self, status, code, action):
        """S3's passing troubles are to be tried again; what it will never take is not."""
        assert advise(PutFailedError(status, code, "R1")).action is action

    def test_expired(self):
        """An upload whose URL's time was up is to be started again."""
        advice = advise(UploadUrlExpiredError("att-1", None))
        assert advice.action is Action.RETRY
        assert "new upload" in advice.reason

    def test_expired_is_nothing_to_confirm(self):
        """The id of an upload that expired is not given on, for its bytes are not there."""
        assert advise(UploadUrlExpiredError("att-1", None)).attachment_id is None


class TestOwn:
    """This library's other errors, and others' altogether."""

    @pytest.mark.parametrize(
        ("error", "action"),
        [
            (InvalidInputError("size", "no"), Action.FIX),
            (attach_confirm.UnexpectedResponseError("GetTranscript", "no"), Action.RETRY),
            (attach_confirm.AttachmentRejectedError("att-1"), Action.STOP),
            (attach_confirm.WaitTimeoutError("att-1", None, 1.0), Action.CHECK),
            (FileNotFoundError("a.pdf"), Action.FIX),
            (KeyError("a"), Action.STOP),
            (ZeroDivisionError(), Action.STOP),
            (KeyboardInterrupt(), Action.STOP),
        ],
    )
    def test_by_kind(self, error, action):
        """Each kind has its advice, and an error of something else is not tried again."""
        advice = advise(error)
        assert advice.action is action
        assert advice.reason

    def test_every_own_error(self):
        """No error of this library is unknown to its own advice."""
        for name in attach_confirm.__all__:
            kind = getattr(attach_confirm, name)
            if isinstance(kind, type) and issubclass(kind, attach_confirm.AttachConfirmError):
                error = kind.__new__(kind)
                error.status_code, error.error_code = 403, None
                unknown = "This is no error of the upload flow."
                assert (advise(error).reason == unknown) is (
                    kind is attach_confirm.AttachConfirmError
                )

    def test_which_attachment(self):
        """The advice carries the attachment's id where the error knows it."""
        assert advise(attach_confirm.WaitTimeoutError("att-1", None, 1.0)).attachment_id == "att-1"
        assert advise(attach_confirm.AttachmentRejectedError("att-1")).attachment_id == "att-1"
        assert advise(KeyError("a")).attachment_id is None

    def test_advice_is_a_value(self):
        """Advice compares by what it says, can be a key, and its action reads as text."""
        advice = Advice(Action.RETRY, "Because.")
        assert advice == Advice(Action.RETRY, "Because.", None)
        assert len({advice, Advice(Action.RETRY, "Because.")}) == 1
        assert Action.RETRY == "RETRY"
        assert [action.value for action in Action] == [action.name for action in Action]
