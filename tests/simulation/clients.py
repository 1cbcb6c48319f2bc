"""Clients for worlds, for making one takes longer than using it."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from botocore.config import Config

import attach_confirm
from attach_confirm_stubs._session import isolated_session

if TYPE_CHECKING:
    from collections.abc import Callable

# botocore lets a client retry 500 units' worth, and a retry costs 14 at the most.
RETRIES = 500 // 14
_KEPT = 8

_SESSION = isolated_session()


class Clients:
    """Clients whose history cannot be told: none has retried so often that it would stop to.

    Args:
        listeners: What listens to `before-send` on each, first and last.
    """

    def __init__(self, first: Callable[..., None], last: Callable[..., None]) -> None:
        self._first = first
        self._last = last
        self._idle: list[tuple[Any, int]] = []
        self._lent: list[tuple[Any, int]] = []

    def lend(self, retries: int) -> Any:
        """Return a client that nobody else has, and that may retry this often.

        Where that is more often than any client may, it is a new one: then botocore's limit is
        met, and always at the same point.
        """
        for idle in self._idle:
            if idle[1] >= retries:
                self._idle.remove(idle)
                break
        else:
            idle = self._made(), RETRIES
        client, left = idle
        self._lent.append((client, left - retries))
        return client

    def take_back(self) -> None:
        """Take back what was lent, and drop those that may retry least."""
        self._idle = sorted(self._idle + self._lent, key=itemgetter(1))[-_KEPT:]
        self._lent.clear()

    def _made(self) -> Any:
        made = isolated_client()
        made.meta.events.register_first("before-send", self._first)
        made.meta.events.register_last("before-send", self._last)
        return made


def isolated_client(**given: Any) -> Any:
    """Return a client that knows nothing of the machine it runs on."""
    options: Any = {"ignore_configured_endpoint_urls": True, "proxies": {}}
    config = Config(**options)
    return attach_confirm.client("us-east-1", session=_SESSION, config=config, verify=True, **given)
