"""The event handlers through which a stubber intercepts the calls of a client."""

from __future__ import annotations

from itertools import count
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet, proxy

from attach_confirm_stubs._calls import Call
from attach_confirm_stubs._redaction import redact
from attach_confirm_stubs.stubber import _put_object, _responses

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.awsrequest import AWSPreparedRequest, AWSResponse
    from botocore.client import BaseClient
    from botocore.model import OperationModel

    from attach_confirm_stubs.stubber._queue import StubQueue
    from attach_confirm_stubs.stubber._stub import Params, Stub

# Keys of botocore's request context.
_CALL_PARAMS = "attach-confirm-stubs.call-params"
_REQUEST_PARAMS = "attach-confirm-stubs.request-params"
# The stub that matches the call, or None if the call is sent to the service.
_STUB = "attach-confirm-stubs.stub"

_lock = Lock()
_sequence = count()
_interceptors: WeakKeyDictionary[BaseClient, WeakSet[Interceptor]] = WeakKeyDictionary()


class Interceptor:
    """Intercepts the calls of one client, and uses the stubs of a queue.

    If a client has several interceptors, only one has its event handlers registered: the exclusive
    one, or else the newest one.

    Args:
        client: The client. The interceptor does not keep it alive.
        queue: The stubs.
        exclusive: Whether the client can have no other exclusive interceptor.
    """

    def __init__(self, client: BaseClient, queue: StubQueue, *, exclusive: bool) -> None:
        self._client: Any = proxy(client)
        self._events: Any = client.meta.events
        self._queue = queue
        self.precedence = (exclusive, next(_sequence))
        with _lock:
            self._group = _interceptors.setdefault(client, WeakSet())

    def add(self) -> None:
        """Start to intercept the client's calls.

        Raises:
            RuntimeError: Both this and another interceptor are exclusive.
        """
        with _lock:
            current = self._first_of_group()
            if current and current.precedence[0] and self.precedence[0]:
                raise RuntimeError(
                    "another ConnectParticipantStubber is active on this client; add the stubs to"
                    " it, or deactivate it first"
                )
            self._group.add(self)
            self._replace(current)

    def remove(self) -> None:
        """Stop intercepting the client's calls."""
        with _lock:
            current = self._first_of_group()
            self._group.remove(self)
            self._replace(current)

    def _first_of_group(self) -> Interceptor | None:
        return max(self._group, key=lambda interceptor: interceptor.precedence, default=None)

    def _replace(self, current: Interceptor | None) -> None:
        """Register the handlers of the group's first interceptor instead of the current one's."""
        first = self._first_of_group()
        if first is current:
            return
        # In this order, a call in another thread is not sent to the service in between.
        if first is not None:
            for register, event, handler in first.handlers():
                register(event, handler)
        if current is not None:
            for _, event, handler in current.handlers():
                self._events.unregister(event, handler)

    def handlers(self) -> list[tuple[Callable[..., None], str, Callable[..., Any]]]:
        """Return the event handlers, with their events and the functions that register them."""
        events = self._events
        # botocore generates a missing ClientToken between the first handler of
        # before-parameter-build and the last one.
        handlers: list[tuple[Callable[..., None], str, Callable[..., Any]]] = [
            (
                events.register_first,
                "before-parameter-build.*.*",
                self._before_parameter_build_first,
            ),
            (events.register_last, "before-parameter-build", self._before_parameter_build_last),
            (events.register, "before-endpoint-resolution.*", self._before_endpoint_resolution),
            (events.register, "before-call.*.*", self._before_call),
            (events.register_first, _put_object.BEFORE_SEND_EVENT, self._before_send_put),
        ]
        if self._queue.passthrough:
            handlers += [
                (events.register, "after-call.*.*", self._after_call),
                (events.register, "after-call-error.*.*", self._after_call_error),
            ]
        return handlers

    def _before_parameter_build_first(
        self, model: OperationModel, params: Params, context: dict[str, Any], **_: Any
    ) -> None:
        context[_CALL_PARAMS] = dict(params)
        if not self._queue.strict:
            # Like botocore's Stubber, match the call before botocore validates its parameters.
            self._match(model.name, context, params)

    def _before_parameter_build_last(
        self, model: OperationModel, params: Params, context: dict[str, Any], **_: Any
    ) -> None:
        context[_REQUEST_PARAMS] = redact(params)
        if self._queue.strict:
            self._match(model.name, context, params)

    def _match(self, operation: str, context: dict[str, Any], params: Params) -> None:
        """Store the stub that matches a call in the context, or raise if no stub matches."""
        if not context.get("is_presign_request"):
            context[_STUB] = self._queue.match(operation, context[_CALL_PARAMS], params)

    def _before_endpoint_resolution(
        self, builtins: dict[str, Any], context: dict[str, Any], **_: Any
    ) -> None:
        if not _is_passed_through(context):
            # Prevent botocore from resolving credentials to build an account-based endpoint.
            builtins["AWS::Auth::AccountId"] = None

    def _before_call(
        self, model: OperationModel, context: dict[str, Any], **_: Any
    ) -> tuple[AWSResponse, dict[str, Any]] | None:
        stub = context.get(_STUB)
        if stub is not None:
            request_params = context[_REQUEST_PARAMS]
            stub = self._queue.use(stub, model.name, context[_CALL_PARAMS], request_params)
            context[_STUB] = stub
        return None if stub is None else self._respond(stub, model.name, request_params)

    def _before_send_put(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        if not (self._queue.strict or self._queue.passthrough):
            return None
        params = _put_object.params_from_request(request)
        stub = self._queue.use(None, _put_object.OPERATION, params, params)
        if stub is None:
            _put_object.allow_reading_again(request, params["Body"])
            self._record(_put_object.OPERATION, params, None)
            return None
        return self._respond(stub, _put_object.OPERATION, params)[0]

    def _respond(
        self, stub: Stub, operation: str, request_params: dict[str, Any]
    ) -> tuple[AWSResponse, dict[str, Any]]:
        try:
            response = stub.make_response(request_params)
            parsed = _responses.deep_copy(response.parsed)
            result = response.to_result(self._client, operation, is_last_use=stub.times == 1)
        except BaseException as error:
            self._record(operation, request_params, error)
            raise
        self._record(operation, request_params, result)
        return response.http_response, parsed

    def _after_call(
        self,
        http_response: AWSResponse,
        parsed: dict[str, Any],
        model: OperationModel,
        context: dict[str, Any],
        **_: Any,
    ) -> None:
        if _is_passed_through(context):
            response = _responses.StubbedResponse(http_response.status_code, parsed)
            result = response.to_result(self._client, model.name, is_last_use=False)
            self._record(model.name, context[_REQUEST_PARAMS], result)

    def _after_call_error(
        self, exception: Exception, context: dict[str, Any], event_name: str, **_: Any
    ) -> None:
        if _is_passed_through(context):
            self._record(event_name.rpartition(".")[2], context[_REQUEST_PARAMS], exception)

    def _record(self, operation: str, request_params: dict[str, Any], result: Any) -> None:
        self._queue.calls.append(Call(operation, request_params, result))


def _is_passed_through(context: dict[str, Any]) -> bool:
    return _STUB in context and context[_STUB] is None
