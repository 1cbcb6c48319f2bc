"""Mutation tests of the simulation: it detects when a protection of the library is removed."""

import math
from contextlib import ExitStack
from datetime import timedelta, timezone
from types import SimpleNamespace
from unittest.mock import patch
from uuid import uuid4

import pytest
from botocore.exceptions import BotoCoreError, ClientError

import attach_confirm
from attach_confirm import (
    AttachConfirmError,
    JournalEntry,
    UploadUrlExpiredError,
    _exceptions,
    _put,
    _s3,
    _uploader,
)
from tests.simulation import simulation
from tests.simulation.clients import ClientPool
from tests.simulation.run import run_schedule
from tests.simulation.schedule import REDELIVERED_METHODS, create_schedule, is_tls_seed
from tests.simulation.simulation import Invariant
from tests.simulation.virtual_time import virtual_time

_MAX_SCHEDULES = 1000

parse_error = _s3.parse_error
parse_s3_error, put_stream = _put._parse_s3_error, _put.put_stream
annotate = _exceptions.annotate
confirm_or_check, upload = _uploader.confirm_or_check, attach_confirm.upload
find, put_and_claim = _uploader.Uploader._find, _uploader.Uploader._put_and_claim


def do_nothing(*_):
    """Replace a check."""


def accept_any_2xx(response, *args):
    """Return an error only for statuses other than 2xx."""
    return None if response.status_code < 300 else parse_s3_error(response, *args)


def always_listed(*_):
    """Return True, as if the transcript contained every attachment."""
    return True


def confirm_without_check(*args, **kwargs):
    """Call `confirm_or_check`, and raise every conflict."""
    return confirm_or_check(*args, checks=False, **kwargs)


def confirm_as_first(*args, **kwargs):
    """Call `confirm_or_check`, as if no earlier process could have confirmed the attachment."""
    return confirm_or_check(*args, **{**kwargs, "repeated": False})


def find_nothing_after_error(uploader, attachment_ids):
    """Search the transcript, and treat an error as if it did not list the attachment."""
    try:
        return find(uploader, attachment_ids)
    except (BotoCoreError, ClientError):
        return None


def parse_error_without_time(headers, body):
    """Parse S3's error response without its time."""
    return parse_error(headers, body)._replace(server_time=None)


def expire_by_local_clock(client, pending, *args):
    """Call `put_stream`, unless the URL has expired by this machine's clock."""
    if _uploader.datetime.now(timezone.utc) >= pending.expires_at:
        raise UploadUrlExpiredError(pending.attachment_id, pending.expires_at, None, 1)
    return put_stream(client, pending, *args)


def put_without_claim(uploader, _, key):
    """Send the file, and store nothing before the confirmation."""
    return put_and_claim(uploader, SimpleNamespace(claim=lambda _, entry: entry), key)


def confirm_own_attachment(uploader, journal, key):
    """Send the file, store its attachment, and return it also if another one was stored."""
    own = []

    def claim(key, entry):
        own.append(entry)
        return journal.claim(key, entry)

    put_and_claim(uploader, SimpleNamespace(claim=claim), key)
    return own[0]


def claim_before_put(uploader, journal, key):
    """Store the attachment before its PUT."""
    pending = uploader._start(0)
    size, content_type = uploader.source.size, uploader.content_type
    entry = JournalEntry(pending.attachment_id, uploader.name, size, content_type)
    stored = journal.claim(key, entry)
    uploader._put(pending)
    return stored


def annotate_as_acknowledged(error, **attributes):
    """Annotate an error, as if S3 had acknowledged all bytes."""
    annotate(error, **{**attributes, "acknowledged": True})


def random_client_token(*_):
    """Return a new ClientToken for each call."""
    return str(uuid4())


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
    """Call `upload`, and remove the attachment ID from service errors."""
    try:
        return upload(*args, **kwargs)
    except BaseException as error:
        if not isinstance(error, AttachConfirmError):
            vars(error).pop("attachment_id", None)
        raise


