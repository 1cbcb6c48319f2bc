"""A Stubber for the Participant Service that is strict and records every call."""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import TYPE_CHECKING, Any, NoReturn

from botocore.stub import Stubber

from attach_confirm_stubs import _service_model
from attach_confirm_stubs._calls import Call, CallList
from attach_confirm_stubs._redaction import redact
from attach_confirm_stubs.stubber import _botocore, _messages, _put_object, _responses
from attach_confirm_stubs.stubber._methods import UNSET, StubMethods, StubOptions
from attach_confirm_stubs.stubber._stub import (
    Params,
    ResponseFactory,
    Stub,
    raising_factory,
    response_factory,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from botocore.awsrequest import AWSPreparedRequest, AWSResponse
    from botocore.client import BaseClient
    from botocore.model import OperationModel
    from typing_extensions import Self

_ACTIVE_EVENT = "attach-confirm-stubs.active"
# Keys of botocore's request context.
_CALL_PARAMS = "attach-confirm-stubs.call-params"
_REQUEST_PARAMS = "attach-confirm-stubs.request-params"
_STUB = "attach-confirm-stubs.stub"


class UnexpectedCallError(AssertionError):
    """A call was made that no stub matches.

    Handlers of `ClientError` and `BotoCoreError` do not catch it.
    """


class ConnectParticipantStubber(StubMethods, Stubber):
    """Returns queued responses to a client's calls and records the calls.

    It is a `botocore.stub.Stubber`, and the methods that it inherits behave as botocore documents,
    for a client of any service. Each `stub_<operation>` method adds a stub that is checked against
    the service model: parameters, response and error.

    By default, calls must come in the order of the stubs. A call that no stub matches raises one
    of botocore's errors, or `UnexpectedCallError` if the stubber is strict. A stubber is strict
    with `strict=True` or after the first `stub_<operation>`. In both cases the call is recorded,
    and `verify` reports it. A strict stubber calls `verify` at the end of a `with` block.

    The PUT of `attach_confirm.put` and `upload` is a call of S3's PutObject. A strict stubber
    requires a `stub_put_object` for it; any other stubber does not intercept it.

    Args:
        client: The client to stub. While the stubber is active, its API calls do not reach the
            network.
        any_order: Match stubs by operation and parameters instead of by order; the first stub
            that matches is used. This is safe with calls from many threads.
        strict: Raise `UnexpectedCallError` from the start.

    Attributes:
        client: The client.
        calls: The calls made while active, including unexpected ones.
    """

    def __init__(
        self, client: BaseClient, *, any_order: bool = False, strict: bool = False
    ) -> None:
        super().__init__(client)
        self.client: Any = client
        model = client.meta.service_model
        self._is_connectparticipant = model.service_name == _service_model.SERVICE
        put = [_put_object.OPERATION] if self._is_connectparticipant else []
        self.calls: CallList[Call] = CallList([*model.operation_names, *put])
        self._any_order = any_order
        self._strict = strict
        self._active = False
        self._lock = Lock()
        self._stubs: list[Stub] = []
        self._pending_stubs: deque[Stub] = deque()
        self._unexpected: list[str] = []

    def __enter__(self) -> Self:
        self.activate()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.deactivate()
        if self._strict and exception is None:
            self.verify()

    def activate(self) -> None:
        """Start to intercept the client's calls.

        Raises:
            RuntimeError: Another stubber is active on the client.
        """
        if self._active:
            return
        events: Any = self.client.meta.events
        if events.emit(_ACTIVE_EVENT):
            raise RuntimeError(
                "another ConnectParticipantStubber is active on this client; add the stubs to it,"
                " or deactivate it first"
            )
        for register, event, handler in self._handlers(events):
            register(event, handler)
        self._active = True

    def deactivate(self) -> None:
        """Stop intercepting the client's calls."""
        if not self._active:
            return
        events: Any = self.client.meta.events
        for _, event, handler in self._handlers(events):
            events.unregister(event, handler)
        self._active = False

    def add_response(
        self, method: str, service_response: Mapping[str, Any], expected_params: Any = None
    ) -> None:
        """Add a response like `botocore.stub.Stubber.add_response`, for any service.

        Raises:
            ValueError: The client does not have the method.
            ParamValidationError: The response does not match the operation's output shape.
        """
        model = _botocore.operation_for_method(self.client, method)
        response = _botocore.stubbed_response(model, service_response)
        self._add_botocore_stub(model, response, expected_params)

    def add_client_error(  # noqa: PLR0917
        self,
        method: str,
        service_error_code: str = "",
        service_message: str = "",
        http_status_code: int = 400,
        service_error_meta: Mapping[str, Any] | None = None,
        expected_params: Any = None,
        response_meta: Mapping[str, Any] | None = None,
        modeled_fields: Mapping[str, Any] | None = None,
    ) -> None:
        """Add an error like `botocore.stub.Stubber.add_client_error`, for any service.

        Raises:
            ValueError: The client does not have the method. (botocore's Stubber does not check.)
            ParamValidationError: `modeled_fields` does not match the shape of the error.
        """
        model = _botocore.operation_for_method(self.client, method)
        error = {"Message": service_message, "Code": service_error_code}
        error.update(service_error_meta or {})
        metadata = {"HTTPStatusCode": http_status_code, **(response_meta or {})}
        response = _botocore.stubbed_client_error(model, error, metadata, modeled_fields)
        self._add_botocore_stub(model, response, expected_params)

    def assert_no_pending_responses(self) -> None:
        """Assert that every stub that is not optional was used.

        Raises:
            AssertionError: A stub was not used. A strict stubber lists the stubs in the message.
        """
        pending = sum(stub.remaining for stub in self._pending_stubs if not stub.optional)
        if pending:
            botocore_message = f"{pending} responses remaining in queue."
            raise AssertionError(
                _messages.unused_stubs(self._stubs) if self._strict else botocore_message
            )

    def assert_no_unexpected_calls(self) -> None:
        """Assert that every call had a matching stub.

        Raises:
            UnexpectedCallError: A call had no matching stub, even if the code under test caught
                the error.
        """
        if self._unexpected:
            raise UnexpectedCallError(_messages.suppressed_calls(self._unexpected))

    def verify(self) -> None:
        """Assert that every call had a matching stub and that every stub was used.

        Raises:
            UnexpectedCallError: A call had no matching stub, even if the code under test caught
                the error.
            AssertionError: A stub was not used.
        """
        self.assert_no_unexpected_calls()
        self.assert_no_pending_responses()

    def stub_get_transcript_pages(self, *pages: Sequence[Mapping[str, Any]], **params: Any) -> None:
        """Stub one GetTranscript for each page, linked by their NextTokens.

        Args:
            *pages: The items of each page; each item overrides members of a complete default item.
            **params: Parameters that every call must have.
        """
        for number, items in enumerate(pages, 1):
            page_params: dict[str, Any] = {"NextToken": f"page-{number}"} if number > 1 else {}
            next_token = {"NextToken": f"page-{number + 1}"} if number < len(pages) else {}
            self.stub_get_transcript(
                **params, **page_params, response={"Transcript": list(items), **next_token}
            )

    def stub_put_object(
        self,
        *,
        Body: bytes | Any = UNSET,  # noqa: N803
        ContentType: str | Any = UNSET,  # noqa: N803
        status: int = 200,
        error_code: str = "",
        error: BaseException | None = None,
        times: int = 1,
        optional: bool = False,
    ) -> None:
        """Stub one attempt of the PUT that `attach_confirm.put` and `upload` send.

        `put` retries after a connection error or a retryable status such as 503, and sleeps
        between attempts. Each attempt is a separate call and needs its own stub.

        Args:
            Body: The expected bytes.
            ContentType: The expected media type.
            status: The HTTP status of S3's response.
            error_code: The error code in S3's response, for example `SignatureDoesNotMatch`.
            error: An exception to raise instead of returning a response.
            times: Number of attempts that the stub matches.
            optional: Whether the stub may remain unused.
        """
        if error is None:
            make_response = _put_object.s3_response_factory(status, error_code)
        else:
            make_response = raising_factory(error)
        params = {"Body": Body, "ContentType": ContentType}
        self._add_stub(_put_object.OPERATION, params, make_response, times=times, optional=optional)

    def _stub(self, operation: str, options: StubOptions, **params: Any) -> None:
        unknown = options.keys() - StubOptions.__annotations__.keys()
        if unknown:
            names = ", ".join(map(repr, sorted(unknown)))
            raise TypeError(f"{operation}: unknown parameter {names}")
        self._add_stub(
            operation,
            params,
            response_factory(operation, options),
            exact_params=options.get("exact_params", False),
            times=options.get("times", 1),
            optional=options.get("optional", False),
        )

    def _add_stub(
        self,
        operation: str,
        params: Params,
        make_response: ResponseFactory,
        *,
        exact_params: bool = False,
        times: int,
        optional: bool,
    ) -> None:
        if not self._is_connectparticipant:
            raise TypeError(
                f"stub_<operation> methods require a {_service_model.SERVICE} client, not"
                f" {self.client.meta.service_model.service_name}; use add_response"
            )
        if times < 1:
            raise ValueError(f"times must be 1 or more, not {times}")
        expected = {name: value for name, value in params.items() if value is not UNSET}
        self._strict = True
        self._append(
            Stub(
                operation,
                _responses.deep_copy(expected),
                make_response,
                exact_params=exact_params,
                times=times,
                optional=optional,
            )
        )

    def _add_botocore_stub(
        self, model: OperationModel, response: _responses.StubbedResponse, expected_params: Any
    ) -> None:
        self._append(
            Stub(
                model.name,
                expected_params,
                lambda _: response,
                exact_params=True,
                match_raw_params=True,
            )
        )

    def _append(self, stub: Stub) -> None:
        with self._lock:
            self._stubs.append(stub)
            self._pending_stubs.append(stub)

    def _handlers(self, events: Any) -> list[tuple[Callable[..., None], str, Callable[..., Any]]]:
        # botocore generates a missing ClientToken between the first handler of
        # before-parameter-build and the last one.
        return [
            (events.register, _ACTIVE_EVENT, self._is_active),
            (
                events.register_first,
                "before-parameter-build.*.*",
                self._before_parameter_build_first,
            ),
            (events.register_last, "before-parameter-build", self._before_parameter_build_last),
            (events.register, "before-call.*.*", self._before_call),
            (
                events.register,
                "before-endpoint-resolution.*",
                _botocore.skip_account_id_lookup,
            ),
            (events.register_first, _put_object.BEFORE_SEND_EVENT, self._before_send_put),
        ]

    def _is_active(self, **_: Any) -> bool:
        return True

    def _before_parameter_build_first(
        self, model: OperationModel, params: Params, context: dict[str, Any], **_: Any
    ) -> None:
        context[_CALL_PARAMS] = dict(params)
        if not self._strict:
            # Like botocore's Stubber, match the call before botocore validates its parameters.
            self._select_stub(model.name, context, params)

    def _before_parameter_build_last(
        self, model: OperationModel, params: Params, context: dict[str, Any], **_: Any
    ) -> None:
        context[_REQUEST_PARAMS] = redact(params)
        if self._strict:
            self._select_stub(model.name, context, params)

    def _select_stub(self, operation: str, context: dict[str, Any], params: Params) -> None:
        """Store the stub that matches a call in the context, or raise if no stub matches."""
        if not context.get("is_presign_request"):
            with self._lock:
                context[_STUB] = self._match_stub(operation, context[_CALL_PARAMS], params)

    def _before_call(
        self, model: OperationModel, context: dict[str, Any], **_: Any
    ) -> tuple[AWSResponse, dict[str, Any]]:
        request_params = context[_REQUEST_PARAMS]
        with self._lock:
            stub: Stub = context[_STUB]
            if not stub.remaining:
                # Another thread has used the stub in the meantime.
                stub = self._match_stub(model.name, context[_CALL_PARAMS], request_params)
            self._consume(stub)
        return self._respond(stub, model.name, request_params)

    def _before_send_put(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        if not self._strict:
            return None
        params = _put_object.params_from_request(request)
        with self._lock:
            stub = self._match_stub(_put_object.OPERATION, params, params)
            self._consume(stub)
        return self._respond(stub, _put_object.OPERATION, params)[0]

    def _consume(self, stub: Stub) -> None:
        stub.used += 1
        if not stub.remaining:
            self._pending_stubs.remove(stub)

    def _respond(
        self, stub: Stub, operation: str, request_params: dict[str, Any]
    ) -> tuple[AWSResponse, dict[str, Any]]:
        try:
            response = stub.make_response(request_params)
            parsed = _responses.deep_copy(response.parsed)
            result = response.to_result(self.client, operation, is_last_use=stub.times == 1)
        except BaseException as error:
            self.calls.append(Call(operation, request_params, error))
            raise
        self.calls.append(Call(operation, request_params, result))
        return response.http_response, parsed

    def _match_stub(self, operation: str, call_params: Params, request_params: Params) -> Stub:
        """Return the stub that matches a call.

        Raises:
            UnexpectedCallError: No stub matches, and the stubber is strict.
            botocore.exceptions.StubResponseError: No stub matches, and the stubber is not strict.
        """
        for stub in self._pending_stubs:
            if stub.matches(operation, call_params, request_params):
                return stub
            if not (stub.optional or self._any_order):
                break
        error = self._unexpected_call_error(operation, call_params, request_params)
        self.calls.append(Call(operation, redact(request_params), error))
        return _raise(error)

    def _unexpected_call_error(
        self, operation: str, call_params: Params, request_params: Params
    ) -> Exception:
        pending = list(self._pending_stubs)
        in_order = [] if self._any_order else pending
        first = next((stub for stub in in_order if not stub.optional), None)
        message = _messages.unexpected_call(
            operation,
            call_params,
            request_params,
            self._stubs,
            first,
            has_method=self._is_connectparticipant,
        )
        self._unexpected.append(message)
        if self._strict:
            return UnexpectedCallError(message)
        return _botocore.no_match_error(operation, call_params, in_order[:1] or pending)


def _raise(error: Exception) -> NoReturn:
    # pytest prints the arguments of the last frame, and those of the callers contain tokens.
    raise error
