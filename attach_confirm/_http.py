"""Send an HTTP request outside the service's API with the client's HTTP settings."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.exceptions import ConnectionError as BotocoreConnectionError
from botocore.exceptions import HTTPClientError
from botocore.hooks import first_non_none_response
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from attach_confirm import _redaction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.awsrequest import AWSPreparedRequest, AWSResponse
    from types_boto3_connectparticipant.client import ConnectParticipantClient

_VERIFY_EVENT = "attach-confirm.verify"


def default_verify(profile: str | None = None) -> bool | str:
    """Return the `verify` setting that botocore uses for a client that is created without one.

    Args:
        profile: Name of the profile whose `ca_bundle` applies; None means botocore's default.

    Returns:
        `AWS_CA_BUNDLE` or the profile's `ca_bundle`, else `REQUESTS_CA_BUNDLE`, else True.
    """
    # boto3 calls a session without a profile "default", and botocore raises if a profile of that
    # name is requested but not configured.
    profile_name = None if profile == "default" else profile
    session = botocore.session.Session(profile=profile_name)
    return session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE") or True


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


@contextmanager
def http_session(client: ConnectParticipantClient, url: str) -> Iterator[URLLib3Session]:
    """Open an HTTP session with the client's proxies, timeouts, certificates and CA bundle.

    If the client was not created by `attach_confirm.client`, its `verify` setting is unknown. The
    CA bundle of the environment or of the default profile applies instead.

    Args:
        client: The client whose settings apply.
        url: URL of the request, which selects the proxies of the environment.
    """
    config: Any = client.meta.config
    events: Any = client.meta.events
    proxies = config.proxies if config.proxies is not None else get_environ_proxies(url)
    _, verify = events.emit_until_response(_VERIFY_EVENT)
    # botocore-stubs declares narrower parameter types than botocore itself passes here.
    create_session: Any = URLLib3Session
    session: URLLib3Session = create_session(
        verify=default_verify() if verify is None else verify,
        proxies=proxies,
        timeout=(config.connect_timeout, config.read_timeout),
        client_cert=config.client_cert,
        proxies_config=config.proxies_config,
    )
    try:
        yield session
    finally:
        session.close()


def send_request(
    client: ConnectParticipantClient,
    session: URLLib3Session,
    request: AWSPreparedRequest,
    event_name: str,
) -> AWSResponse:
    """Send a request once, unless a `before-send` handler of the client returns a response.

    Args:
        client: The client whose `before-send` handlers run first.
        session: The session that sends the request.
        request: The request. The query string of its URL is secret.
        event_name: Suffix of the `before-send` event, for example `s3.PutObject`.

    Raises:
        botocore.exceptions.HTTPClientError: The request failed. The message has no query string.
        botocore.exceptions.ConnectionError: The connection failed. The message has no query string.
    """
    with _redaction.redact_logs():
        try:
            responses = client.meta.events.emit(f"before-send.{event_name}", request=request)
            response: AWSResponse | None = first_non_none_response(responses)
            return session.send(request) if response is None else response
        except (HTTPClientError, BotocoreConnectionError) as error:
            redacted_error = _redact_error(error)
    # Raising outside the handler keeps the original error out of __context__.
    raise redacted_error


def _redact_error(
    error: HTTPClientError | BotocoreConnectionError,
) -> HTTPClientError | BotocoreConnectionError:
    """Return a copy of the error without the URL's query string and without the request."""
    redacted_kwargs: dict[str, Any] = {
        name: _redaction.redact_query_strings(str(value)) for name, value in error.kwargs.items()
    }
    return type(error)(**redacted_kwargs)
