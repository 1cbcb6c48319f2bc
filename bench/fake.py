"""Compare the fake with moto alone: a whole flow, and the setup of a test.

The flow is start, PUT, confirm and status of a file of 1 KiB: four requests, with thirty flows per
chat. The baseline is four requests to moto's S3 with the same file: put, head, get and list of one
object. The setup compares entering and leaving `fake_connectparticipant` with `mock_aws`, both
inside another `mock_aws`, because moto's own setup takes much longer and varies. In the first of
these rows, no client is created before the block. In the second, a client of a new class is created
before each block, in a process with two million objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
from moto import mock_aws

import attach_confirm
from attach_confirm_stubs import fake_connectparticipant
from bench._measure import Row, measure_differences, measure_ratios

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROUNDS = 100
_FLOWS_PER_CHAT = 30
_FLOW_LIMIT = 0.60
_SETUP_LIMIT = 0.2
_SEARCH_LIMIT = 100.0
_SEARCH_ROUNDS = 10
_OBJECTS = 2_000_000
_DATA = b"1" * 1024
_MILLISECONDS = 1000.0


def measure(max_rounds: int) -> Iterator[Row]:
    """Measure the flow, then the setup."""
    rounds = min(_ROUNDS, max_rounds)
    yield Row(
        "`start`, PUT, `confirm` and `status` with the fake",
        "put, head, get and list with moto's S3",
        _flow_ratios(rounds),
        _FLOW_LIMIT,
    )
    yield Row(
        "`fake_connectparticipant`, enter and exit",
        "`mock_aws`",
        _setup_differences(rounds),
        _SETUP_LIMIT,
        "ms",
    )
    yield Row(
        "the same with a client from before the block, and two million objects",
        "`mock_aws`",
        _search_differences(min(_SEARCH_ROUNDS, max_rounds)),
        _SEARCH_LIMIT,
        "ms",
    )


def _flow_ratios(rounds: int) -> list[float]:
    with fake_connectparticipant() as fake:
        s3 = boto3.client("s3", region_name=fake.region_name)
        s3.create_bucket(Bucket="bench")
        flows, token = 0, ""

        def subject() -> None:
            nonlocal flows, token
            if flows % _FLOWS_PER_CHAT == 0:
                token = fake.connection_token()
            flows += 1
            upload = attach_confirm.upload(fake.client, _DATA, token, name="a.txt")
            attach_confirm.status(fake.client, upload.attachment_id, token)

        def baseline() -> None:
            s3.put_object(Bucket="bench", Key="a.txt", Body=_DATA)
            s3.head_object(Bucket="bench", Key="a.txt")
            s3.get_object(Bucket="bench", Key="a.txt")["Body"].read()
            s3.list_objects_v2(Bucket="bench")

        return measure_ratios(subject, baseline, rounds)


def _setup_differences(rounds: int) -> list[float]:
    """Return the differences in milliseconds."""
    with mock_aws():
        return _in_milliseconds(measure_differences(_enter_fake, _enter_moto, rounds))


def _search_differences(rounds: int) -> list[float]:
    """Return the differences in milliseconds. botocore creates a class for each client."""
    objects = [[number] for number in range(_OBJECTS)]

    def subject() -> None:
        client = boto3.client("connectparticipant", region_name="us-east-1")
        _enter_fake()
        client.close()

    def baseline() -> None:
        client = boto3.client("connectparticipant", region_name="us-east-1")
        _enter_moto()
        client.close()

    with mock_aws():
        differences = measure_differences(subject, baseline, rounds)
    del objects
    return _in_milliseconds(differences)


def _enter_fake() -> None:
    with fake_connectparticipant():
        pass


def _enter_moto() -> None:
    with mock_aws():
        pass


def _in_milliseconds(differences: list[float]) -> list[float]:
    return [seconds * _MILLISECONDS for seconds in differences]
