"""`upload` with a journal leaves one attachment without conditions.

For each rule of the journal, one test fails without the rule.
"""

import errno
import os
import signal
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

import attach_confirm
from attach_confirm import (
    Action,
    InvalidInputError,
    JournalEntry,
    PutFailedError,
    SQLiteJournal,
    UploadTimeoutError,
    UploadUrlExpiredError,
    advise,
)
from attach_confirm_stubs import ModeledError, ReadTimeout, ServerError, serve_connectparticipant
from tests.support.responses import make_response
from tests.support.stubs import NonSeekableStream, skew_clock
from tests.support.uploads import (
    COMPLETE,
    GET_TRANSCRIPT,
    LIFETIME,
    PDF,
    PUT,
    START,
    listed_ids,
    start_upload,
)

KEY = "chat-1/message-1"
CONFLICT = {"x-amzn-ErrorType": "ConflictException"}
NOTE = (
    "if the attachment can never be confirmed and the transcript does not list it,"
    f" call journal.delete({KEY!r}) to allow a new upload"
)


class MemoryJournal:
    """A journal in memory that records its calls, and calls hooks before and after them.

    Attributes:
        events: The names of the methods and of the client's operations, in order.
        hooks: Functions by "before METHOD" or "after METHOD".
    """

    def __init__(self):
        self.entries = {}
        self.events = []
        self.hooks = {}
        self._lock = threading.Lock()

    def _call(self, name, function):
        self.hooks.get(f"before {name}", bool)()
        self.events.append(name)
        with self._lock:
            result = function()
        self.hooks.get(f"after {name}", bool)()
        return result

    def get(self, key):
        return self._call("get", lambda: self.entries.get(key))

    def claim(self, key, entry):
        return self._call("claim", lambda: self.entries.setdefault(key, entry))

    def mark_confirmed(self, key):
        def mark():
            entry = self.entries[key]
            self.entries[key] = JournalEntry(
                entry.attachment_id, entry.name, entry.size, entry.content_type, confirmed=True
            )

        self._call("mark_confirmed", mark)

    def delete(self, key):
        self._call("delete", lambda: self.entries.pop(key, None))


@pytest.fixture
def journal(fake):
    """Return a journal whose events include the requests of the fake's client."""
    journal = MemoryJournal()

    def append(event_name, **_):
        journal.events.append(event_name.rpartition(".")[2])

    fake.client.meta.events.register_first("before-send", append)
    return journal


@pytest.fixture
def send(fake, token, journal):
    """Return a function that uploads the file with the journal."""

    def send(source=PDF, **kwargs):
        arguments = {"name": "a.pdf", "client_token": KEY, "journal": journal, **kwargs}
        return attach_confirm.upload(fake.client, source, token, **arguments)

    return send


def start_and_put(fake, token, client_token=None):
    """Send the file without confirming it, and return the attachment's ID."""
    client = attach_confirm.client(fake.region_name)
    pending = start_upload(client, token, client_token)
    attach_confirm.put(client, pending, PDF)
    return pending.attachment_id


def entry(attachment_id, *, confirmed=False):
    """Return the entry of the file."""
    return JournalEntry(attachment_id, "a.pdf", len(PDF), "application/pdf", confirmed=confirmed)


def fail(error):
    """Return a function that raises an error."""

    def hook():
        raise error

    return hook


