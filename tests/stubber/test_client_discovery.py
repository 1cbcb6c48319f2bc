"""`_client_discovery`, which attaches something to every botocore client of the process."""

import gc
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event
from types import SimpleNamespace

import boto3
import botocore.session
import pytest
from botocore import UNSIGNED
from botocore.client import BaseClient
from botocore.config import Config

from attach_confirm_stubs import _client_discovery
from attach_confirm_stubs._client_discovery import attached_to_every_client

SERVICES = ("connectparticipant", "connect", "s3")
CONFIG = Config(signature_version=UNSIGNED)


@pytest.fixture(scope="module")
def session():
    """Return a session that is older than every block."""
    return boto3.Session(region_name="us-east-1")


@pytest.fixture
def create(session):
    """Return a function that creates a client of the old session."""
    return partial(session.client, "connectparticipant", config=CONFIG)


class Attachments:
    """Records the ids of the clients to which something is attached."""

    def __init__(self, *services):
        self.services = services or SERVICES
        self.attached = []
        self.detached = []

    def __call__(self, client):
        """Attach to a client of one of the services."""
        if client.meta.service_model.service_name not in self.services:
            return None
        client_id = id(client)
        self.attached.append(client_id)
        return lambda: self.detached.append(client_id)


@pytest.fixture
def attachments():
    """Return attachments to clients of three services."""
    return Attachments()


@pytest.fixture(autouse=True)
def restored():
    """Assert that a test leaves nothing behind.

    Unused clients of earlier tests are collected before, so that they do not disappear meanwhile.
    """
    gc.collect()
    original = BaseClient.__init__
    yield
    assert BaseClient.__init__ is original
    assert _client_discovery._blocks == []


@pytest.fixture
def forbid_search(monkeypatch):
    """Return a function that fails the test if the process's objects are searched afterwards."""

    def fail(*_):
        pytest.fail("searched")

    def forbid():
        module = SimpleNamespace(get_referrers=fail, get_objects=fail)
        monkeypatch.setattr(_client_discovery, "gc", module)

    return forbid


@pytest.mark.parametrize("service", SERVICES)
def test_early_client_is_found(session, attachments, service):
    client = session.client(service, config=CONFIG)
    with attached_to_every_client(attachments):
        assert attachments.attached.count(id(client)) == 1
        assert attachments.detached == []
    assert attachments.detached.count(id(client)) == 1


def test_early_client_is_searched_once(create, attachments, forbid_search, monkeypatch):
    """Only the first block takes the time of a search."""
    clients = [create(), create()]
    with attached_to_every_client(Attachments()):
        pass
    monkeypatch.setattr(_client_discovery, "monotonic", lambda: float("inf"))
    with attached_to_every_client(Attachments()):
        clients.append(create())
    forbid_search()
    with attached_to_every_client(attachments):
        assert {id(client) for client in clients} <= set(attachments.attached)


def test_client_of_ignored_service_is_not_detached(session):
    attachments = Attachments("connect")
    early = session.client("s3", config=CONFIG)
    with attached_to_every_client(attachments):
        late = session.client("s3", config=CONFIG)
    assert not {id(early), id(late)} & {*attachments.attached, *attachments.detached}


def test_new_client_of_any_session_and_thread_is_attached_once(create, attachments):
    with attached_to_every_client(attachments), ThreadPoolExecutor(1) as thread:
        clients = [
            create(),
            boto3.client("connect", region_name="us-east-1", config=CONFIG),
            boto3.resource("s3", region_name="us-east-1", config=CONFIG).meta.client,
            botocore.session.Session().create_client(
                "connectparticipant", region_name="us-east-1", config=CONFIG
            ),
            thread.submit(create).result(),
        ]
        assert [attachments.attached.count(id(client)) for client in clients] == [1] * 5
    assert sorted(attachments.detached) == sorted(attachments.attached)


@pytest.fixture
def create_with_base():
    """Return a function that creates a client whose class has another base class."""

    def create(base):
        session = botocore.session.Session()
        session.get_component("event_emitter").register(
            "creating-client-class", lambda base_classes, **_: base_classes.insert(0, base)
        )
        return session.create_client("connectparticipant", region_name="us-east-1", config=CONFIG)

    return create


def test_client_of_derived_base_class_is_found(create_with_base, attachments):
    """The classes of aiobotocore's clients derive from a subclass of botocore's."""

    class AioBaseClient(BaseClient):
        pass

    early = create_with_base(AioBaseClient)
    with attached_to_every_client(attachments):
        late = create_with_base(AioBaseClient)
        assert {id(early), id(late)} <= set(attachments.attached)


def test_client_that_another_thread_creates_meanwhile_is_found(create_with_base, attachments):
    """Its class exists before the first block, and the client exists after it."""
    is_creating, may_create = Event(), Event()

    class SlowClient(BaseClient):
        def __new__(cls, *_, **__):
            is_creating.set()
            may_create.wait(10)
            return super().__new__(cls)

    with ThreadPoolExecutor(1) as thread:
        creation = thread.submit(create_with_base, SlowClient)
        assert is_creating.wait(10)
        with attached_to_every_client(Attachments()):
            pass
        may_create.set()
        client = creation.result()
    with attached_to_every_client(attachments):
        assert id(client) in attachments.attached


