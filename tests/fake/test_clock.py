"""The clock, and the sleeps that advance it."""

import time

import botocore.endpoint
import pytest

import attach_confirm
from attach_confirm import _clock
from attach_confirm_stubs import fake_connectparticipant
from tests.fake.uploads import upload_file


def test_sleeps_advance_clock(fake):
    started_at = _clock.monotonic()
    for sleep in (_clock.sleep, botocore.endpoint.time.sleep):
        sleep(1000)
    assert fake.clock.offset_seconds == 2000
    assert 2000 <= _clock.monotonic() - started_at < 2100
    # The rest of the module `time` is unchanged.
    assert botocore.endpoint.time.monotonic() < time.monotonic() + 1000


def test_wait_advances_clock(fake, token):
    fake.scanner.approve(after=60)
    attach_confirm.wait(fake.client, upload_file(fake, token), token)
    assert fake.clock.offset_seconds >= 60


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_advance_rejects_invalid_seconds(fake, seconds):
    with pytest.raises(ValueError, match="the clock cannot move backwards; pass 0 or more"):
        fake.clock.advance(seconds)


def test_clock_is_reset_after_block():
    with fake_connectparticipant() as first:
        first.clock.advance(1000)
        advanced_time = first.clock.now()
    with fake_connectparticipant() as second:
        assert second.clock.offset_seconds == 0
        assert (advanced_time - second.clock.now()).total_seconds() > 900
