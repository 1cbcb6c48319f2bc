"""A boto3 client as the Participant Service wants it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from attach_confirm import _http, _redaction, _responses

if TYPE_CHECKING:
    from types_boto3_connectparticipant.client import ConnectParticipantClient

_ATTEMPTS = 3
_OPTIONS: Any = {
    "connect_timeout": 10,
    "read_timeout": 30,
    "max_pool_connections": 50,
    # The mode "auto" would ask the instance metadata service where the code runs.
    "defaults_mode": "legacy",
}
_PINNED = Config(**_OPTIONS)


def client(
    region_name: str | None = None,
    *,
    session: boto3.Session | None = None,
    config: Config | None = None,
    **kwargs: Any,
) -> ConnectParticipantClient:
    """Make a plain boto3 `connectparticipant` client that is unsigned and predictable.

    The service's APIs do not use Signature Version 4 (source: each operation's page in the API
    reference), though botocore's model says otherwise: a default client raises
    `NoCredentialsError` where there are no credentials, and sends an access key id where there
    are. This one sends `X-Amz-Bearer` alone and looks for no credentials.

    Pinned, so that neither the environment nor botocore's release changes them: standard
    retries with 3 attempts in all, 10 seconds to connect, 30 seconds between two bytes read,
    50 pooled connections. Its DEBUG log lines hold no token.

    Args:
        region_name: The region of the Connect instance; None takes the session's.
        session: The session to make the client from; None takes boto3's default one. A CA
            bundle that was set on a botocore session by hand counts for the API calls alone,
            for boto3 does not give it away: pass it as `verify`.
        config: Wins over everything pinned here, except that the client stays unsigned. A
            `retries` that leaves out the mode or the number of attempts keeps ours for it.
        **kwargs: For `boto3.Session.client`, such as `endpoint_url` or `verify`.

    Returns:
        A boto3 client. It can be shared by threads, and by a process with those that it forks.

    Raises:
        botocore.exceptions.NoRegionError: No region was given, and none is configured.
    """
    given: Any = config or Config()
    retries: Any = {"mode": "standard", **(given.retries or {})}
    if not retries.keys() & {"max_attempts", "total_max_attempts"}:
        retries["total_max_attempts"] = _ATTEMPTS
    unsigned = Config(signature_version=UNSIGNED, retries=retries)
    make = session.client if session else boto3.client
    made = make(
        "connectparticipant",
        region_name=region_name,
        config=_PINNED.merge(given).merge(unsigned),
        **kwargs,
    )
    session = session or boto3.DEFAULT_SESSION
    _http.store_verify(made, kwargs.get("verify"), session.profile_name if session else None)
    _responses.register_response_validation(made)
    _redaction.register_log_redaction(made)
    _keep_connections_apart(made)
    return made


def _keep_connections_apart(made: ConnectParticipantClient) -> None:
    """Let a forked process open its own connections, where two would talk over the parent's."""
    owner = os.getpid()

    def check(**_: Any) -> None:
        nonlocal owner
        if os.getpid() != owner:
            owner = os.getpid()
            made.close()

    events: Any = made.meta.events
    events.register("before-call", check)
