"""A botocore Stubber for the Participant Service: strict, and with a memory."""

from __future__ import annotations

import sys
from collections import deque
from threading import Lock
from typing import TYPE_CHECKING, Any, NoReturn

from botocore.stub import Stubber

from attach_confirm_stubs import _service_model
from attach_confirm_stubs._calls import Call, CallList
from attach_confirm_stubs._redaction import redact
from attach_confirm_stubs.stubber import _botocore, _messages, _put_object, _responses
from attach_confirm_stubs.stubber._methods import UNSET, StubMethods, StubOptions
from attach_confirm_stubs.stubber._stub import Params, ResponseFactory, Stub, producer, raiser

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from botocore.awsrequest import AWSPreparedRequest, AWSResponse
    from botocore.client import BaseClient
    from botocore.model import OperationModel
    from typing_extensions import Self

_ACTIVE_EVENT = "attach-confirm-stubs.active"
_GIVEN, _SENT, _STUB = (f"attach-confirm-stubs.{name}" for name in ("given", "sent", "stub"))
_RAISED: Any = object()


class UnexpectedCallError(AssertionError):
    """A call was made that no stub allows. No `except ClientError` or `BotoCoreError` sees it."""


class ConnectParticipantStubber(StubMethods, Stubber):
    """Answers a client's calls with what a test said, and remembers them.

    It is a `botocore.stub.Stubber`, whose methods do what botocore documents, for a client of any
    service. A `stub_<operation>` method adds a stub that knows the service: its parameters, its
    answers, its errors.

    By default calls must come in the order of the stubs. Once a `stub_<operation>` method was
    used, or with `strict=True`, a call that no stub allows raises `UnexpectedCallError`; before,
    botocore's own errors. Either way it is remembered, and `verify` tells of it. A strict stubber
    verifies itself at the end of a `with` block.

    The PUT of `attach_confirm.put` and `upload` is taken for a call too, of S3's PutObject: a
    strict stubber wants a `stub_put_object` for it, any other lets it go where it goes.

    Args:
        client: The client to stub. Nothing that it is called with reaches the network while the
            stubber is active.
        any_order: Match stubs by operation and parameters instead of by their order; the first
            that allows a call answers it. Safe from many threads.
        strict: Raise `UnexpectedCallError` from the start.

    Attributes:
        client: The client.
        calls: The calls made while active, those without a stub included.
    """

    def __init__(
        self, client: BaseClient, *, any_order: bool = False, strict: bool = False
    ) -> None:
        super().__init__(client)
        self.client: Any = client
        model = client.meta.service_model
        self._knows_service = model.service_name == _service_model.SERVICE
        put = [_put_object.OPERATION] if self._knows_service else []
        self.calls: CallList[Call] = CallList([*model.operation_names, *put])
        self._in_any_order = any_order
        self._strict = strict
        self._active = False
        self._lock = Lock()
        self._stubs: list[Stub] = []
        self._left: deque[Stub] = deque()
        self._unexpected: list[str] = []

    def __enter__(self) -> Self:
        self.activate()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.deactivate()
        if self._strict and error is None:
            self.verify()

    def activate(self) -> None:
        """Begin to answer the client's calls.

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
        """Let the client's calls go to the network again."""
        if not self._active:
            return
        events: Any = self.client.meta.events
        for _, event, handler in self._handlers(events):
            events.unregister(event, handler)
        self._active = False

    def add_response(
        self, method: str, service_response: Mapping[str, Any], expected_params: Any = None
    ) -> None:
        """Add an answer as `botocore.stub.Stubber.add_response` does, for any service.

        Raises:
            ValueError: The client has no such method.
            ParamValidationError: The answer does not fit the operation's output.
        """
        model = _botocore.operation(self.client, method)
        self._add_upstream(model, _botocore.response(model, service_response), expected_params)

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
        """Add an error as `botocore.stub.Stubber.add_client_error` does, for any service.

        Raises:
            ValueError: The client has no such method, which botocore's own overlooks.
            ParamValidationError: The modelled fields do not fit the error.
        """
        model = _botocore.operation(self.client, method)
        error = {"Message": service_message, "Code": service_error_code}
        error.update(service_error_meta or {})
        metadata = {"HTTPStatusCode": http_status_code, **(response_meta or {})}
        answer = _botocore.client_error(model, error, metadata, modeled_fields)
        self._add_upstream(model, answer, expected_params)

    def assert_no_pending_responses(self) -> None:
        """Assert that every stub was used that is not optional.

        Raises:
            AssertionError: Some were not; a strict stubber lists them.
        """
        pending = sum(stub.left for stub in self._left if not stub.optional)
        if pending:
            upstreams = f"{pending} responses remaining in queue."
            raise AssertionError(_messages.unused(self._stubs) if self._strict else upstreams)

    def assert_no_unexpected_calls(self) -> None:
        """Assert that no call was made without a stub.

        Raises:
            UnexpectedCallError: One was, even if the code under test caught the error.
        """
        if self._unexpected:
            raise UnexpectedCallError(_messages.swallowed(self._unexpected))

    def verify(self) -> None:
        """Assert that no call was made without a stub, and that every stub was used.

        Raises:
            UnexpectedCallError: A call had no stub, even if the code under test caught the error.
            AssertionError: A stub was not used.
        """
        self.assert_no_unexpected_calls()
        self.assert_no_pending_responses()

    def stub_get_transcript_pages(self, *pages: Sequence[Mapping[str, Any]], **params: Any) -> None:
        """Stub one GetTranscript for each page, tied together by their NextTokens.

        Args:
            *pages: The items of each page, each merged over a complete default item.
            **params: Parameters that every call must have.
        """
        for number, items in enumerate(pages, 1):
            asked: dict[str, Any] = {"NextToken": f"page-{number}"} if number > 1 else {}
            following = {"NextToken": f"page-{number + 1}"} if number < len(pages) else {}
            self.stub_get_transcript(
                **params, **asked, response={"Transcript": list(items), **following}
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
        """Stub one attempt of the PUT that `attach_confirm.put` and `upload` make.

        `put` tries again after a lost connection or a status such as 503, and really pauses
        before: that attempt is a call too.

        Args:
            Body: The bytes that it must have.
            ContentType: The media type that it must have.
            status: The HTTP status of S3's answer.
            error_code: The code in S3's answer, such as `SignatureDoesNotMatch`.
            error: An exception to raise instead, as for every stub.
            times: How often the stub answers.
            optional: Whether it may stay unused.
        """
        produce = raiser(error) if error is not None else _put_object.producer(status, error_code)
        params = {"Body": Body, "ContentType": ContentType}
        self._expect(_put_object.OPERATION, params, produce, times=times, optional=optional)

    def _stub(self, operation: str, options: StubOptions, **params: Any) -> None:
        unknown = options.keys() - StubOptions.__annotations__.keys()
        if unknown:
            raise TypeError(f"{operation} has no parameter {', '.join(sorted(unknown))}")
        self._expect(
            operation,
            params,
            producer(operation, options),
            exact_params=options.get("exact_params", False),
            times=options.get("times", 1),
            optional=options.get("optional", False),
        )

    def _expect(
        self,
        operation: str,
        params: Params,
        produce: ResponseFactory,
        *,
        exact_params: bool = False,
        times: int,
        optional: bool,
    ) -> None:
        if not self._knows_service:
            raise TypeError(
                f"stub_<operation> is for {_service_model.SERVICE} clients, and this is one for"
                f" {self.client.meta.service_model.service_name}; use add_response"
            )
        if times < 1:
            raise ValueError(f"times={times}, but a stub answers at least once")
        named = {name: value for name, value in params.items() if value is not UNSET}
        self._strict = True
        self._add(
            Stub(
                operation,
                _responses.snapshot(named),
                produce,
                exact_params=exact_params,
                times=times,
                optional=optional,
            )
        )

    def _add_upstream(
        self, model: OperationModel, answer: _responses.StubbedResponse, expected: Any
    ) -> None:
        self._add(Stub(model.name, expected, lambda _: answer, exact_params=True, upstream=True))

    def _add(self, stub: Stub) -> None:
        with self._lock:
            self._stubs.append(stub)
            self._left.append(stub)

    def _handlers(self, events: Any) -> list[tuple[Callable[..., None], str, Callable[..., Any]]]:
        # botocore fills in a missing ClientToken between _on_given and _on_built.
        return [
            (events.register, _ACTIVE_EVENT, self._is_active),
            (events.register_first, "before-parameter-build.*.*", self._on_given),
            (events.register_last, "before-parameter-build", self._on_built),
            (events.register, "before-call.*.*", self._on_call),
            (events.register, "before-endpoint-resolution.*", _botocore.forget_account),
            (events.register_first, _put_object.EVENT, self._on_put),
        ]

    def _is_active(self, **_: Any) -> bool:
        return True

    def _on_given(
        self, model: OperationModel, params: Params, context: dict[str, Any], **_: Any
    ) -> None:
        context[_GIVEN] = dict(params)
        if not self._strict:
            self._look(model.name, context, params)

    def _on_built(
        self, model: OperationModel, params: Params, context: dict[str, Any], **_: Any
    ) -> None:
        context[_SENT] = redact(params)
        if self._strict:
            self._look(model.name, context, params)

    def _look(self, operation: str, context: dict[str, Any], params: Params) -> None:
        """Refuse a call without a stub before botocore validates its parameters, as upstream."""
        if not context.get("is_presign_request"):
            with self._lock:
                context[_STUB] = self._find(operation, context[_GIVEN], params)

    def _on_call(
        self, model: OperationModel, context: dict[str, Any], **_: Any
    ) -> tuple[AWSResponse, dict[str, Any]]:
        sent = context[_SENT]
        with self._lock:
            stub: Stub = context[_STUB]
            if not stub.left:  # Another thread was faster.
                stub = self._find(model.name, context[_GIVEN], sent)
            self._use(stub)
        return self._answer(stub, model.name, sent)

    def _on_put(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        if not self._strict:
            return None
        sent = _put_object.params(request)
        with self._lock:
            stub = self._find(_put_object.OPERATION, sent, sent)
            self._use(stub)
        return self._answer(stub, _put_object.OPERATION, sent)[0]

    def _use(self, stub: Stub) -> None:
        stub.used += 1
        if not stub.left:
            self._left.remove(stub)

    def _answer(
        self, stub: Stub, operation: str, sent: dict[str, Any]
    ) -> tuple[AWSResponse, dict[str, Any]]:
        result = _RAISED
        try:
            answer = stub.produce(sent)
            parsed = _responses.snapshot(answer.parsed)
            result = answer.result(self.client, operation, last=stub.times == 1)
        finally:
            result = sys.exc_info()[1] if result is _RAISED else result
            self.calls.append(Call(operation, sent, result))
        return answer.http, parsed

    def _find(self, operation: str, given: Params, sent: Params) -> Stub:
        """Return the stub that answers a call.

        Raises:
            UnexpectedCallError: There is none, in a strict stubber.
            botocore.exceptions.StubResponseError: There is none, as botocore's own raises it.
        """
        for stub in self._left:
            if stub.matches(operation, given, sent):
                return stub
            if not (stub.optional or self._in_any_order):
                break
        error = self._refusal(operation, given, sent)
        self.calls.append(Call(operation, redact(sent), error))
        return _raise(error)

    def _refusal(self, operation: str, given: Params, sent: Params) -> Exception:
        left = list(self._left)
        in_order = [] if self._in_any_order else left
        first = next((stub for stub in in_order if not stub.optional), None)
        told = _messages.unexpected(
            operation, given, sent, self._stubs, first, has_method=self._knows_service
        )
        self._unexpected.append(told)
        if self._strict:
            return UnexpectedCallError(told)
        return _botocore.refusal(operation, given, in_order[:1] or left)


def _raise(error: Exception) -> NoReturn:
    # pytest shows the arguments of the last frame, and those of the others hold tokens.
    raise error