class TestSteps:
    """The order of the steps, for each state of the entry."""

    def test_new_upload_is_claimed_before_confirmation(self, fake, send, journal):
        """The entry is claimed after the PUT, and before the confirmation."""
        sent = send()
        assert journal.events == ["get", START, PUT, "claim", COMPLETE, "mark_confirmed"]
        assert journal.entries == {KEY: entry(sent.attachment_id, confirmed=True)}
        assert (sent.attempts, sent.put_attempts, sent.already_confirmed) == (1, 1, False)
        assert listed_ids(fake) == [sent.attachment_id]

    def test_confirmed_entry_sends_nothing(self, send, journal):
        """No request is sent."""
        journal.entries[KEY] = entry("att-1", confirmed=True)
        sent = send()
        assert journal.events == ["get"]
        assert sent == attach_confirm.Upload(
            attachment_id="att-1",
            client_token="bce07c74-f9f7-54f1-9cc7-8bb8cde42e0a",
            attempts=0,
            request_id=None,
            already_confirmed=True,
            name="a.pdf",
            size=len(PDF),
            content_type="application/pdf",
            put_attempts=0,
        )

    @pytest.mark.parametrize("age", [0, LIFETIME, 86_000])
    def test_unconfirmed_entry_is_confirmed(self, fake, token, send, journal, age):
        """The stored attachment is confirmed, and the file is not sent again."""
        attachment_id = start_and_put(fake, token)
        journal.entries[KEY] = entry(attachment_id)
        fake.clock.advance(age)
        sent = send()
        assert journal.events == ["get", COMPLETE, "mark_confirmed"]
        assert (sent.attachment_id, sent.attempts, sent.put_attempts) == (attachment_id, 1, 0)
        assert journal.entries[KEY].confirmed
        assert listed_ids(fake) == [attachment_id]

    @pytest.mark.parametrize("code", ["ConflictException", "ValidationException"])
    def test_rejected_confirmation_is_checked_in_transcript(self, fake, send, journal, code):
        """An earlier process was killed between the confirmation and `mark_confirmed`."""
        first = send()
        journal.entries[KEY] = entry(first.attachment_id)
        journal.events.clear()
        fake.inject(COMPLETE, ModeledError(code))
        sent = send()
        assert journal.events == ["get", COMPLETE, GET_TRANSCRIPT, "mark_confirmed"]
        assert (sent.attachment_id, sent.already_confirmed) == (first.attachment_id, True)
        assert journal.entries[KEY].confirmed

    def test_other_process_claimed_first(self, fake, token, send, journal):
        """The stored attachment is confirmed instead of the one that was just sent."""
        other = start_and_put(fake, token)
        journal.hooks["before claim"] = lambda: journal.entries.setdefault(KEY, entry(other))
        sent = send()
        assert sent.attachment_id == other
        assert sent.put_attempts == 1
        assert listed_ids(fake) == [other]
        assert journal.entries == {KEY: entry(other, confirmed=True)}

    def test_other_process_confirmed_first(self, send, journal):
        journal.hooks["before claim"] = lambda: journal.entries.setdefault(
            KEY, entry("att-1", confirmed=True)
        )
        sent = send()
        assert journal.events == ["get", START, PUT, "claim"]
        assert (sent.attachment_id, sent.already_confirmed, sent.attempts) == ("att-1", True, 0)

    def test_failed_put_is_not_claimed(self, fake, send, journal):
        fake.inject(PUT, ModeledError("SignatureDoesNotMatch"))
        with pytest.raises(PutFailedError):
            send()
        assert journal.events == ["get", START, PUT]
        assert journal.entries == {}

    def test_entry_contains_no_secret(self, fake, token, tmp_path, send):
        journal = SQLiteJournal(tmp_path / "journal.db")
        send(journal=journal)
        journal.close()
        data = b"".join(path.read_bytes() for path in tmp_path.glob("journal.db*"))
        assert fake.attachments[0].attachment_id.encode() in data
        assert token.encode() not in data
        assert b"X-Amz" not in data
        assert PDF not in data


