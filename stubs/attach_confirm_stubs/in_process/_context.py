"""Run code against the fake inside this process."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from moto import mock_aws

from attach_confirm_stubs.fake._clock import virtual_sleep
from attach_confirm_stubs.fake._handle import FakeConnectParticipant
from attach_confirm_stubs.fake.models import DEFAULT_REGION

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def fake_connectparticipant(
    region_name: str = DEFAULT_REGION,
) -> Iterator[FakeConnectParticipant]:
    """Run a block or, as a decorator, a function against the fake instead of AWS.

    It uses moto's `mock_aws`, so moto's other services are available as well, and requests to
    AWS are intercepted. Sleeps between attempts and polls, of botocore and of
    `attach_confirm`, advance the fake's clock instead. All state is deleted at the end.

    Args:
        region_name: The region of `fake.client` and of new chats. The handle is about all regions.

    Returns:
        A context manager that returns the handle.

    Raises:
        TypeError: `region_name` is not a string, because the decorator was used without
            parentheses.
    """
    if not isinstance(region_name, str):
        raise TypeError(
            "region_name: not a string; write @fake_connectparticipant() with parentheses"
        )
    with mock_aws():
        fake = FakeConnectParticipant(region_name)
        with virtual_sleep():
            yield fake
