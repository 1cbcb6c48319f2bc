"""A pool of clients, because creating a client takes longer than using it in one simulation."""

from __future__ import annotations

from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from botocore.config import Config

import attach_confirm
from attach_confirm import _http
from attach_confirm_stubs import ConnectParticipantServer
from attach_confirm_stubs._session import isolated_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from attach_confirm_stubs import FakeConnectParticipant

# A botocore client has a retry quota of 500 units, and a retry costs at most 14 units.
MAX_RETRIES = 500 // 14
_MAX_IDLE_CLIENTS = 8
_READ_TIMEOUT = 10

_SESSION = isolated_session()


class ClientPool:
    """Reuses clients whose remaining retry quota is large enough not to affect the next run.

    Args:
        before_send: The first `before-send` handler of each client.
        after_response: Called with a request, the name of its event, and the response, which is
            None if the fake runs in-process.
    """

    def __init__(
        self, before_send: Callable[..., None], after_response: Callable[..., None]
    ) -> None:
        self._before_send = before_send
        self._after_response = after_response
        self._endpoint_url: str | None = None
        self._idle: list[tuple[Any, int]] = []
        self._acquired: list[tuple[Any, int]] = []

    def acquire(self, retries: int, fake: FakeConnectParticipant) -> Any:
        """Return a client of a fake that has this many retries left and that nothing else uses.

        A number above `MAX_RETRIES` always gives a new client, so that every run reaches
        botocore's limit at the same request.
        """
        endpoint_url = getattr(fake, "endpoint_url", None)
        if endpoint_url != self._endpoint_url:
            self._endpoint_url = endpoint_url
            for client, _ in self._idle:
                client.close()
            self._idle.clear()
        for idle in self._idle:
            if idle[1] >= retries:
                self._idle.remove(idle)
                break
        else:
            idle = self._create_client(fake), MAX_RETRIES
        client, retries_left = idle
        self._acquired.append((client, retries_left - retries))
        return client

    def release_all(self) -> None:
        """Return all acquired clients, and keep those with the most retries left."""
        clients = sorted(self._idle + self._acquired, key=itemgetter(1))
        self._idle = clients[-_MAX_IDLE_CLIENTS:]
        for client, _ in clients[:-_MAX_IDLE_CLIENTS]:
            client.close()
        self._acquired.clear()

    def _create_client(self, fake: FakeConnectParticipant) -> Any:
        client: Any
        if isinstance(fake, ConnectParticipantServer):
            client = isolated_client(
                endpoint_url=fake.endpoint_url, verify=fake.ca_bundle, read_timeout=_READ_TIMEOUT
            )
            send = partial(_send, client)
        else:
            client, send = isolated_client(), _get_no_response

        def send_and_observe(request: Any, event_name: str, **_: Any) -> Any:
            response = send(request, event_name)
            self._after_response(request, event_name, response)
            return response

        client.meta.events.register_first("before-send", self._before_send)
        client.meta.events.register_last("before-send", send_and_observe)
        return client


def _send(client: Any, request: Any, event_name: str) -> Any:
    """Send a request as botocore or `put` would without a `before-send` handler."""
    if event_name.endswith("PutObject"):
        return _http._send(client, request)
    return client._endpoint._send(request)


def _get_no_response(_request: Any, _event_name: str) -> None:
    """Return None: a handler that runs before has the response."""


def isolated_client(*, verify: Any = True, endpoint_url: str | None = None, **options: Any) -> Any:
    """Return a client that ignores the machine's configuration, environment and proxies.

    Args:
        verify: The argument of `attach_confirm.client`.
        endpoint_url: The argument of `attach_confirm.client`.
        options: Options of the client's `Config`.
    """
    config = Config(**options, ignore_configured_endpoint_urls=True, proxies={})
    return attach_confirm.client(
        "us-east-1", session=_SESSION, config=config, verify=verify, endpoint_url=endpoint_url
    )