class TestRestart:
    """An attachment that was not claimed is never confirmed, so the next attempt starts at once."""

    def test_expired_url_starts_over(self, fake, token, send, journal):
        start_and_put(fake, token, KEY)
        fake.clock.advance(LIFETIME)
        sent = send()
        steps = ["get", START, PUT, START, PUT, "claim", COMPLETE, "mark_confirmed"]
        assert journal.events == steps
        assert sent.put_attempts == 2
        assert listed_ids(fake) == [sent.attachment_id]

    def test_url_that_expires_during_retries_starts_over(self, fake, send, journal):
        fake.inject(PUT, ReadTimeout(after_commit=True))
        remaining = [2]

        def expire(**_):
            remaining[0] -= 1
            if not remaining[0]:
                fake.clock.advance(LIFETIME)

        fake.client.meta.events.register_first("before-send.s3.PutObject", expire)
        sent = send()
        assert journal.events[:6] == ["get", START, PUT, PUT, START, PUT]
        assert sent.put_attempts == 3
        assert listed_ids(fake) == [sent.attachment_id]

    def test_stream_is_copied_if_the_url_has_expired(self, fake, token, send, journal, monkeypatch):
        """The in-process fake reads the whole body before it checks."""
        start_and_put(fake, token, KEY)
        fake.clock.advance(LIFETIME)
        skew_clock(monkeypatch, LIFETIME)
        sent = send(NonSeekableStream(PDF), size=len(PDF))
        assert journal.events[:5] == ["get", START, PUT, START, PUT]
        assert listed_ids(fake) == [sent.attachment_id]

    def test_stream_that_was_read_cannot_be_sent_again(self, fake, token, send, journal):
        """The local clock is late, so the stream was not copied, and would not be next time."""
        start_and_put(fake, token, KEY)
        fake.clock.advance(LIFETIME)
        with pytest.raises(UploadUrlExpiredError) as raised:
            send(NonSeekableStream(PDF), size=len(PDF))
        assert journal.events == ["get", START, PUT]
        assert advise(raised.value).action is Action.FIX

    def test_stream_that_was_read_after_the_url_expired(self, client, scripted_responses):
        """The next call copies the stream, because it knows that the URL has expired."""
        expiry = datetime.now(timezone.utc) + timedelta(seconds=LIFETIME)
        metadata = {
            "Url": "https://b.example/k",
            "UrlExpiry": expiry.isoformat(),
            "HeadersToInclude": {},
        }
        response = {"AttachmentId": "att-1", "UploadMetadata": metadata}
        scripted_responses(client, f"connectparticipant.{START}", (200, response, {}))
        expired = b"<Error><Code>AccessDenied</Code><Expires>2026-11-22T08:15:46Z</Expires></Error>"
        responses = [(503, b"", {}), (403, expired, {})]

        def respond(request, **_):
            """Read the body of the second request only."""
            if len(responses) == 1:
                request.body.read()
            return make_response(request.url, responses.pop(0))

        client.meta.events.register_first("before-send.s3.PutObject", respond)
        with pytest.raises(UploadUrlExpiredError) as raised:
            attach_confirm.upload(
                client,
                NonSeekableStream(PDF),
                "token",
                name="a.pdf",
                size=len(PDF),
                client_token=KEY,
                journal=MemoryJournal(),
            )
        assert raised.value.attempts == 2
        assert advise(raised.value).retry_after == 0.0

    @pytest.mark.parametrize("conflict", [(409, {}, CONFLICT), (409, {}, {}), (400, {}, CONFLICT)])
    def test_conflict_from_start_starts_over(
        self, fake, send, journal, scripted_responses, conflict
    ):
        """A gateway's response has no error code, and botocore's Stubber uses HTTP 400."""
        scripted_responses(fake.client, f"connectparticipant.{START}", conflict, None)
        sent = send()
        assert journal.events[:4] == ["get", START, START, PUT]
        tokens = [call.params["ClientToken"] for call in fake.calls(START)]
        assert tokens[0] == KEY != tokens[1]
        assert listed_ids(fake) == [sent.attachment_id]

    def test_other_error_from_start_raises(self, fake, send, journal):
        fake.inject(START, ModeledError("ValidationException"))
        with pytest.raises(ClientError):
            send()
        assert journal.events == ["get", START]

    def test_ten_conflicts_raise(self, fake, send, journal, scripted_responses, caplog):
        scripted_responses(fake.client, f"connectparticipant.{START}", (409, {}, {}))
        with pytest.raises(ClientError) as raised:
            send()
        assert journal.events == ["get", *[START] * 10]
        assert caplog.messages == [
            f"upload: attempt {index}: ClientError, starting over" for index in range(9)
        ]
        assert advise(raised.value).action is Action.FIX

    def test_ten_expired_urls_raise(self, fake, send, journal):
        """The last PUT is sent twice, which makes no difference."""
        expired = ModeledError("AccessDenied")
        fake.inject(PUT, *[expired] * 9, ServerError(503), expired)
        with pytest.raises(UploadUrlExpiredError) as raised:
            send()
        assert journal.events == ["get", *[START, PUT] * 10, PUT]
        advice = advise(raised.value)
        assert (advice.action, advice.retry_after) == (Action.FIX, None)