def is_redelivered(seed):
    """Return whether a file in the schedule of a seed is delivered again."""
    return any(file.method in REDELIVERED_METHODS for file in create_schedule(seed).files)


# The invariant that detects each mutation, and the replaced names of attach_confirm. Other tests
# detect the removal of protections whose absence the simulation cannot detect:
#
# One of the two searches, because the other one finds the attachment as well, in
# test_upload_repeated: test_confirmed_upload_is_found and
# test_attachment_confirmed_after_the_search_is_found.
# The comparison with earlier calls, in test_upload_repeated and test_upload_journal.
# The early return for a confirmed entry, in test_upload_journal.
# The polls after a conflict, in test_confirm.
# The check that S3 responded after the whole body, in test_transport.
# The fsync of SQLiteJournal has no test, because a killed process cannot show it.
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
        {"_confirm.uuid5": random_client_token},
    ),
    "treat every conflict as confirmed": (
        Invariant.SUCCESS_IS_TRUE,
        {"_confirm._is_listed": always_listed},
    ),
    "do not check a conflict in upload": (
        Invariant.CONFLICT_IS_CHECKED,
        {"_uploader.confirm_or_check": confirm_without_check},
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
    "do not compare the size with the signed length": (
        Invariant.NO_AVOIDABLE_ERROR,
        {"_put._content_length": do_nothing},
    ),
    "lose the attachment ID of a failed confirmation": (
        Invariant.CONFIRMED_ONCE,
        {"upload": upload_without_attachment_id},
    ),
    "confirm long after the URL has expired": (
        Invariant.ONE_ITEM,
        {"_uploader.Uploader._limit_confirmation": do_nothing},
    ),
    "start over without a search": (
        Invariant.ONE_ITEM,
        {"_uploader.Uploader._find": do_nothing},
    ),
    "start over at once when the URL has expired": (
        Invariant.ONE_ITEM,
        {"_uploader._RESTART_DELAY": timedelta(0)},
    ),
    "start over by the local clock": (
        Invariant.ONE_ITEM,
        {"_s3.parse_error": parse_error_without_time},
    ),
    "do not send the file if the URL has expired by the local clock": (
        Invariant.ONE_ITEM,
        {"_uploader.put_stream": expire_by_local_clock},
    ),
    "start over after an error of the search": (
        Invariant.ONE_ITEM,
        {"_uploader.Uploader._find": find_nothing_after_error},
    ),
    "start over with a random ClientToken": (
        Invariant.ONE_ITEM,
        {"_uploader.uuid5": random_client_token},
    ),
    "confirm without a claim": (
        Invariant.ONE_ITEM,
        {"_uploader.Uploader._put_and_claim": put_without_claim},
    ),
    "confirm its own attachment instead of the claimed one": (
        Invariant.ONE_ITEM,
        {"_uploader.Uploader._put_and_claim": confirm_own_attachment},
    ),
    "claim before the PUT": (
        Invariant.PUT_BEFORE_CONFIRM,
        {"_uploader.Uploader._put_and_claim": claim_before_put},
    ),
    "raise a rejection although an earlier process may have confirmed": (
        Invariant.NO_AVOIDABLE_ERROR,
        {"_uploader.confirm_or_check": confirm_as_first},
    ),
    "report every error as acknowledged": (
        Invariant.PUT_BEFORE_CONFIRM,
        {
            "_exceptions.annotate": annotate_as_acknowledged,
            "_uploader.annotate": annotate_as_acknowledged,
        },
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
        # Only a file that is delivered again can be sent twice despite a client_token.
        seeds = [
            seed
            for seed in range(_MAX_SCHEDULES)
            if not is_tls_seed(seed)
            and (invariant is not Invariant.ONE_ITEM or is_redelivered(seed))
        ]
        results = (run_schedule(seed, fake).violations for seed in seeds)
        assert any(
            violation.startswith(invariant.value)
            for violations in results
            for violation in violations
        )
