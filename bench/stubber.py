"""Compare `ConnectParticipantStubber` and its fixtures with botocore's Stubber.

Setup and teardown of a test: the subject does what the fixtures do for each test, with the shared
session created beforehand. The baseline does what a test does without them, and creates a session
and a client. Credentials are in the environment, so that the baseline finds them at once.

A call: both stubbers are active on clients of the same kind, expect the same parameters and return
the same response. The stubs, one per call, are added before the measurement.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import boto3
from botocore.stub import Stubber

from attach_confirm_stubs import ConnectParticipantStubber, _session
from bench._measure import Row, measure_ratios

if TYPE_CHECKING:
    from collections.abc import Iterator

_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
_FIXTURE_ROUNDS = 100
_FIXTURE_LIMIT = 0.05
_CALL_ROUNDS = 3000
_CALL_LIMIT = 1.10
_PARAMS = {"Content": "Hello", "ContentType": "text/plain", "ConnectionToken": "QVFJREFI" * 64}


def measure(max_rounds: int) -> Iterator[Row]:
    """Measure setup and teardown, then a call."""
    with patch.dict(os.environ, _CREDENTIALS):
        yield Row(
            "stubber fixtures, setup and teardown",
            "`boto3.Session().client()`, `Stubber`",
            _fixture_ratios(min(_FIXTURE_ROUNDS, max_rounds)),
            _FIXTURE_LIMIT,
        )
        yield Row(
            "a stubbed call",
            "botocore's `Stubber`",
            _call_ratios(min(_CALL_ROUNDS, max_rounds)),
            _CALL_LIMIT,
        )


def _fixture_ratios(rounds: int) -> list[float]:
    session = _session.isolated_session()

    def subject() -> None:
        stubber = ConnectParticipantStubber(_session.isolated_client(session), strict=True)
        stubber.activate()
        stubber.deactivate()
        stubber.verify()

    def baseline() -> None:
        client = boto3.Session().client("connectparticipant", region_name="us-east-1")
        stubber = Stubber(client)
        stubber.activate()
        stubber.deactivate()

    return measure_ratios(subject, baseline, rounds)


def _call_ratios(rounds: int) -> list[float]:
    session = boto3.Session(region_name="us-east-1")
    subject_client: Any = session.client("connectparticipant")
    baseline_client: Any = session.client("connectparticipant")
    subject = ConnectParticipantStubber(subject_client)
    baseline = Stubber(baseline_client)
    subject.activate()
    subject.stub_send_message()
    response = subject_client.send_message(**_PARAMS)
    for _ in range(2 * rounds + 1):
        subject.stub_send_message(**_PARAMS, response=response)
        baseline.add_response("send_message", response, _PARAMS)
    with subject, baseline:
        return measure_ratios(
            lambda: subject_client.send_message(**_PARAMS),
            lambda: baseline_client.send_message(**_PARAMS),
            rounds,
        )
