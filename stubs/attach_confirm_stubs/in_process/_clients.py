"""Send the requests of every boto3 client to the fake and to moto."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import botocore
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.credentials import Credentials
from botocore.exceptions import ConnectionError as BotocoreConnectionError
from moto import settings
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.models import botocore_stubber

from attach_confirm_stubs._client_discovery import attached_to_every_client
from attach_confirm_stubs.fake import _patterns
from attach_confirm_stubs.in_process._environment import ConfiguredEndpoints
from attach_confirm_stubs.in_process._replacements import Replacements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.client import BaseClient

    from attach_confirm_stubs.in_process._attempts import UnservedAttempts

_SIGNATURE_KEY = "attach_confirm_signature_version"
_PRESIGNED = ("-query", "-presign-post")
# moto's account is that of all access keys which moto has not created.
_CREDENTIALS = Credentials("FOOBARKEY", "FOOBARSECRET")
_DEFAULT_REGION = "us-east-1"

# Unlike moto's own instance, this one is always enabled.
_moto = BotocoreStubber()
_moto.enabled = True


@contextmanager
def captured_clients(attempts: UnservedAttempts) -> Iterator[None]:
    """Capture the clients of this process whose endpoint is AWS's or configured by the user.

    Clients that exist already sign with credentials of moto, so that theirs are neither used nor
    refreshed.

    Args:
        attempts: Receives requests that cannot be served.
    """
    endpoints = ConfiguredEndpoints()
    is_started = False

    def attach(client: BaseClient) -> Callable[[], object] | None:
        if not _is_captured(client, endpoints):
            return None
        return _Handlers(client, attempts, is_early=not is_started).register(client)

    with Replacements() as replacements, attached_to_every_client(attach):
        # botocore calls all handlers, so moto's would process each request once more.
        replacements.replace(botocore_stubber, "enabled", False)
        is_started = True
        yield


def _is_captured(client: BaseClient, endpoints: ConfiguredEndpoints) -> bool:
    url = client.meta.endpoint_url
    return (
        _patterns.is_aws_host(_patterns.host_of(url))
        or url in settings.get_s3_custom_endpoints()
        or endpoints.includes(url, _service_id(client).replace("-", "_"))
    )


def _service_id(client: BaseClient) -> str:
    service_id: Any = client.meta.service_model.service_id
    hyphenated: str = service_id.hyphenize()
    return hyphenated


class _Handlers:
    """The event handlers of one client.

    Args:
        client: The client.
        attempts: Receives requests that cannot be served.
        is_early: Whether the client existed before the capture.
    """

    def __init__(self, client: BaseClient, attempts: UnservedAttempts, *, is_early: bool) -> None:
        self._attempts = attempts
        self._is_early = is_early
        modules = [cls.__module__ for cls in type(client).mro()]
        self._is_async = any(module.startswith("aiobotocore.") for module in modules)
        self._service_id = _service_id(client)
        self._endpoint = urlsplit(client.meta.endpoint_url)
        region = client.meta.region_name or _DEFAULT_REGION
        prefix = client.meta.service_model.endpoint_prefix
        self._aws_netloc = f"{prefix}.{region}.amazonaws.com"

    def register(self, client: BaseClient) -> Callable[[], object]:
        """Register the handlers, and return the function that removes them."""
        events: Any = client.meta.events
        handlers: dict[str, Callable[..., Any]] = {
            "choose-signer": self._choose_signer,
            "before-sign": self._sign,
            "before-send": self._send,
        }
        for event_name, handler in handlers.items():
            # Like moto's handlers, so that those of the code under test run in the same order.
            register = events.register if event_name == "before-send" else events.register_first
            register(event_name, handler)
        return partial(_unregister, events, handlers)

    def _choose_signer(self, signature_version: Any, context: dict[str, Any], **_: Any) -> Any:
        """Return UNSIGNED if `_sign` has to sign the request."""
        is_presigned = context.get("is_presign_request", False)
        if is_presigned or str(signature_version).endswith(_PRESIGNED) or self._is_async:
            return None
        if self._service_id != "connect":
            if not self._is_early or signature_version is botocore.UNSIGNED:
                return None
        # The fake finds the account and the region by the signature.
        elif signature_version is botocore.UNSIGNED:
            signature_version = "v4"
        context[_SIGNATURE_KEY] = signature_version
        return botocore.UNSIGNED

    def _sign(
        self,
        request: Any,
        signing_name: str,
        region_name: str | None,
        request_signer: Any,
        **_: Any,
    ) -> None:
        signature_version = request.context.pop(_SIGNATURE_KEY, None)
        if signature_version is None:
            return
        signing = request.context.get("signing", {})
        name = signing.get("signing_name") or signing_name
        region = signing.get("region") or region_name or _DEFAULT_REGION
        auth: Any = None
        if not self._is_early:
            auth = request_signer.get_auth_instance(name, region, signature_version)
        if auth is None or auth.credentials is None:
            create_auth = S3SigV4Auth if signature_version.startswith("s3") else SigV4Auth
            auth = create_auth(_CREDENTIALS, name, region)
        auth.add_auth(request)

    def _send(self, event_name: str, request: Any, **_: Any) -> Any:
        """Return the response, or None if the request is not for AWS."""
        url = self._aws_url(event_name, request.url)
        if url is None:
            return None
        host = _patterns.host_of(request.url)
        if self._is_async:
            raise RuntimeError(self._attempts.add(f"An aiobotocore client called {host}"))
        request.url = url
        response = _moto(event_name, request)
        if response is None:
            # moto does not know the domains of all partitions.
            request.url = _patterns.with_default_domain(url)
            response = _moto(event_name, request)
        if response is not None:
            return response
        message = self._attempts.add(f"A boto3 client called {host}, which moto does not serve")
        raise BotocoreConnectionError(error=OSError(message))

    def _aws_url(self, event_name: str, url: str) -> str | None:
        """Return the URL that moto knows, or None if the request is not for AWS."""
        parts = urlsplit(url)
        netloc = parts.netloc.lower()
        if event_name.startswith(f"before-send.{self._service_id}."):
            endpoint_netloc = self._endpoint.netloc.lower()
            if not _patterns.is_aws_host(parts.hostname or "") and netloc.endswith(endpoint_netloc):
                netloc = netloc.removesuffix(endpoint_netloc) + self._aws_netloc
                path = parts.path.removeprefix(self._endpoint.path.rstrip("/"))
                return parts._replace(scheme="https", netloc=netloc, path=path).geturl()
            if self._service_id == "connectparticipant" and not _patterns.SERVICE_URL.match(url):
                return parts._replace(netloc=self._aws_netloc).geturl()
        return url if _patterns.is_aws_host(parts.hostname or "") else None


def _unregister(events: Any, handlers: dict[str, Callable[..., Any]]) -> None:
    for event_name, handler in handlers.items():
        events.unregister(event_name, handler)
