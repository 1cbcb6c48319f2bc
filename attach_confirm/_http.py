"""One HTTP request outside the service's API, sent as the client would send it."""

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
    """Return what botocore verifies TLS with where a client is given no `verify`.

    Args:
        profile: The profile whose `ca_bundle` counts; None means botocore's own choice.

    Returns:
        `AWS_CA_BUNDLE` or the profile's `ca_bundle`, else `REQUESTS_CA_BUNDLE`, else True.
    """
    # boto3 calls a session without a profile "default", which botocore wants to exist if named.
    named = None if profile == "default" else profile
    configured = botocore.session.Session(profile=named).get_config_variable("ca_bundle")
    return configured or os.environ.get("REQUESTS_CA_BUNDLE") or True


def store_verify(
    client: ConnectParticipantClient, verify: bool | str | None, profile: str | None
) -> None:
    """Keep what a client verifies TLS with, for botocore tells nobody.

    Args:
        client: The client.
        verify: What it was given; None means nothing.
        profile: The profile whose `ca_bundle` counts where it was given nothing.
    """
    if verify is None:
        verify = default_verify(profile)
    events: Any = client.meta.events
    events.register(_VERIFY_EVENT, lambda **_: verify)


@contextmanager
def http_session(client: ConnectParticipantClient, url: str) -> Iterator[URLLib3Session]:
    """Open an HTTP session with the client's proxies, timeouts, certificates and CA bundle.

    A client that `attach_confirm.client` did not make cannot be asked for its `verify`; for
    it, the environment's and the default profile's CA bundle count.
    """
    config: Any = client.meta.config
    events: Any = client.meta.events
    proxies = config.proxies if config.proxies is not None else get_environ_proxies(url)
    _, verify = events.emit_until_response(_VERIFY_EVENT)
    # The types of botocore-stubs are narrower than what botocore itself passes here.
    make_session: Any = URLLib3Session
    session: URLLib3Session = make_session(
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
    event: str,
) -> AWSResponse:
    """Send one request, once; whatever listens to the client's `before-send` may answer it.

    Args:
        client: Whose events hear of the request first.
        session: Sends the request where no listener answered.
        request: The request. Its URL's query is a secret.
        event: Where `before-send` is told to come from, as in `s3.PutObject`.

    Raises:
        botocore.exceptions.HTTPClientError: As botocore raises it, with the query redacted.
        botocore.exceptions.ConnectionError: Likewise.
    """
    with _redaction.redact_logs():
        try:
            answers = client.meta.events.emit(f"before-send.{event}", request=request)
            answer: AWSResponse | None = first_non_none_response(answers)
            return session.send(request) if answer is None else answer
        except (HTTPClientError, BotocoreConnectionError) as error:
            failure = _redacted(error)
    raise failure


def _redacted(
    error: HTTPClientError | BotocoreConnectionError,
) -> HTTPClientError | BotocoreConnectionError:
    """Return the error again, without the URL's query and the request that it held."""
    texts: dict[str, Any] = {
        name: _redaction.redact_query_strings(str(value)) for name, value in error.kwargs.items()
    }
    return type(error)(**texts)
