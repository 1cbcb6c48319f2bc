"""`ConnectParticipantStubber.every_client`, and several stubbers on one client."""

import gc
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore import UNSIGNED
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError, UnStubbedResponseError

import attach_confirm
from attach_confirm_stubs import ConnectParticipantStubber, UnexpectedCallError
from tests.stubber.helpers import send_message, send_message_suppressing_errors

# Clients like those of a Lambda handler, which are created when a module is imported.
MODULE_SESSION = boto3.Session(region_name="us-east-1")
MODULE_CLIENT = MODULE_SESSION.client(
    "connectparticipant", config=Config(signature_version=UNSIGNED)
)


@pytest.fixture(autouse=True)
def blocked_client():
    """Make requests of the module's client fail, and check that the test restores it."""

    def fail(**_):
        raise ConnectionError

    MODULE_CLIENT.meta.events.register("before-send.connectparticipant", fail)
    yield
    with pytest.raises(ConnectionError):
        send_message(MODULE_CLIENT)
    MODULE_CLIENT.meta.events.unregister("before-send.connectparticipant", fail)


def create_client():
    """Create a client as code under test does."""
    return boto3.client("connectparticipant", region_name="us-east-1")


def test_early_new_and_own_clients_are_stubbed():
    with ConnectParticipantStubber.every_client() as stubber:
        stubber.stub_send_message(response={"Id": "1"}, times=5)
        clients = [
            MODULE_CLIENT,
            create_client(),
            MODULE_SESSION.client("connectparticipant"),
            attach_confirm.client("us-west-2"),
            stubber.client,
        ]
        assert [send_message(client) for client in clients] == ["1"] * 5
    assert [call.operation for call in stubber.calls] == ["SendMessage"] * 5


def test_clients_of_other_services_are_not_stubbed():
    def fail(**_):
        raise RuntimeError("not stubbed")

    with ConnectParticipantStubber.every_client():
        sqs = boto3.client("sqs", region_name="us-east-1")
        sqs.meta.events.register_last("before-call", fail)
        with pytest.raises(RuntimeError, match="not stubbed"):
            sqs.list_queues()


def test_botocore_methods_resolve_names():
    with ConnectParticipantStubber.every_client() as stubber:
        stubber.add_response("send_message", {"Id": "1"})
        stubber.add_client_error("send_message", "ThrottlingException")
        assert send_message(MODULE_CLIENT) == "1"
        with pytest.raises(MODULE_CLIENT.exceptions.ThrottlingException):
            send_message(MODULE_CLIENT)
        with pytest.raises(UnStubbedResponseError):
            send_message(MODULE_CLIENT)
    with pytest.raises(ValueError, match="does not have method: send_mesage"):
        stubber.add_response("send_mesage", {})
    stubber.assert_no_pending_responses()


def test_recorded_error_has_the_class_of_the_client():
    with ConnectParticipantStubber.every_client() as stubber:
        stubber.stub_send_message(error_code="ThrottlingException")
        with pytest.raises(ClientError) as caught:
            send_message(MODULE_CLIENT)
    assert type(stubber.calls[0].result) is type(caught.value)


def test_put_of_any_client_is_stubbed():
    with ConnectParticipantStubber.every_client() as stubber:
        stubber.stub_start_attachment_upload(response={"AttachmentId": "att-1"})
        stubber.stub_put_object(Body=b"%PDF")
        stubber.stub_complete_attachment_upload(AttachmentIds=["att-1"])
        attach_confirm.upload(MODULE_CLIENT, b"%PDF", "token", name="a.pdf")


def test_own_client_ignores_the_machines_configuration(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "xx-nowhere-1")
    client = ConnectParticipantStubber.every_client().client
    assert client.meta.endpoint_url == "https://participant.connect.us-east-1.amazonaws.com"
    assert client.meta.config.signature_version is UNSIGNED


@pytest.mark.parametrize("options", [{}, {"any_order": True}])
def test_options_are_passed_on(options):
    with ConnectParticipantStubber.every_client(**options) as stubber:
        for text in "ab":
            stubber.stub_send_message(Content=text)
        if not options:
            with pytest.raises(UnexpectedCallError, match="stub 1 must be used first"):
                send_message(MODULE_CLIENT, "b")
            send_message(MODULE_CLIENT, "a")
        send_message(MODULE_CLIENT, "b")
        if options:
            send_message(MODULE_CLIENT, "a")
        stubber.deactivate()
        stubber.assert_no_pending_responses()
        stubber._queue.unexpected.clear()


def test_strict_reports_unexpected_calls():
    with (
        pytest.raises(UnexpectedCallError),
        ConnectParticipantStubber.every_client(strict=True),
    ):
        send_message_suppressing_errors(MODULE_CLIENT)


def test_passthrough_sends_and_records():
    with ConnectParticipantStubber.every_client(passthrough=True) as stubber:
        with pytest.raises(ConnectionError):
            send_message(MODULE_CLIENT)
        stubber.stub_send_message()
        send_message(MODULE_CLIENT)
    assert [type(call.result) for call in stubber.calls] == [ConnectionError, dict]


def test_subclass_creates_its_own_instance():
    class ExampleStubber(ConnectParticipantStubber):
        def stub_hello(self):
            self.stub_send_message(Content="Hello", response={"Id": "1"})

    with ExampleStubber.every_client() as stubber:
        stubber.stub_hello()
        assert send_message(MODULE_CLIENT) == "1"


