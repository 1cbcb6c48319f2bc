"""`ConnectParticipantStubber` and its fixtures against botocore's Stubber.

A test's set-up and teardown: ours is what the fixtures do for a test, with the session that they
share made before; the other's is what a test without them does, a session and a client of its own.
It has credentials in the environment, so that it looks for none elsewhere.

A call: both stubbers are active on a client of the same kind, expect the same parameters and give
the same answer, and are called in turns. The call alone is measured; the stubs, one for each
call, are added before. The ratios are as `bench._measure.ratio` says.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import boto3
from botocore.stub import Stubber

from attach_confirm_stubs import ConnectParticipantStubber, _session
from bench._measure import Row, ratio

if TYPE_CHECKING:
    from collections.abc import Iterator

_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
_FIXTURE_ROUNDS = 100
_FIXTURE_LIMIT = 0.10
_CALL_ROUNDS = 3000
_CALL_LIMIT = 1.10
_PARAMS = {"Content": "Hello", "ContentType": "text/plain", "ConnectionToken": "QVFJREFI" * 64}


def measure() -> Iterator[Row]:
    """Measure the time of a test's set-up and teardown, and of a call."""
    with patch.dict(os.environ, _CREDENTIALS):
        yield Row(
            "stubber fixtures, set-up and teardown",
            "`boto3.Session().client()`, `Stubber`",
            _fixture(),
            _FIXTURE_LIMIT,
        )
        yield Row("a stubbed call", "botocore's `Stubber`", _call(), _CALL_LIMIT)


def _fixture() -> float:
    session = _session.isolated_session()

    def ours() -> None:
        stubber = ConnectParticipantStubber(_session.isolated_client(session), strict=True)
        stubber.activate()
        stubber.deactivate()
        stubber.verify()

    def theirs() -> None:
        client = boto3.Session().client("connectparticipant", region_name="us-east-1")
        stubber = Stubber(client)
        stubber.activate()
        stubber.deactivate()

    return ratio(ours, theirs, _FIXTURE_ROUNDS)


def _call() -> float:
    session = boto3.Session(region_name="us-east-1")
    our_client: Any = session.client("connectparticipant")
    their_client: Any = session.client("connectparticipant")
    our_stubber, their_stubber = ConnectParticipantStubber(our_client), Stubber(their_client)
    our_stubber.activate()
    our_stubber.stub_send_message()
    answer = our_client.send_message(**_PARAMS)
    for _ in range(2 * _CALL_ROUNDS + 1):
        our_stubber.stub_send_message(**_PARAMS, response=answer)
        their_stubber.add_response("send_message", answer, _PARAMS)
    with our_stubber, their_stubber:
        return ratio(
            lambda: our_client.send_message(**_PARAMS),
            lambda: their_client.send_message(**_PARAMS),
            _CALL_ROUNDS,
        )
