"""A pool of clients, because creating a client takes longer than using it in one simulation."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from botocore.config import Config

import attach_confirm
from attach_confirm_stubs._session import isolated_session

if TYPE_CHECKING:
    from collections.abc import Callable

# A botocore client has a retry quota of 500 units, and a retry costs at most 14 units.
MAX_RETRIES = 500 // 14
_MAX_IDLE_CLIENTS = 8

_SESSION = isolated_session()


class ClientPool:
    """Reuses clients whose remaining retry quota is large enough not to affect the next run.

    Args:
        before_send: The first `before-send` handler of each client.
        after_response: The last `before-send` handler of each client.
    """

    def __init__(
        self, before_send: Callable[..., None], after_response: Callable[..., None]
    ) -> None:
        self._before_send = before_send
        self._after_response = after_response
        self._idle: list[tuple[Any, int]] = []
        self._acquired: list[tuple[Any, int]] = []

    def acquire(self, retries: int) -> Any:
        """Return a client that has this many retries left and that nothing else uses.

        A number above `MAX_RETRIES` always gives a new client, so that every run reaches
        botocore's limit at the same request.
        """
        for idle in self._idle:
            if idle[1] >= retries:
                self._idle.remove(idle)
                break
        else:
            idle = self._create_client(), MAX_RETRIES
        client, retries_left = idle
        self._acquired.append((client, retries_left - retries))
        return client

    def release_all(self) -> None:
        """Return all acquired clients, and keep those with the most retries left."""
        clients = self._idle + self._acquired
        self._idle = sorted(clients, key=itemgetter(1))[-_MAX_IDLE_CLIENTS:]
        self._acquired.clear()

    def _create_client(self) -> Any:
        client = isolated_client()
        client.meta.events.register_first("before-send", self._before_send)
        client.meta.events.register_last("before-send", self._after_response)
        return client


def isolated_client(**kwargs: Any) -> Any:
    """Return a client that ignores the machine's configuration, environment and proxies."""
    options: Any = {"ignore_configured_endpoint_urls": True, "proxies": {}}
    config = Config(**options)
    return attach_confirm.client(
        "us-east-1", session=_SESSION, config=config, verify=True, **kwargs
    )