def test_many_classes_are_searched_together(create, attachments):
    classes = [type("Client", (BaseClient,), {}) for _ in range(60)]
    client = create()
    with attached_to_every_client(attachments):
        assert id(client) in attachments.attached
    del classes


@pytest.mark.parametrize("class_count", [0, 60])
def test_other_objects_are_not_used(create, attachments, class_count):
    """Lazy proxies run code when they are used, and some classes are unhashable."""
    used = []

    class Proxy:
        @property
        def __class__(self):
            used.append(self)
            return BaseClient

        def __getattr__(self, name):
            used.append(name)

    class UnhashableType(type):
        __hash__ = None

        def __eq__(cls, other):
            used.append(other)
            return NotImplemented

    client = create()
    others = [Proxy(), UnhashableType("Unhashable", (), {})(), [type(client)]]
    others += [type("Client", (BaseClient,), {}) for _ in range(class_count)]
    with attached_to_every_client(attachments):
        assert id(client) in attachments.attached
    assert used == []


def test_client_without_meta_is_ignored(create, attachments):
    """A client under construction is one."""
    unfinished = BaseClient.__new__(type("Client", (BaseClient,), {}))
    client = create()
    with attached_to_every_client(attachments):
        assert id(unfinished) not in attachments.attached
        assert id(client) in attachments.attached


def test_frozen_client_is_not_found_until_it_is_unfrozen(create, attachments):
    client = create()
    gc.freeze()
    try:
        with attached_to_every_client(attachments):
            assert id(client) not in attachments.attached
    finally:
        gc.unfreeze()
    with attached_to_every_client(attachments):
        assert id(client) in attachments.attached


def test_client_can_be_collected_during_the_block(create, attachments):
    with attached_to_every_client(attachments):
        client = create()
        client_id, reference = id(client), weakref.ref(client)
        del client
        gc.collect()
        assert reference() is None
    assert client_id not in attachments.detached


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt, GeneratorExit])
def test_exception_in_block_detaches(create, attachments, error):
    client = create()
    with pytest.raises(error), attached_to_every_client(attachments):
        raise error
    assert id(client) in attachments.detached
    create()
    assert len(attachments.attached) == len(attachments.detached)


def test_exception_while_attaching_detaches(create):
    clients = [create() for _ in range(3)]
    attachments = Attachments()

    def attach(client):
        if len(attachments.attached) == 2:
            raise KeyboardInterrupt
        return attachments(client)

    with pytest.raises(KeyboardInterrupt), attached_to_every_client(attach):
        pytest.fail("entered")
    assert len(attachments.detached) == 2
    del clients


def test_exception_while_attaching_to_new_client_is_raised(create):
    clients = []

    def attach(_):
        if clients:
            raise KeyError

    with attached_to_every_client(attach):
        clients.append(None)
        with pytest.raises(KeyError):
            create()


def test_exception_while_detaching_does_not_stop_the_others(create):
    clients = [create() for _ in range(3)]
    detached = []

    def attach(client):
        def detach():
            detached.append(service_id)
            raise KeyError

        service_id = client.meta.service_model.service_name
        return detach

    with pytest.raises(KeyError), attached_to_every_client(attach):
        pass
    assert len(detached) >= len(clients)


def test_nested_and_overlapping_blocks(create):
    early = create()
    outer, inner = Attachments(), Attachments()
    with attached_to_every_client(outer):
        with attached_to_every_client(inner):
            both = create()
        late = create()
        assert {id(early), id(both)} <= set(inner.detached)
        assert {id(early), id(both), id(late)} <= set(outer.attached)
        assert id(late) not in inner.attached
        assert outer.detached == []
    first, second = (attached_to_every_client(item) for item in (outer, inner))
    inner.attached.clear()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    late = create()
    assert inner.attached.count(id(late)) == 1
    second.__exit__(None, None, None)


def test_wrapper_of_another_library_is_kept(create, attachments, monkeypatch):
    calls = []
    with attached_to_every_client(attachments):
        ours = BaseClient.__init__

        def theirs(client, *args, **kwargs):
            calls.append(client)
            ours(client, *args, **kwargs)

        monkeypatch.setattr(BaseClient, "__init__", theirs)
    attachments.attached.clear()
    create()
    assert len(calls) == 1
    assert attachments.attached == []
    with attached_to_every_client(attachments):
        client = create()
        assert attachments.attached.count(id(client)) == 1
    assert BaseClient.__init__ is theirs
    monkeypatch.undo()
    # Remove the wrapper that the other library's wrapper calls.
    monkeypatch.setattr(BaseClient, "__init__", ours.__wrapped__)
    monkeypatch._setattr.clear()


def test_clients_of_many_threads_are_attached_once_per_block(create):
    """Blocks begin and end while other threads create clients."""
    clients = []

    def create_clients():
        clients.extend(create() for _ in range(10))

    with ThreadPoolExecutor(3) as threads:
        futures = [threads.submit(create_clients) for _ in range(3)]
        while not all(future.done() for future in futures):
            attachments = Attachments()
            with attached_to_every_client(attachments):
                time.sleep(0.001)
                known = set(map(id, clients))
                assert known <= set(attachments.attached)
            attached = [item for item in attachments.attached if item in known]
            assert len(attached) == len(known)
            assert sorted(item for item in attachments.detached if item in known) == sorted(known)
    for future in futures:
        future.result()
    attachments = Attachments()
    with attached_to_every_client(attachments):
        assert set(map(id, clients)) <= set(attachments.attached)