class TestOtherFile:
    """The journal's entry is that of another file."""

    @pytest.mark.parametrize("confirmed", [False, True])
    @pytest.mark.parametrize(
        "other",
        [{"source": PDF + b"!"}, {"name": "b.pdf"}, {"content_type": "text/plain"}],
        ids=["size", "name", "content_type"],
    )
    def test_stored_entry_of_other_file_raises(self, send, journal, other, confirmed):
        journal.entries[KEY] = entry("att-1", confirmed=confirmed)
        with pytest.raises(InvalidInputError) as raised:
            send(**other)
        assert (raised.value.attachment_id, raised.value.acknowledged) == ("att-1", False)
        assert str(raised.value) == (
            "client_token: was used before for another name, size or content type"
        )
        assert journal.events == ["get"]

    def test_claimed_entry_of_other_file_raises(self, fake, send, journal):
        other = JournalEntry("att-1", "b.pdf", len(PDF), "application/pdf")
        journal.hooks["before claim"] = lambda: journal.entries.setdefault(KEY, other)
        with pytest.raises(InvalidInputError) as raised:
            send()
        assert (raised.value.attachment_id, raised.value.acknowledged) == ("att-1", False)
        assert listed_ids(fake) == []


NOT_ENTRIES = [
    {"attachment_id": "att-1"},
    ("att-1", "a.pdf", len(PDF), "application/pdf", False),
    True,
    JournalEntry(None, "a.pdf", len(PDF), "application/pdf"),
    JournalEntry("", "a.pdf", len(PDF), "application/pdf"),
    JournalEntry(5, "a.pdf", len(PDF), "application/pdf"),
]


class TestIncorrectJournal:
    """A journal that returns something else than an entry must be fixed."""

    @pytest.mark.parametrize("value", NOT_ENTRIES)
    def test_other_type_from_get_raises(self, send, journal, value):
        journal.entries[KEY] = value
        with pytest.raises(TypeError, match="journal: get must return a JournalEntry") as raised:
            send()
        assert journal.events == ["get"]
        assert (raised.value.acknowledged, raised.value.journal_key) == (False, KEY)
        assert advise(raised.value).action is Action.FIX

    @pytest.mark.parametrize("value", [None, *NOT_ENTRIES])
    def test_other_type_from_claim_raises(self, fake, send, journal, value):
        """`confirm` must not be called, because it is not known which attachment is claimed."""
        journal.claim = lambda *_: value
        with pytest.raises(TypeError, match="journal: claim must return a JournalEntry") as raised:
            send()
        assert COMPLETE not in journal.events
        assert raised.value.attachment_id == fake.attachments[0].attachment_id
        assert (raised.value.acknowledged, raised.value.journal_key) == (False, KEY)
        advice = advise(raised.value)
        assert (advice.action, advice.attachment_id) == (Action.FIX, None)


class TestInvalidArguments:
    def test_journal_without_client_token_raises(self, send, journal):
        with pytest.raises(InvalidInputError) as raised:
            send(client_token=None)
        assert str(raised.value) == (
            "client_token: must be set with a journal, because it is the journal's key"
        )
        assert journal.events == []

    @pytest.mark.parametrize("client_token", ["", "x" * 501])
    def test_invalid_client_token_raises(self, send, journal, client_token):
        with pytest.raises(InvalidInputError):
            send(client_token=client_token)
        assert journal.events == []

    def test_invalid_connection_token_raises(self, fake, journal):
        with pytest.raises(InvalidInputError) as raised:
            attach_confirm.upload(
                fake.client, PDF, "tok en", name="a.pdf", client_token=KEY, journal=journal
            )
        assert raised.value.parameter == "connection_token"
        assert journal.events == []


