"""Serve the fake over HTTP or HTTPS, for clients in any language."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from botocore.config import Config

import attach_confirm
from attach_confirm_stubs._session import shared_session
from attach_confirm_stubs.fake import _clock
from attach_confirm_stubs.fake._handle import FakeConnectParticipant
from attach_confirm_stubs.fake.models import DEFAULT_REGION, reset_all
from attach_confirm_stubs.server._listener import Server
from attach_confirm_stubs.server._router import Router

if TYPE_CHECKING:
    from collections.abc import Iterator

    from types_boto3_connectparticipant.client import ConnectParticipantClient


class ConnectParticipantServer(FakeConnectParticipant):
    """A handle for one region of the fake service that is served over HTTP or HTTPS.

    Attributes:
        endpoint_url: Endpoint URL for clients.
        region_name: Name of the region.
        ca_bundle: Path of the PEM file with which clients verify the server's certificates, or
            None if the handle was created without.
    """

    def __init__(
        self,
        endpoint_url: str,
        region_name: str = DEFAULT_REGION,
        *,
        ca_bundle: str | None = None,
    ) -> None:
        super().__init__(region_name)
        self.endpoint_url = endpoint_url
        self.ca_bundle = ca_bundle

    @cached_property
    def client(self) -> ConnectParticipantClient:
        """A client of the server, like those of `attach_confirm.client`.

        Its retries sleep, unless the server was started with `virtual_sleep=True`.
        """
        options: Any = {"proxies": {}}
        return attach_confirm.client(
            self.region_name,
            session=shared_session(),
            config=Config(**options),
            endpoint_url=self.endpoint_url,
            verify=self.ca_bundle or True,
        )


@contextmanager
def serve_connectparticipant(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    tls: bool = False,
    virtual_sleep: bool = False,
    region_name: str = DEFAULT_REGION,
) -> Iterator[ConnectParticipantServer]:
    """Serve the fake over HTTP and HTTPS while a `with` block or a decorated function runs.

    The port accepts both. Certificates are issued by a new authority, for any name that a client
    asks for. The authority's own certificate is in the file `ca_bundle` of the handle until the
    server stops, and at `GET /_fake/ca.pem`. Requests with a host name of AWS, for example because
    your DNS points it here, get AWS's URLs in responses; other requests get the server's.

    By default, delays take real time; `clock.advance` adds to it. The server handles all regions
    and does not need `mock_aws`. All servers in a process share one state, which is deleted when a
    server starts and when it stops, so run one server at a time.

    The endpoint also has a dashboard at `/`, and under `/_fake/` an admin API for tests in other
    languages; see `attach_confirm_stubs.server._admin_api`. Both accept only the host names
    `localhost` and `host`, and IP addresses.

    Args:
        host: Name or address to bind. Anyone who can reach it has full control of the fake.
        port: Port to bind; 0 picks a free one.
        tls: Whether `endpoint_url` and the URLs in responses begin with https. Otherwise they begin
            with https only in responses to requests over TLS.
        virtual_sleep: Whether the sleeps of botocore and `attach_confirm` in this process, and the
            server's delays, advance the fake's clock instead. Read timeouts take real time.
        region_name: Region of the handle.

    Returns:
        A context manager that returns the handle.

    Raises:
        OSError: `host` cannot be resolved, or the port is in use.
        ValueError: `host` is empty.
    """
    with ExitStack() as stack:
        directory = stack.enter_context(TemporaryDirectory(prefix="attach-confirm-"))
        server = Server(host, port, tls=tls)
        stack.callback(reset_all)
        stack.callback(server.stop)
        ca_bundle = Path(directory, "ca.pem")
        ca_bundle.write_bytes(server.certificates.ca_pem)
        handle = ConnectParticipantServer(server.url, region_name, ca_bundle=str(ca_bundle))
        reset_all(separate_regions=True)
        server.start(Router(host, server.certificates.ca_pem).dispatch)
        stack.callback(_close_client, handle)
        if virtual_sleep:
            stack.enter_context(_clock.virtual_sleep())
        yield handle


def _close_client(handle: ConnectParticipantServer) -> None:
    if "client" in vars(handle):
        handle.client.close()
