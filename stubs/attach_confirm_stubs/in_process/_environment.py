"""Environment variables that redirect AWS's clients, and endpoints that the user has configured."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.configloader import load_config
from botocore.exceptions import ConfigNotFound, ConfigParseError

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENDPOINT_PREFIX = "AWS_ENDPOINT_URL"
_HTTP_PORT = 80
# Clients that have read the proxy variables before the block may still look up the exceptions.
_VARIABLES = {"NO_PROXY": "*", "no_proxy": "*", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}


def proxies() -> set[tuple[str, int]]:
    """Return the hosts and ports of the environment's HTTP proxies."""
    addresses = set()
    for name, value in os.environ.items():
        if name.lower().endswith("_proxy") and name.lower() != "no_proxy":
            with suppress(ValueError):
                url = urlsplit(value if "://" in value else f"http://{value}")
                if url.scheme == "http" and url.hostname:
                    addresses.add((url.hostname, url.port or _HTTP_PORT))
    return addresses


@contextmanager
def without_proxies_and_endpoints() -> Iterator[None]:
    """Remove the proxy variables, and let new clients ignore configured endpoints."""
    names = {name for name in os.environ if name.lower().endswith("_proxy")}
    original = {name: os.environ.pop(name, None) for name in names | _VARIABLES.keys()}
    os.environ.update(_VARIABLES)
    try:
        yield
    finally:
        for name, value in original.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


class ConfiguredEndpoints:
    """The endpoints that environment variables and the AWS configuration file define.

    The environment variables are read at once, the file when it is needed.
    """

    def __init__(self) -> None:
        self._variables = {
            name: value for name, value in os.environ.items() if name.startswith(_ENDPOINT_PREFIX)
        }
        self._path = os.environ.get("AWS_CONFIG_FILE", "~/.aws/config")

    def includes(self, url: str, service_id: str) -> bool:
        """Return whether a client may have taken its endpoint from the configuration.

        Args:
            url: The client's endpoint.
            service_id: The service's ID with underscores, for example `elastic_beanstalk`.
        """
        names = {_ENDPOINT_PREFIX, f"{_ENDPOINT_PREFIX}_{service_id.upper()}"}
        urls = [self._variables[name] for name in names & self._variables.keys()]
        return any(
            _netloc(url) == _netloc(configured) for configured in urls + self._in_file(service_id)
        )

    def _in_file(self, service_id: str) -> list[str]:
        sections = [*self._file.get("profiles", {}).values()]
        sections += [
            section.get(service_id, {}) for section in self._file.get("services", {}).values()
        ]
        return [
            str(section["endpoint_url"])
            for section in sections
            if isinstance(section, dict) and "endpoint_url" in section
        ]

    @cached_property
    def _file(self) -> dict[str, Any]:
        try:
            config: dict[str, Any] = load_config(str(Path(self._path).expanduser()))
        except (ConfigNotFound, ConfigParseError):
            return {}
        return config


def _netloc(url: str) -> str:
    return urlsplit(url).netloc.lower()
