"""A Stubber for the Participant Service that is strict and records every call."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from botocore.stub import ANY, Stubber

from attach_confirm_stubs import _service_model, _session
from attach_confirm_stubs._client_discovery import attached_to_every_client
from attach_confirm_stubs.stubber import _botocore, _messages, _put_object, _responses
from attach_confirm_stubs.stubber._interceptor import Interceptor
from attach_confirm_stubs.stubber._methods import OPTIONS, StubMethods
from attach_confirm_stubs.stubber._queue import StubQueue, UnexpectedCallError
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

    from botocore.client import BaseClient
    from botocore.model import OperationModel
    from types_boto3_connectparticipant.client import ConnectParticipantClient
    from typing_extensions import Self

    from attach_confirm_stubs._calls import Call, CallList
    from attach_confirm_stubs.stubber._matching import Match


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
        client: The client to stub, of botocore or aiobotocore. While the stubber is active, its API
            calls do not reach the network.
        any_order: Match stubs by operation and parameters instead of by order; the first stub
            that matches is used. This is safe with calls from many threads.
        strict: Raise `UnexpectedCallError` from the start.
        passthrough: Send a call that no stub matches to the service, and record it. The recorded
            result of a PutObject is None.
        every_client: Stub every `connectparticipant` client of this process: while the stubber is
            active, those that exist already and those that are created in any thread and by any
            session. A stubber that is activated on one client takes precedence for it. Clients
            that are hidden by `gc.freeze()` are not found.

    Attributes:
        client: The client, of which `add_response` and `add_client_error` use the methods' names.
        calls: The calls made while active, including unexpected ones.
    """

    client: ConnectParticipantClient
    calls: CallList[Call]

    def __init__(
        self,
        client: BaseClient,
        *,
        any_order: bool = False,
        strict: bool = False,
        passthrough: bool = False,
        every_client: bool = False,
    ) -> None:
        super().__init__(client)
        model = client.meta.service_model
        self._is_connectparticipant = _is_connectparticipant(client)
        put = [_put_object.OPERATION] if self._is_connectparticipant else []
        self._queue = StubQueue(
            [*model.operation_names, *put],
            any_order=any_order,
            strict=strict,
            passthrough=passthrough,
            has_methods=self._is_connectparticipant,
        )
        self.calls = self._queue.calls
        self._stubs_every_client = every_client
        self._active: ExitStack | None = None

    @classmethod
    def every_client(
        cls, *, any_order: bool = False, strict: bool = False, passthrough: bool = False
    ) -> Self:
        """Return a stubber with `every_client=True`.

        Its client is a new one that ignores the machine's credentials and AWS configuration.

        Args:
            any_order: See the class.
            strict: See the class.
            passthrough: See the class.
        """
        return cls(
            _session.isolated_client(_session.stubber_session()),
            any_order=any_order,
            strict=strict,
            passthrough=passthrough,
            every_client=True,
        )

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
        if self._queue.strict and exception is None:
            self.verify()

    def activate(self) -> None:
        """Start to intercept the client's calls.

        Raises:
            RuntimeError: Another stubber is active on the client.
        """
        if self._active is not None:
            return
        with ExitStack() as stack:
            if self._stubs_every_client:
                stack.enter_context(attached_to_every_client(self._attach))
            else:
                stack.callback(self._intercept(self.client))
            self._active = stack.pop_all()

    def deactivate(self) -> None:
        """Stop intercepting the client's calls."""
        active, self._active = self._active, None
        if active is not None:
            active.close()

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
        required = self._queue.required_calls()
        if required:
            botocore_message = f"{required} responses remaining in queue."
            raise AssertionError(
                _messages.unused_stubs(self._queue.stubs)
                if self._queue.strict
                else botocore_message
            )

    def assert_no_unexpected_calls(self) -> None:
        """Assert that every call had a matching stub.

        Raises:
            UnexpectedCallError: A call had no matching stub, even if the code under test caught
                the error.
        """
        if self._queue.unexpected:
            raise UnexpectedCallError(_messages.suppressed_calls(self._queue.unexpected))

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
        Body: Match[bytes] = ANY,  # noqa: N803
        ContentType: Match[str] = ANY,  # noqa: N803
        status: int = 200,
        error_code: str = "",
        error: BaseException | None = None,
        times: int | None = 1,
        optional: bool = False,
    ) -> None:
        """Stub one attempt of the PUT that `attach_confirm.put` and `upload` send.

        `put` retries after a connection error or a retryable status such as 503, and sleeps
        between attempts. Each attempt is a separate call and needs its own stub.

        Args:
            Body: What the bytes must match, as in the other methods.
            ContentType: What the media type must match; None means that the header is missing.
            status: The HTTP status of S3's response.
            error_code: The error code in S3's response, for example `SignatureDoesNotMatch`.
            error: An exception to raise instead of returning a response.
            times: Number of attempts that the stub matches; None means any number, also zero.
            optional: Whether the stub may remain unused.
        """
        if error is None:
            make_response = _put_object.s3_response_factory(status, error_code)
        else:
            make_response = raising_factory(error)
        params = {"Body": Body, "ContentType": ContentType}
        self._add_stub(
            _put_object.OPERATION,
            {name: expected for name, expected in params.items() if expected is not ANY},
            make_response,
            times=times,
            optional=optional,
        )

    def _stub(self, operation: str, stub: dict[str, Any]) -> None:
        options = {name: stub.pop(name) for name in OPTIONS & stub.keys()}
        unknown = stub.keys() - _service_model.input_members(operation)
        if unknown:
            names = ", ".join(map(repr, sorted(unknown)))
            raise TypeError(f"{operation}: unknown parameter {names}")
        self._add_stub(
            operation,
            stub,
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
        times: int | None,
        optional: bool,
    ) -> None:
        if not self._is_connectparticipant:
            raise TypeError(
                f"stub_<operation> methods require a {_service_model.SERVICE} client, not"
                f" {self.client.meta.service_model.service_name}; use add_response"
            )
        if times is not None and times < 1:
            raise ValueError(f"times must be 1 or more, or None, not {times}")
        self._queue.strict = True
        self._queue.append(
            Stub(
                operation,
                _responses.deep_copy(params),
                make_response,
                exact_params=exact_params,
                times=times,
                optional=optional,
            )
        )

    def _add_botocore_stub(
        self, model: OperationModel, response: _responses.StubbedResponse, expected_params: Any
    ) -> None:
        self._queue.append(
            Stub(
                model.name,
                expected_params,
                lambda _: response,
                exact_params=True,
                match_raw_params=True,
            )
        )

    def _attach(self, client: BaseClient) -> Callable[[], None] | None:
        return self._intercept(client) if _is_connectparticipant(client) else None

    def _intercept(self, client: BaseClient) -> Callable[[], None]:
        """Intercept the calls of a client, and return a function that stops it."""
        interceptor = Interceptor(client, self._queue, exclusive=not self._stubs_every_client)
        interceptor.add()
        return interceptor.remove


def _is_connectparticipant(client: BaseClient) -> bool:
    return client.meta.service_model.service_name == _service_model.SERVICE