class TestErrors:
    """Errors, and the advice to delete the entry."""

    @pytest.mark.parametrize(
        ("error_type", "arguments"),
        [
            (sqlite3.OperationalError, ["database is locked"]),
            (OSError, [errno.EIO, "I/O error"]),
        ],
    )
    def test_error_from_get_raises(self, send, journal, error_type, arguments):
        journal.hooks["before get"] = fail(error_type(*arguments))
        with pytest.raises(error_type) as raised:
            send()
        assert journal.events == []
        assert (raised.value.acknowledged, raised.value.journal_key) == (False, KEY)
        advice = advise(raised.value)
        assert (advice.action, advice.attachment_id) == (Action.RETRY, None)

    @pytest.mark.parametrize("moment", ["before claim", "after claim"])
    def test_error_from_claim_raises(self, fake, send, journal, moment):
        """Only `upload` may follow: `confirm` could confirm an attachment that is not claimed."""
        journal.hooks[moment] = fail(OSError(errno.EIO, "I/O error"))
        with pytest.raises(OSError, match="I/O error") as raised:
            send()
        assert COMPLETE not in journal.events
        assert raised.value.attachment_id == fake.attachments[0].attachment_id
        assert (raised.value.acknowledged, raised.value.journal_key) == (False, KEY)
        advice = advise(raised.value)
        assert (advice.action, advice.attachment_id) == (Action.RETRY, None)
        assert "journal.delete" not in advice.reason
        journal.hooks.clear()
        assert [send().attachment_id] == listed_ids(fake)

    @pytest.mark.parametrize("moment", ["before mark_confirmed", "after mark_confirmed"])
    def test_error_of_mark_confirmed(self, fake, send, journal, moment):
        """The attachment is confirmed, so the advice must not be to delete the entry."""
        journal.hooks[moment] = fail(sqlite3.DatabaseError("file is not a database"))
        with pytest.raises(sqlite3.DatabaseError) as raised:
            send()
        assert (raised.value.acknowledged, raised.value.journal_key) == (True, KEY)
        advice = advise(raised.value)
        assert advice.action is Action.FIX
        assert advice.attachment_id == fake.attachments[0].attachment_id
        assert "journal.delete" not in advice.reason
        journal.hooks.clear()
        assert send().attachment_id == advice.attachment_id
        assert listed_ids(fake) == [advice.attachment_id]

    def test_interrupted_claim_raises(self, send, journal):
        journal.hooks["after claim"] = fail(KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt) as raised:
            send()
        assert (raised.value.acknowledged, raised.value.journal_key) == (False, KEY)
        assert advise(raised.value).action is Action.UNRELATED

    @pytest.mark.parametrize(
        ("code", "action"),
        [
            ("ValidationException", Action.FIX),
            ("ServiceQuotaExceededException", Action.STOP),
            ("AccessDeniedException", Action.RECONNECT),
        ],
    )
    def test_confirmation_that_fails_permanently(self, fake, send, journal, code, action):
        """The upload does not start over until the caller deletes the entry."""
        fake.inject(COMPLETE, *[ModeledError(code)] * 2)
        for _ in range(2):
            with pytest.raises(ClientError) as raised:
                send()
        (attachment,) = fake.attachments
        assert journal.entries == {KEY: entry(attachment.attachment_id)}
        assert (raised.value.acknowledged, raised.value.journal_key) == (True, KEY)
        assert raised.value.__notes__ == [NOTE]
        advice = advise(raised.value)
        assert (advice.action, advice.attachment_id) == (action, attachment.attachment_id)
        assert f"journal.delete({KEY!r})" in advice.reason
        journal.delete(KEY)
        fake.clock.advance(LIFETIME)
        sent = send()
        assert sent.attachment_id != attachment.attachment_id
        assert listed_ids(fake) == [sent.attachment_id]

    def test_confirmation_error_keeps_its_notes(self, fake, send, scripted_responses):
        error = ValueError("no")
        error.__notes__ = ["first"]
        scripted_responses(fake.client, f"connectparticipant.{COMPLETE}", error)
        with pytest.raises(ValueError, match="no"):
            send()
        assert error.__notes__ == ["first", NOTE]

    def test_temporary_error_of_confirmation(self, fake, send, journal):
        fake.inject(COMPLETE, *[ReadTimeout(after_commit=True)] * 3)
        with pytest.raises(ReadTimeoutError) as raised:
            send()
        advice = advise(raised.value)
        assert advice.action is Action.RETRY
        assert "journal.delete" not in advice.reason
        journal.events.clear()
        assert send().attachment_id == advice.attachment_id
        assert journal.events == ["get", COMPLETE, "mark_confirmed"]
        assert listed_ids(fake) == [advice.attachment_id]

    def test_timeout_before_confirmation_raises(self, fake, send, journal, monkeypatch):
        now = [0.0]
        monkeypatch.setattr("attach_confirm._clock.monotonic", lambda: now[0])
        journal.hooks["after claim"] = lambda: now.append(now.pop() + 9)
        with pytest.raises(UploadTimeoutError) as raised:
            send(timeout=5)
        assert journal.events == ["get", START, PUT, "claim"]
        assert (raised.value.acknowledged, raised.value.journal_key) == (True, KEY)
        assert advise(raised.value).attachment_id == fake.attachments[0].attachment_id


