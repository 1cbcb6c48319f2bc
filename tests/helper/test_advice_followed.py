"""A caller that follows `advise` finishes, and never sends a file twice."""

import io
import itertools

import pytest
from botocore.exceptions import BotoCoreError, ClientError

import attach_confirm
from attach_confirm import Action, SQLiteJournal, advise
from attach_confirm_stubs import (
    ConnectionReset,
    ConnectTimeout,
    ModeledError,
    ProxyPage,
    ReadTimeout,
    ServerError,
    Throttle,
    TruncatedResponse,
    modeled_errors,
)
from tests.support.stubs import NonSeekableStream, skew_clock
from tests.support.uploads import (
    COMPLETE,
    GET_TRANSCRIPT,
    PDF,
    PUT,
    START,
    listed_ids,
    start_upload,
)

CONNECT = "CreateParticipantConnection"
MAX_CALLS = 12
FLOW_ERRORS = (attach_confirm.AttachConfirmError, BotoCoreError, ClientError)

TEMPORARY_FAULTS = [
    Throttle(),
    ServerError(),
    ServerError(503),
    ConnectTimeout(),
    ReadTimeout(),
    ReadTimeout(after_commit=True),
    ConnectionReset(),
    ConnectionReset(after_commit=True),
    TruncatedResponse(),
    ProxyPage(),
]
PUT_ERRORS = ["AccessDenied", "SignatureDoesNotMatch", "SlowDown", "RequestTimeout"]


def declared_faults(operation):
    """Return a fault for each error code that an operation declares."""
    codes = PUT_ERRORS if operation == PUT else modeled_errors(operation)
    return [ModeledError(code) for code in codes]


class AdviceFollower:
    """Calls `upload`, and then takes the actions that `advise` returns.

    Args:
        fake: The fake.
        client_token: The idempotency token, or None.
        journal: A journal, or None.
        is_queue_consumer: Whether each call is a new delivery of a message: the next call is 6
            minutes later and does not have the attachment's ID.
        create_source: Returns the source of the next call.
        **arguments: Other arguments of `upload`.
    """

    def __init__(
        self,
        fake,
        *,
        client_token=None,
        journal=None,
        is_queue_consumer=False,
        create_source=lambda: PDF,
        **arguments,
    ):
        self._fake = fake
        self._participant_token = fake.participant_token()
        self.token = attach_confirm.connect(fake.client, self._participant_token).token
        self._arguments = {"client_token": client_token, "journal": journal, "name": "a.pdf"}
        self._arguments.update(arguments)
        self._create_source = create_source
        self._is_queue_consumer = is_queue_consumer
        self._attachment_id = None
        self._must_check = False

    def run(self):
        """Return "sent", or the action that ended the run."""
        for _ in range(MAX_CALLS):
            outcome = self._make_next_call()
            if outcome is not None:
                return outcome
        raise AssertionError(f"not finished after {MAX_CALLS} calls")

    def _make_next_call(self):
        try:
            return "sent" if self._send() else None
        except FLOW_ERRORS as error:
            advice = advise(error)
        if advice.action in {Action.RETRY, Action.CHECK, Action.RECONNECT}:
            return self._follow(advice)
        return advice.action

    def _send(self):
        if self._must_check:
            self._must_check = False
            return attach_confirm.status(self._fake.client, self._attachment_id, self.token)
        if self._attachment_id is not None:
            return attach_confirm.confirm(
                self._fake.client, self._attachment_id, self.token, on_conflict="check"
            )
        return attach_confirm.upload(
            self._fake.client, self._create_source(), self.token, **self._arguments
        )

    def _follow(self, advice):
        self._fake.clock.advance(advice.retry_after or 1.0)
        if self._is_queue_consumer:
            self._fake.clock.advance(360.0)
        elif advice.attachment_id is not None:
            self._attachment_id = advice.attachment_id
        if advice.action is Action.RECONNECT:
            self.token = attach_confirm.connect(self._fake.client, self._participant_token).token
        self._must_check = advice.action is Action.CHECK and self._attachment_id is not None


@pytest.fixture(params=["plain", "token", "journal", "queue with token", "queue with journal"])
def run(request, fake, tmp_path):
    """Return a function that runs a new caller with faults, and returns its outcome."""
    numbers = itertools.count()
    journal = SQLiteJournal(tmp_path / "journal.db") if "journal" in request.param else None

    def run(faults):
        client_token = None if request.param == "plain" else f"chat/{next(numbers)}"
        caller = AdviceFollower(
            fake,
            client_token=client_token,
            journal=journal,
            is_queue_consumer="queue" in request.param,
        )
        before = len(listed_ids(fake))
        for operation, queue in faults.items():
            fake.inject(operation, *queue)
        outcome = caller.run()
        fake.reset_faults()
        sent = len(listed_ids(fake)) - before
        assert sent <= 1, faults
        assert outcome != "sent" or sent == 1, faults
        return outcome

    yield run
    if journal is not None:
        journal.close()


