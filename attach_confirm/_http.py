"""Send an HTTP request outside the service's API with the client's HTTP settings."""

from __future__ import annotations

import io
import os
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionError as BotocoreConnectionError
from botocore.exceptions import HTTPClientError, ProfileNotFound, SSLError
from botocore.hooks import first_non_none_response
from botocore.utils import get_environ_proxies
from urllib3 import HTTPResponse

from attach_confirm import _redaction, _transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from botocore.awsrequest import AWSPreparedRequest
    from types_boto3_connectparticipant.client import ConnectParticipantClient
    from urllib3.response import BaseHTTPResponse

    from attach_confirm._deadline import Deadline

MAX_ERROR_SIZE = 1024 * 1024
_SUCCESS = range(200, 300)
_VERIFY_EVENT = "attach-confirm.verify"


class Response(NamedTuple):
    """A response whose body has not been read.

    Attributes:
        status_code: HTTP status code.
        headers: The headers. The lookup ignores case.
        read: Returns at most this many bytes of the body, as they were sent; b"" at the end.
    """

    status_code: int
    headers: Mapping[str, str]
    read: Callable[[int], bytes]


def default_verify(profile: str | None = None) -> bool | str:
    """Return the `verify` setting that botocore uses for a client that is created without one.

    Args:
        profile: Name of the profile whose `ca_bundle` applies; None means botocore's default.

    Returns:
        `AWS_CA_BUNDLE` or the profile's `ca_bundle`, else `REQUESTS_CA_BUNDLE`, else True.
    """
    session = botocore.session.Session(profile=profile)
    try:
        ca_bundle = session.get_config_variable("ca_bundle")
    except ProfileNotFound:
        # boto3 calls a session without a profile "default", also if no profile has that name.
        ca_bundle = None
    return ca_bundle or os.environ.get("REQUESTS_CA_BUNDLE") or True


def store_verify(
    client: ConnectParticipantClient, verify: bool | str | None, profile: str | None
) -> None:
    """Store the client's `verify` setting, because botocore does not expose it.

    Args:
        client: The client.
        verify: The `verify` argument that the client was created with, or None.
        profile: Name of the profile whose `ca_bundle` applies if `verify` is None.
    """
    if verify is None:
        verify = default_verify(profile)
    events: Any = client.meta.events
    events.register(_VERIFY_EVENT, lambda **_: verify)


def open_request(
    client: ConnectParticipantClient,
    method: str,
    url: str,
    *,
    headers: Mapping[str, Any],
    body: _transport.RequestBody | None = None,
) -> AbstractContextManager[BaseHTTPResponse]:
    """Send a request with the client's proxies, timeouts, certificates and CA bundle.

    If the client was not created by `attach_confirm.client`, its `verify` setting is unknown. The
    CA bundle of the environment or of the default profile applies instead.

    Args:
        client: The client whose settings apply.
        method: The HTTP method.
        url: The URL, which selects the proxies of the environment.
        headers: The headers, with Content-Length if there is a body.
        body: The body, or None.

    Returns:
        See `_transport.open_request`. Its errors do not contain the query string of the URL, but
        their `__context__` may.
    """
    config: Any = client.meta.config
    events: Any = client.meta.events
    _, verify = events.emit_until_response(_VERIFY_EVENT)
    return _transport.open_request(
        method,
        url,
        headers=headers,
        body=body,
        config=config,
        proxies=config.proxies if config.proxies is not None else get_environ_proxies(url),
        verify=default_verify() if verify is None else verify,
    )


