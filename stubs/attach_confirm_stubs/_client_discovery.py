"""Find every botocore client of this process, to attach event handlers to it."""

from __future__ import annotations

import gc
from contextlib import ExitStack, contextmanager
from functools import wraps
from threading import RLock
from time import monotonic
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

from botocore.client import BaseClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# get_referrers compares each reference in the process with each of these classes.
_MAX_CLASSES_FOR_GET_REFERRERS = 50
# botocore creates a class for each client shortly before the client.
_MAX_SECONDS_TO_CREATE_CLIENT = 10

_lock = RLock()
_blocks: list[_Block] = []
_known_clients: WeakSet[BaseClient] = WeakSet()
# Classes whose clients are all known, and the times at which the other classes were first seen.
_searched_classes: WeakSet[type] = WeakSet()
_first_seen: WeakKeyDictionary[type, float] = WeakKeyDictionary()


@contextmanager
def attached_to_every_client(
    attach: Callable[[BaseClient], Callable[[], object] | None],
) -> Iterator[None]:
    """Attach something to every botocore client of this process during a block.

    These are the clients of all services that exist already and those that are created during the
    block, by any session and in any thread, including clients of aiobotocore. Clients that are
    hidden by `gc.freeze()` are not found.

    Args:
        attach: Called once for each client. It returns a function that detaches from the client
            and does not refer to the client, or None to ignore the client.
    """
    block = _Block(attach)
    with ExitStack() as stack:
        stack.callback(block.exit)
        block.enter()
        yield


class _Block:
    """A block during which something is attached to every client."""

    def __init__(self, attach: Callable[[BaseClient], Callable[[], object] | None]) -> None:
        self._attach = attach
        self._detach: WeakKeyDictionary[BaseClient, Callable[[], object] | None]
        self._detach = WeakKeyDictionary()

    def enter(self) -> None:
        with _lock:
            _blocks.append(self)
            _new_clients.observe()
            _find_clients()
            for client in list(_known_clients):
                self.add(client)

    def add(self, client: BaseClient) -> None:
        if client not in self._detach:
            self._detach[client] = self._attach(client)

    def exit(self) -> None:
        with _lock, ExitStack() as stack:
            _blocks.remove(self)
            if not _blocks:
                stack.callback(_new_clients.ignore)
            for detach in list(self._detach.values()):
                if detach is not None:
                    stack.callback(detach)


class _NewClients:
    """Adds each new client to the blocks, by means of a wrapper of `BaseClient.__init__`.

    `Session.create_client` is not wrapped, because aiobotocore's sessions override it.
    """

    def __init__(self) -> None:
        self._original: Any = None
        self._wrapper: Any = None

    def observe(self) -> None:
        if self._wrapper is not None:
            return
        original: Any = BaseClient.__init__

        @wraps(original)
        def wrapper(client: BaseClient, *args: Any, **kwargs: Any) -> None:
            original(client, *args, **kwargs)
            with _lock:
                _add_known_client(client)
                for block in _blocks:
                    block.add(client)

        self._original, self._wrapper = original, wrapper
        setattr(BaseClient, "__init__", wrapper)  # noqa: B010

    def ignore(self) -> None:
        # Another library may have wrapped the wrapper, which then does nothing.
        if BaseClient.__init__ is self._wrapper:
            setattr(BaseClient, "__init__", self._original)  # noqa: B010
        self._wrapper = None


_new_clients = _NewClients()


def _add_known_client(client: BaseClient) -> None:
    _known_clients.add(client)
    _searched_classes.add(type(client))


def _find_clients() -> None:
    """Add the clients of the classes that have not been searched to the known clients."""
    classes = [cls for cls in all_subclasses(BaseClient) if cls not in _searched_classes]
    if not classes:
        return
    now = monotonic()
    # `type` does not run code of the objects, which may be lazy proxies. Classes may be unhashable.
    ids = set(map(id, classes))
    few = len(classes) <= _MAX_CLASSES_FOR_GET_REFERRERS
    for item in gc.get_referrers(*classes) if few else gc.get_objects():
        if id(type(item)) in ids and "meta" in vars(item):
            _add_known_client(item)
    # Another thread may be creating the client of a class.
    for cls in classes:
        if now - _first_seen.setdefault(cls, now) > _MAX_SECONDS_TO_CREATE_CLIENT:
            _searched_classes.add(cls)


def all_subclasses(cls: type) -> Iterator[type]:
    """Yield the direct and indirect subclasses of a class."""
    subclasses: list[type] = cls.__subclasses__()
    for subclass in subclasses:
        yield subclass
        yield from all_subclasses(subclass)
