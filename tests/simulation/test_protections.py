"""The simulation finds what it is there to find: each protection, taken out, is missed."""

from contextlib import ExitStack
from types import SimpleNamespace
from unittest.mock import patch
from uuid import uuid4

import pytest

import attach_confirm
from attach_confirm import AttachmentStatus, _put, _retry
from tests.simulation import simulation
from tests.simulation.clients import Clients
from tests.simulation.run import take
from tests.simulation.virtual_time import universe

_ENOUGH = 1000

_failure, _refusal, confirm = _put._failure, _put._refusal, attach_confirm.confirm


def anything(*_):
    """Find nothing wrong."""


def any_2xx(answer, pending):
    """Take each 2xx for S3's."""
    return None if answer.status_code < 300 else _refusal(answer, pending)


def approved(*_):
    """See an attachment in each transcript."""
    return AttachmentStatus.APPROVED


def without_a_look(*args, on_conflict, **kwargs):
    """Confirm, and raise each conflict."""
    assert on_conflict == "check"
    return confirm(*args, **kwargs)


def another(*_):
    """Make a ClientToken for each call."""
    return uuid4()


def declared(pending, *_):
    """Return the headers without a look at the size."""
    return {name: value.encode() for name, value in pending.headers.items()}


def whatever_is_there(body, size):
    """Read a body without a look at its end."""
    return body._source.stream.read(min(size, body._source.size - body._sent))


def each_failure(error):
    """Take each failure for one that passes."""
    return error is not None


def as_it_is(text):
    """Hide nothing."""
    return text


def shown(token, expires_at):
    """Make a connection whose `repr` shows all."""
    return SimpleNamespace(token=token, expires_at=expires_at)


class Unconcerned:
    """Stands where errors get the attachment's id."""

    def __init__(self, *_):
        pass

    def __enter__(self):
        pass

    def __exit__(self, *_):
        pass


endless = SimpleNamespace(
    elapsed_seconds=lambda _: 0.0, return_last_result=_retry.return_last_result
)

TAKEN_OUT = {
    "the 2xx gate": ("put first", {"_put._failure": anything}),
    "the look at a success of the PUT": ("put first", {"_put._failure": any_2xx}),
    "the stable ClientToken": ("one token", {"_confirm.uuid5": another}),
    "the look into a conflict": ("true success", {"_confirm.status": approved}),
    "the look into upload's conflict": ("looked into", {"_upload.confirm": without_a_look}),
    "the length": ("unavoidable", {"_put._headers": declared}),
    "the length while reading": ("true success", {"_source.UploadBody._next": whatever_is_there}),
    "the end of the URL's time": ("in time", {"_put._retry": endless}),
    "the difference between failures": ("final", {"_put.is_retryable": each_failure}),
    "the way on from a lost confirmation": ("nothing twice", {"_upload._Concerning": Unconcerned}),
    "the look at who answers": (
        "true success",
        {
            "_responses.register_response_validation": anything,
            "_responses.require_service_response": anything,
        },
    ),
    "the redaction of logs": ("no secret", {"_redaction.register_log_redaction": anything}),
    "the redaction of errors": ("no secret", {"_redaction.redact_query_strings": as_it_is}),
    "the redaction of values": ("no secret", {"_connect.Connection": shown}),
}


@pytest.mark.parametrize("protection", TAKEN_OUT)
def test_taken_out_it_is_missed(protection):
    """Without a protection the simulation finds a violation of what it protects."""
    invariant, patches = TAKEN_OUT[protection]
    with ExitStack() as stack:
        for name, instead in patches.items():
            stack.enter_context(patch(f"attach_confirm.{name}", instead))
        # What the idle clients listen to was registered when they were made.
        clients = Clients(simulation.hear_first, simulation.hear_last)
        stack.enter_context(patch.object(simulation, "CLIENTS", clients))
        fake = stack.enter_context(universe())
        found = (take(seed, fake).violations for seed in range(_ENOUGH))
        assert any(told.startswith(invariant) for violations in found for told in violations)
