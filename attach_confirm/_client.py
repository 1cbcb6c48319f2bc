"""Create a boto3 client with settings that suit the Participant Service."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from attach_confirm import _http, _redaction, _responses

if TYPE_CHECKING:
    from types_boto3_connectparticipant.client import ConnectParticipantClient

_MAX_ATTEMPTS = 3
_CONFIG_OPTIONS: Any = {
    "connect_timeout": 10,
    "read_timeout": 30,
    "max_pool_connections": 50,
    # The mode "auto" would send requests to the instance metadata service.
    "defaults_mode": "legacy",
}
_DEFAULT_CONFIG = Config(**_CONFIG_OPTIONS)


def client(
    region_name: str | None = None,
    *,
    session: boto3.Session | None = None,
    config: Config | None = None,
    **kwargs: Any,
) -> ConnectParticipantClient:
    """Create a boto3 `connectparticipant` client that sends unsigned requests.

    The service's APIs do not use Signature Version 4 (source: each operation's page in the API
    reference), but botocore's model declares it. A default client therefore raises
    `NoCredentialsError` if you have no credentials, and sends your access key ID if you have some.
    This client sends only the `X-Amz-Bearer` header and never resolves credentials.

    These settings do not depend on the environment or on botocore's release: standard retries with
    3 attempts in total, a connect timeout of 10 seconds, a read timeout of 30 seconds and 50 pooled
    connections. The PUT has the same timeouts; its read timeout also limits the time in which no
    byte can be sent. The client's DEBUG logs contain no tokens.

    Args:
        region_name: Region of the Connect instance. None uses the session's region.
        session: Session that creates the client. None uses boto3's default session. If you set a
            CA bundle on a botocore session in code, also pass it as `verify`, because boto3 does
            not expose it; otherwise it applies to the API calls but not to the PUT.
        config: Overrides the settings above, but the client stays unsigned. If `retries` has no
            mode or no number of attempts, the default above applies.
        **kwargs: Passed to `boto3.Session.client`, for example `endpoint_url` or `verify`.

    Returns:
        A boto3 client. Threads can share it, and so can a process and its forked children.

    Raises:
        botocore.exceptions.NoRegionError: `region_name` is None and no region is configured.
    """
    user_config: Any = config or Config()
    retries: Any = {"mode": "standard", **(user_config.retries or {})}
    if not retries.keys() & {"max_attempts", "total_max_attempts"}:
        retries["total_max_attempts"] = _MAX_ATTEMPTS
    required_config = Config(signature_version=UNSIGNED, retries=retries)
    create_client = session.client if session else boto3.client
    new_client = create_client(
        "connectparticipant",
        region_name=region_name,
        config=_DEFAULT_CONFIG.merge(user_config).merge(required_config),
        **kwargs,
    )
    session = session or boto3.DEFAULT_SESSION
    _http.store_verify(new_client, kwargs.get("verify"), session.profile_name if session else None)
    _responses.register_response_validation(new_client)
    _redaction.register_log_redaction(new_client)
    _close_connections_after_fork(new_client)
    return new_client


def _close_connections_after_fork(new_client: ConnectParticipantClient) -> None:
    """Make a forked process open new connections, because it must not share its parent's."""
    pid = os.getpid()

    def close_if_forked(**_: Any) -> None:
        nonlocal pid
        if os.getpid() != pid:
            pid = os.getpid()
            new_client.close()

    events: Any = new_client.meta.events
    events.register("before-call", close_if_forked)
