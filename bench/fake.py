"""The fake against moto alone: a whole flow, and what a test pays for having it.

The flow is start, PUT, confirm and status of a file of 1 KiB, four requests, thirty flows a chat;
against it stand four requests to moto's S3 with the same kilobyte: put, head, get and list of one
object. The set-up is entering and leaving `fake_connectparticipant` against `mock_aws`, without
the making of a client on either side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
from moto import mock_aws

import attach_confirm
from attach_confirm_stubs import fake_connectparticipant
from bench._measure import Row, difference, ratio

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROUNDS = 100
_FLOWS_A_CHAT = 30
_DATA = b"1" * 1024
_SECOND = 1000.0


def measure() -> Iterator[Row]:
    """Measure the flow, then the set-up."""
    yield Row(
        "the fake's start, PUT, `confirm` and `status`",
        "put, head, get and list on moto's S3",
        _flow(),
        1.0,
    )
    yield Row("`fake_connectparticipant`, in and out", "`mock_aws`", _set_up(), 1.0, "ms")


def _flow() -> float:
    with fake_connectparticipant() as fake:
        s3 = boto3.client("s3", region_name=fake.region_name)
        s3.create_bucket(Bucket="bench")
        flows, token = 0, ""

        def ours() -> None:
            nonlocal flows, token
            if flows % _FLOWS_A_CHAT == 0:
                token = fake.connection_token()
            flows += 1
            sent = attach_confirm.upload(fake.client, _DATA, token, name="a.txt")
            attach_confirm.status(fake.client, sent.attachment_id, token)

        def theirs() -> None:
            s3.put_object(Bucket="bench", Key="a.txt", Body=_DATA)
            s3.head_object(Bucket="bench", Key="a.txt")
            s3.get_object(Bucket="bench", Key="a.txt")["Body"].read()
            s3.list_objects_v2(Bucket="bench")

        return ratio(ours, theirs, _ROUNDS)


def _set_up() -> float:
    """Return how many milliseconds more ours takes than theirs."""

    def ours() -> None:
        with fake_connectparticipant() as fake:
            assert fake.attachments == []

    def theirs() -> None:
        with mock_aws():
            pass

    return difference(ours, theirs, _ROUNDS) * _SECOND
