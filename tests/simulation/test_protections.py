"""Mutation tests of the simulation: it detects when a protection of the library is removed."""

import math
from contextlib import ExitStack
from types import SimpleNamespace
from unittest.mock import patch
from uuid import uuid4

import pytest

import attach_confirm
from attach_confirm import AttachConfirmError, AttachmentStatus, _put
from tests.simulation import simulation
from tests.simulation.clients import ClientPool
from tests.simulation.run import run_schedule
from tests.simulation.simulation import Invariant
from tests.simulation.virtual_time import virtual_time

_MAX_SCHEDULES = 1000

parse_s3_error, confirm, upload = (
    _put._parse_s3_error,
    attach_confirm.confirm,
    attach_confirm.upload,
)


def do_nothing(*_):
    """Replace a check."""


def accept_any_2xx(response, *args):
    """Return an error only for statuses other than 2xx."""
    return None if response.status_code < 300 else parse_s3_error(response, *args)


def always_approved(*_):
    """Return a status, as if the transcript contained every attachment."""
    return AttachmentStatus.APPROVED


def confirm_without_check(*args, on_conflict, **kwargs):
    """Call `confirm`, and raise every conflict."""
    assert on_conflict == "check"
    return confirm(*args, **kwargs)


def random_uuid(*_):
    """Return a new ClientToken for each call."""
    return uuid4()


def encode_headers_without_check(pending, *_):
    """Return the signed headers without comparing their length with the size."""
    return {name: value.encode() for name, value in pending.headers.items()}


def read_without_check(body, size):
    """Read from a source without detecting that its size has changed."""
    return body._source.stream.read(min(size, body._source.size - body._sent))


def never_expires(*_):
    """Return an unlimited number of seconds."""
    return math.inf


def is_error(error):
    """Return whether there is an error, so that every error is retried."""
    return error is not None


def unchanged(text):
    """Return a text without redaction."""
    return text


def unredacted_connection(token, expires_at):
    """Return a connection whose `repr` contains the token."""
    return SimpleNamespace(token=token, expires_at=expires_at)


def upload_without_attachment_id(*args, **kwargs):
    """Call `upload`, and remove the attachment id from service errors."""
    try:
        return upload(*args, **kwargs)
    except BaseException as error:
        if not isinstance(error, AttachConfirmError):
            vars(error).pop("attachment_id", None)
        raise


# The invariant that detects each mutation, and the replaced names of attach_confirm.
MUTATIONS = {
    "confirm after a failed PUT": (
        Invariant.PUT_BEFORE_CONFIRM,
        {"_put._error_from_response": do_nothing},
    ),
    "accept any 2xx response to the PUT": (
        Invariant.PUT_BEFORE_CONFIRM,
        {"_put._error_from_response": accept_any_2xx},
    ),
    "use a random ClientToken": (
        Invariant.ONE_CLIENT_TOKEN,
        {"_confirm.uuid5": random_uuid},
    ),
    "treat every conflict as confirmed": (
        Invariant.SUCCESS_IS_TRUE,
        {"_confirm.status": always_approved},
    ),
    "do not check a conflict in upload": (
        Invariant.CONFLICT_IS_CHECKED,
        {"_upload.confirm": confirm_without_check},
    ),
    "do not compare the size with the signed length": (
        Invariant.NO_AVOIDABLE_ERROR,
        {"_put._encode_headers": encode_headers_without_check},
    ),
    "do not detect a changed source": (
        Invariant.SUCCESS_IS_TRUE,
        {"_source.UploadBody._read_chunk": read_without_check},
    ),
    "retry the PUT after the URL has expired": (
        Invariant.NO_PUT_AFTER_EXPIRY,
        {"_put._seconds_left": never_expires},
    ),
    "retry every error of the PUT": (
        Invariant.FINAL_ERROR_ENDS,
        {"_put.is_retryable": is_error},
    ),
    "lose the attachment id of a failed confirmation": (
        Invariant.CONFIRMED_ONCE,
        {"upload": upload_without_attachment_id},
    ),
    "do not validate the service's responses": (
        Invariant.SUCCESS_IS_TRUE,
        {
            "_responses.register_response_validation": do_nothing,
            "_responses.require_service_response": do_nothing,
        },
    ),
    "do not redact logs": (
        Invariant.NO_LEAKED_SECRET,
        {"_redaction.register_log_redaction": do_nothing},
    ),
    "do not redact URLs in errors": (
        Invariant.NO_LEAKED_SECRET,
        {"_redaction.redact_query_strings": unchanged},
    ),
    "do not redact the repr of a connection": (
        Invariant.NO_LEAKED_SECRET,
        {"_connect.Connection": unredacted_connection},
    ),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_mutation_is_detected(mutation):
    """The simulation reports a violation of the invariant that the removed code protects."""
    invariant, replacements = MUTATIONS[mutation]
    with ExitStack() as stack:
        for name, replacement in replacements.items():
            stack.enter_context(patch(f"attach_confirm.{name}", replacement))
        # The clients of the shared pool were created before the mutation.
        clients = ClientPool(simulation.before_send, simulation.after_response)
        stack.enter_context(patch.object(simulation, "CLIENTS", clients))
        fake = stack.enter_context(virtual_time())
        results = (run_schedule(seed, fake).violations for seed in range(_MAX_SCHEDULES))
        assert any(
            violation.startswith(invariant.value)
            for violations in results
            for violation in violations
        )
