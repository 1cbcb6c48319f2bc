"""Run code with the fake in AWS's place."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from moto import mock_aws

from attach_confirm_stubs.fake._clock import virtual_sleep
from attach_confirm_stubs.fake._handle import FakeConnectParticipant
from attach_confirm_stubs.fake.responses import DEFAULT_REGION

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def fake_connectparticipant(
    region_name: str = DEFAULT_REGION,
) -> Iterator[FakeConnectParticipant]:
    """Run a block, or as a decorator a function, with the fake in AWS's place.

    Everything else that moto fakes is there too, for this is moto's `mock_aws`: no request
    reaches AWS. Pauses between attempts, botocore's and those of `attach_confirm`, take no time;
    the fake's clock is advanced instead. State is gone at the end.

    Args:
        region_name: The region that the handle looks at.

    Returns:
        A context manager that gives the handle.
    """
    if not isinstance(region_name, str):
        raise TypeError("write @fake_connectparticipant(), with parentheses")
    with mock_aws():
        fake = FakeConnectParticipant(region_name)
        with virtual_sleep(fake.clock):
            yield fake