def send_request(
    client: ConnectParticipantClient, request: AWSPreparedRequest, event_name: str
) -> AWSResponse:
    """Send a request once, unless a `before-send` handler of the client returns a response.

    Args:
        client: The client whose `before-send` handlers run first, and whose settings apply.
        request: The request. The query string of its URL is secret.
        event_name: Suffix of the `before-send` event, for example `s3.PutObject`.

    Returns:
        The response. Its content is empty if the status is 2xx, because the headers are enough.
        Otherwise it is the body, up to `MAX_ERROR_SIZE` bytes.

    Raises:
        botocore.exceptions.HTTPClientError: The request failed. The message has no query string.
        botocore.exceptions.ConnectionError: The connection failed. The message has no query string.
    """
    with _redaction.redact_logs():
        try:
            responses = client.meta.events.emit(f"before-send.{event_name}", request=request)
            response: AWSResponse | None = first_non_none_response(responses)
            return _send(client, request) if response is None else response
        except (HTTPClientError, BotocoreConnectionError) as error:
            redacted_error, cause = _redact_error(error)
    # Raising outside the handler keeps the original error out of __context__.
    raise redacted_error from cause


@contextmanager
def open_response(
    client: ConnectParticipantClient,
    request: AWSPreparedRequest,
    event_name: str,
    *,
    fills_blocks: bool,
) -> Iterator[Response]:
    """Send a request without a body once, unless a `before-send` handler returns a response.

    Args:
        client: The client whose `before-send` handlers run first, and whose settings apply.
        request: The request. The query string of its URL is secret.
        event_name: Suffix of the `before-send` event, for example `s3.GetObject`.
        fills_blocks: Whether `read` waits until it has as many bytes as requested, which is faster.
            Otherwise it returns the bytes that have arrived.

    Returns:
        A context manager for the response. Reading it raises the errors below as well.

    Raises:
        botocore.exceptions.HTTPClientError: The request failed. The message has no query string.
        botocore.exceptions.ConnectionError: The connection failed. The message has no query string.
    """
    headers: Any = request.headers
    with _redaction.redact_logs():
        try:
            responses = client.meta.events.emit(f"before-send.{event_name}", request=request)
            response: Any = first_non_none_response(responses)
            if response is not None:
                yield Response(response.status_code, response.headers, response.raw.read)
                return
            with open_request(client, request.method, request.url, headers=headers) as raw:
                # urllib3 before 2.1 has no read1.
                read = raw.read if fills_blocks else getattr(raw, "read1", raw.read)
                yield Response(raw.status, raw.headers, partial(read, decode_content=False))
                return
        except (HTTPClientError, BotocoreConnectionError) as error:
            redacted_error, cause = _redact_error(error)
    raise redacted_error from cause


def _send(client: ConnectParticipantClient, request: AWSPreparedRequest) -> AWSResponse:
    # The types in botocore-stubs are narrower than what botocore accepts.
    headers: Any = request.headers
    body: Any = request.body
    create_response: Any = AWSResponse
    with open_request(client, request.method, request.url, headers=headers, body=body) as raw:
        read: Callable[[int], bytes] = partial(raw.read, decode_content=False)
        content = b"" if raw.status in _SUCCESS else read_error(read)
        stored = HTTPResponse(io.BytesIO(content), preload_content=False)
        response: AWSResponse = create_response(request.url, raw.status, raw.headers, stored)
    return response


def read_error(read: Callable[[int], bytes], deadline: Deadline | None = None) -> bytes:
    """Return the body of an error response, up to `MAX_ERROR_SIZE` bytes.

    Args:
        read: Returns at most this many bytes of the body; b"" at the end.
        deadline: Time after which no more is read, or None.
    """
    body = b""
    while len(body) < MAX_ERROR_SIZE and (block := read(MAX_ERROR_SIZE - len(body))):
        body += block
        if deadline is not None and not deadline.remaining():
            break
    return body


def _redact_error(
    error: HTTPClientError | BotocoreConnectionError,
) -> tuple[HTTPClientError | BotocoreConnectionError, BaseException | None]:
    """Return a copy of an error without the URL's query string, and the cause to keep.

    The copy has neither the request nor the original's context. Only the cause of an SSL error is
    kept, because a failed certificate verification decides what to do.
    """
    redacted_kwargs: dict[str, Any] = {
        name: _redaction.redact_query_strings(str(value)) for name, value in error.kwargs.items()
    }
    is_ssl_error = isinstance(error, SSLError)
    return type(error)(**redacted_kwargs), error.__cause__ if is_ssl_error else None