@pytest.mark.parametrize("operation", [START, PUT, COMPLETE])
class TestUpload:
    @pytest.mark.parametrize("count", [1, 4])
    def test_temporary_fault_ends_with_sent_file(self, run, operation, count):
        """The file is sent once the fault ends; botocore makes three attempts per call."""
        for fault in TEMPORARY_FAULTS:
            assert run({operation: [fault] * count}) == "sent", fault

    @pytest.mark.parametrize("count", [1, 5])
    def test_declared_error_ends_with_final_action(self, run, operation, count):
        for fault in declared_faults(operation):
            outcome = run({operation: [fault] * count})
            assert outcome in {"sent", Action.FIX, Action.STOP}, fault

    def test_temporary_fault_and_declared_error(self, run, operation):
        for fault in declared_faults(operation):
            for lost in (ReadTimeout(after_commit=True), ConnectionReset()):
                outcome = run({operation: [lost, fault]})
                assert outcome in {"sent", Action.FIX, Action.STOP}, (lost, fault)


class TestConflict:
    """The first confirmation succeeds, its response is lost, and the second is rejected."""

    @pytest.mark.parametrize("code", ["ConflictException", "ValidationException"])
    def test_confirmed_upload_is_reported_as_sent(self, run, code):
        lost = ReadTimeout(after_commit=True)
        assert run({COMPLETE: [lost, ModeledError(code)]}) == "sent"

    @pytest.mark.parametrize("count", [1, 4])
    def test_fault_of_get_transcript(self, run, count):
        lost = ReadTimeout(after_commit=True)
        conflict = ModeledError("ConflictException")
        for fault in [*TEMPORARY_FAULTS, *declared_faults(GET_TRANSCRIPT)]:
            outcome = run({COMPLETE: [lost, conflict], GET_TRANSCRIPT: [fault] * count})
            is_temporary = fault in TEMPORARY_FAULTS
            assert outcome == "sent" or not is_temporary, fault


class LogFile(io.BytesIO):
    """A file to which another program appends a line whenever it is read."""

    def read(self, size=-1, /):
        if size:
            position = self.tell()
            self.seek(0, io.SEEK_END)
            self.write(b"another line")
            self.seek(position)
        return super().read(size)


class TestSource:
    @pytest.mark.parametrize("client_token", [None, "mine"])
    def test_file_that_always_grows_is_not_sent(self, fake, client_token):
        caller = AdviceFollower(
            fake, client_token=client_token, create_source=lambda: LogFile(b"line")
        )
        assert caller.run() is Action.FIX
        assert listed_ids(fake) == []

    @pytest.mark.parametrize("uses_journal", [False, True])
    @pytest.mark.parametrize(("skew", "outcome"), [(360, "sent"), (0, Action.FIX)])
    def test_stream_whose_upload_url_has_expired(
        self, fake, monkeypatch, tmp_path, *, uses_journal, skew, outcome
    ):
        """The in-process fake reads the whole body before it checks whether the URL has expired.

        If the local clock is late, the stream is not copied, and each call would end alike.
        """
        caller = AdviceFollower(
            fake,
            client_token="mine",
            journal=SQLiteJournal(tmp_path / "journal.db") if uses_journal else None,
            create_source=lambda: NonSeekableStream(PDF),
            size=len(PDF),
        )
        start_upload(fake.client, caller.token, "mine")
        fake.clock.advance(360)
        skew_clock(monkeypatch, skew)
        assert caller.run() == outcome
        assert len(listed_ids(fake)) == (outcome == "sent")


class TestPut:
    def test_file_that_always_grows_is_not_retried(self, fake):
        pending = start_upload(fake.client, fake.connection_token())
        with pytest.raises(attach_confirm.SourceReadError) as raised:
            attach_confirm.put(fake.client, pending, LogFile(PDF))
        assert advise(raised.value).action is Action.FIX

    def test_expired_url_is_not_retried(self, fake):
        """`put` with the same arguments would use the same URL forever."""
        token = fake.connection_token()
        pending = start_upload(fake.client, token)
        fake.clock.advance(301)
        with pytest.raises(attach_confirm.UploadUrlExpiredError) as raised:
            attach_confirm.put(fake.client, pending, PDF)
        assert advise(raised.value).action is Action.FIX


class TestLookups:
    """`connect`, `status` and `wait` only read, so a caller can repeat them unchanged."""

    @pytest.mark.parametrize("function", ["connect", "status", "wait"])
    @pytest.mark.parametrize("count", [1, 4])
    def test_repeated_call_finishes(self, fake, function, count):
        operation = CONNECT if function == "connect" else GET_TRANSCRIPT
        participant_token = fake.participant_token()
        token = attach_confirm.connect(fake.client, participant_token).token
        sent = attach_confirm.upload(fake.client, PDF, token, name="a.pdf")
        arguments = (participant_token,) if function == "connect" else (sent.attachment_id, token)
        for fault in [*TEMPORARY_FAULTS, *declared_faults(operation)]:
            fake.inject(operation, *[fault] * count)
            actions = []
            while len(actions) < MAX_CALLS:
                actions.append(self.call(getattr(attach_confirm, function), fake, *arguments))
                if actions[-1] is not Action.RETRY:
                    break
            assert len(actions) < MAX_CALLS, fault
            assert actions[-1] is None or fault not in TEMPORARY_FAULTS, (fault, actions)
            assert actions[-1] is not Action.UNRELATED, fault
            fake.reset_faults()

    @staticmethod
    def call(function, fake, *arguments):
        """Call a function, and return None or the advised action."""
        try:
            function(fake.client, *arguments)
        except FLOW_ERRORS as error:
            return advise(error).action
        return None