class TestExpiredClientTokens:
    """The service does not remember ClientTokens."""

    @pytest.fixture(autouse=True)
    def expire_client_tokens(self, fake):
        fake.assumptions.client_token_lifetime = timedelta(0)

    @pytest.mark.parametrize(
        "moment",
        [f"{when} {name}" for when in ("before", "after") for name in ("claim", "mark_confirmed")],
    )
    @pytest.mark.parametrize("age", [0, LIFETIME])
    def test_repeated_upload_leaves_one_attachment(self, fake, send, journal, moment, age):
        journal.hooks[moment] = fail(KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            send()
        journal.hooks.clear()
        fake.clock.advance(age)
        for _ in range(2):
            sent = send()
        assert listed_ids(fake) == [sent.attachment_id]

    def test_several_threads_leave_one_attachment(self, fake, send, tmp_path):
        """Each of them looks for an entry before any of them stores one."""
        barrier = threading.Barrier(6, timeout=60)

        class SynchronizedJournal(SQLiteJournal):
            def get(self, key):
                entry = super().get(key)
                barrier.wait()
                return entry

        journal = SynchronizedJournal(tmp_path / "journal.db")

        def run(_):
            try:
                return send(journal=journal).attachment_id
            finally:
                journal.close()

        with ThreadPoolExecutor(6) as pool:
            results = list(pool.map(run, range(6)))
        assert len(set(results)) == 1
        assert listed_ids(fake) == results[:1]
        assert len(fake.attachments) == 6
        journal.close()


class TestKilledProcess:
    """A process is killed at some point, and two others repeat the upload at the same time."""

    @pytest.fixture(scope="class")
    @classmethod
    def server(cls):
        """Serve the fake over HTTP for all tests of this class."""
        with serve_connectparticipant() as server:
            yield server

    @staticmethod
    def send(server, token, path, moment=None):
        """Upload the file, and kill this process at a moment, for example "before claim"."""

        class KillingJournal(SQLiteJournal):
            """Kills the process before or after the method of the moment."""

        def kill():
            os.kill(os.getpid(), signal.SIGKILL)

        def wrap(name, method):
            def wrapped(*arguments):
                if moment == f"before {name}":
                    kill()
                result = method(*arguments)
                if moment == f"after {name}":
                    kill()
                return result

            return wrapped

        for name in ("get", "claim", "mark_confirmed"):
            setattr(KillingJournal, name, wrap(name, getattr(SQLiteJournal, name)))

        def after_response(**_):
            if moment == "after confirmation":
                kill()

        client = attach_confirm.client(server.region_name, endpoint_url=server.endpoint_url)
        client.meta.events.register_last(
            f"response-received.connectparticipant.{COMPLETE}", after_response
        )
        attach_confirm.upload(
            client,
            PDF,
            token,
            name="a.pdf",
            client_token=token[:40],
            journal=KillingJournal(path),
        )
        client.close()

    def fork(self, *arguments):
        """Upload the file in a child process, and return its ID."""
        pid = os.fork()
        if not pid:
            exit_code = 1
            try:
                self.send(*arguments)
                exit_code = 0
            finally:
                os._exit(exit_code)
        return pid

    @pytest.mark.parametrize("age", [0, LIFETIME])
    @pytest.mark.parametrize(
        "moment",
        [
            "before get",
            "after get",
            "before claim",
            "after claim",
            "after confirmation",
            "before mark_confirmed",
            "after mark_confirmed",
        ],
    )
    def test_upload_after_kill_leaves_one_attachment(self, server, tmp_path, moment, age):
        token = server.connection_token()
        path = tmp_path / "journal.db"
        _, wait_status = os.waitpid(self.fork(server, token, path, moment), 0)
        assert os.WIFSIGNALED(wait_status)
        server.clock.advance(age)
        for pid in [self.fork(server, token, path) for _ in range(2)]:
            assert os.waitpid(pid, 0)[1] == 0
        client = attach_confirm.client(server.region_name, endpoint_url=server.endpoint_url)
        transcript = client.get_transcript(ConnectionToken=token)["Transcript"]
        client.close()
        ids = [a["AttachmentId"] for item in transcript for a in item.get("Attachments", [])]
        stored = SQLiteJournal(path)
        assert [stored.get(token[:40]).attachment_id] == ids
        assert stored.get(token[:40]).confirmed
        stored.close()