def test_activation_is_idempotent_and_repeatable():
    original = BaseClient.__init__
    stubber = ConnectParticipantStubber.every_client()
    stubber.deactivate()
    for number in range(3):
        stubber.activate()
        stubber.activate()
        stubber.stub_send_message(response={"Id": str(number)})
        assert send_message(MODULE_CLIENT) == str(number)
        stubber.deactivate()
        stubber.deactivate()
        assert BaseClient.__init__ is original
        with pytest.raises(ConnectionError):
            send_message(MODULE_CLIENT)


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt, SystemExit])
def test_exception_in_block_restores_clients(error):
    original = BaseClient.__init__
    with pytest.raises(error), ConnectParticipantStubber.every_client(strict=True):
        raise error
    assert BaseClient.__init__ is original


def test_inner_block_takes_precedence():
    with ConnectParticipantStubber.every_client() as outer:
        outer.stub_send_message(response={"Id": "outer"}, times=3)
        assert send_message(MODULE_CLIENT) == "outer"
        with ConnectParticipantStubber.every_client() as inner:
            inner.stub_send_message(response={"Id": "inner"}, times=3)
            client = create_client()
            assert send_message(client) == "inner"
            assert send_message(MODULE_CLIENT) == "inner"
            assert send_message(outer.client) == "inner"
        assert send_message(MODULE_CLIENT) == "outer"
        assert send_message(client) == "outer"


def test_blocks_can_overlap():
    first, second = (ConnectParticipantStubber.every_client() for _ in range(2))
    first.stub_send_message(times=None, response={"Id": "first"})
    second.stub_send_message(times=None, response={"Id": "second"})
    first.activate()
    second.activate()
    first.deactivate()
    assert send_message(MODULE_CLIENT) == "second"
    first.activate()
    assert send_message(MODULE_CLIENT) == "first"
    second.deactivate()
    assert send_message(MODULE_CLIENT) == "first"
    first.deactivate()


@pytest.mark.parametrize("is_activated_first", [True, False])
def test_stubber_of_one_client_takes_precedence(is_activated_first):
    """Whichever was activated first, and until it is deactivated."""
    one, every = ConnectParticipantStubber(MODULE_CLIENT), ConnectParticipantStubber.every_client()
    for stubber in (one, every) if is_activated_first else (every, one):
        stubber.activate()
    one.stub_send_message(response={"Id": "one"})
    every.stub_send_message(response={"Id": "every"}, times=2)
    assert send_message(MODULE_CLIENT) == "one"
    assert send_message(create_client()) == "every"
    with pytest.raises(UnexpectedCallError):
        send_message(MODULE_CLIENT)
    one.deactivate()
    assert send_message(MODULE_CLIENT) == "every"
    every.deactivate()
    every.verify()
    assert len(one.calls) == len(every.calls) == 2


def test_put_of_client_with_own_stubber_uses_its_stub(make_pending_upload):
    with (
        ConnectParticipantStubber.every_client(strict=True),
        ConnectParticipantStubber(MODULE_CLIENT) as stubber,
    ):
        stubber.stub_put_object(Body=b"abc")
        attach_confirm.put(MODULE_CLIENT, make_pending_upload(), b"abc")


def test_second_stubber_of_one_client_is_rejected():
    with (
        ConnectParticipantStubber.every_client() as every,
        ConnectParticipantStubber(MODULE_CLIENT),
    ):
        second = ConnectParticipantStubber(MODULE_CLIENT)
        with pytest.raises(RuntimeError, match="another ConnectParticipantStubber is active"):
            second.activate()
        with ConnectParticipantStubber(every.client) as own:
            own.stub_send_message(response={"Id": "own"})
            assert send_message(every.client) == "own"


def test_stubber_outlives_block_on_its_client():
    with ConnectParticipantStubber.every_client():
        stubber = ConnectParticipantStubber(MODULE_CLIENT)
        stubber.activate()
    stubber.stub_send_message(response={"Id": "1"})
    assert send_message(MODULE_CLIENT) == "1"
    stubber.deactivate()


def test_active_stubber_does_not_keep_its_client_alive():
    """A test may forget to deactivate it."""

    def activate():
        client = create_client()
        ConnectParticipantStubber(client).activate()
        return id(client)

    client_id = activate()
    gc.collect()
    clients = [item for item in gc.get_objects() if type(item).__mro__[1:2] == (BaseClient,)]
    assert client_id not in map(id, clients)


def test_clients_of_many_threads_are_stubbed():
    with ConnectParticipantStubber.every_client() as stubber, ThreadPoolExecutor(4) as threads:
        stubber.stub_send_message(times=40, response={"Id": "1"})
        calls = [
            threads.submit(lambda: send_message(MODULE_SESSION.client("connectparticipant")))
            for _ in range(20)
        ]
        calls += [threads.submit(send_message, MODULE_CLIENT) for _ in range(20)]
        assert {call.result() for call in calls} == {"1"}
    assert len(stubber.calls) == 40


class AsyncEvents:
    """An event emitter like aiobotocore's, whose `emit` returns a coroutine.

    aiobotocore itself is not used, because each release requires an older botocore.
    """

    def __init__(self, events):
        self._events = events

    def __getattr__(self, name):
        return getattr(self._events, name)

    async def emit(self, *args, **kwargs):
        """Emit an event."""
        return self._events.emit(*args, **kwargs)


def test_stubber_of_client_with_coroutine_emitter(client):
    """Activation registers handlers and emits no event."""
    events = client.meta.events
    client.meta.events = AsyncEvents(events)
    with ConnectParticipantStubber(client) as stubber:
        stubber.stub_send_message(response={"Id": "1"})
        client.meta.events = events
        assert send_message(client) == "1"
        with pytest.raises(RuntimeError, match="another ConnectParticipantStubber is active"):
            ConnectParticipantStubber(client).activate()
