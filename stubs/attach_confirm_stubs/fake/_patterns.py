"""URL patterns, host names, bucket names and object keys. Other modules import them from here."""

from __future__ import annotations

import re
from functools import cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from botocore.loaders import create_loader

_SERVICE_PREFIX = "/participant/"
# The operations of Amazon Connect that the fake implements. moto handles the other paths.
_CONNECT_PATH = (
    "/(?:contact/(?:attributes(?:/[^/]+/[^/]+)?|chat|create-participant|start-streaming|stop"
    "|stop-streaming)|contacts/[^/]+/[^/]+)$"
)
_OBJECT_PREFIX = "(?:staging|final)/"
# S3 reserves the prefix, so a request that leaves the machine reaches no other bucket.
_BUCKET_PREFIX = "amzn-s3-demo-connect-attachments-"
_BUCKET = f"{_BUCKET_PREFIX}([0-9]{{12}})-([a-z0-9-]+)"

# Group 1 is the region.
SERVICE_URL = re.compile(
    rf"https?://participant\.connect(?:-fips)?\.(?:([^./]+)\.)?[^/]+{_SERVICE_PREFIX}"
)
OBJECT_URL = re.compile(rf"https?://{_BUCKET}\.s3\.[^/]+/{_OBJECT_PREFIX}")
CONNECT_URL = re.compile(rf"https?://connect(?:-fips)?\.[^/]+{_CONNECT_PATH}")

_WEBSOCKET_URL = re.compile(r"https?://chat\.transport\.connect\.[^/]+/chat$")
_SERVED_HOST = re.compile(
    r"(?:[^.]+\.)?participant\.connect(?:-fips)?\.|connect(?:-fips)?\.|chat\.transport\.connect\."
    r"|(?:.+\.)?s3(?:-[a-z0-9-]+)?\."
)

# Patterns in moto's `url_paths` format.
SERVICE_URL_PATH = f"{{0}}{_SERVICE_PREFIX}.+$"
OBJECT_URL_PATH = f"{{0}}/{_OBJECT_PREFIX}.+$"
CONNECT_URL_PATH = f"{{0}}{_CONNECT_PATH}"

# The URLs at which customers sign in are in this domain.
_SIGN_IN_DOMAIN = ".amazoncognito.com"

# On the served fake as well as at AWS.
WEBSOCKET_PATH = "/chat"

# An object's path on the served fake. Group 1 is the bucket, group 2 the key.
OBJECT_PATH = re.compile(rf"/([a-z0-9][^/]*)/({_OBJECT_PREFIX}[^/]+)")


def bucket_name(account_id: str, region_name: str) -> str:
    """Return the name of the bucket that holds an account's attachments."""
    return f"{_BUCKET_PREFIX}{account_id}-{region_name}"


def parse_bucket_name(bucket: str) -> tuple[str, str] | None:
    """Return the account ID and region of an attachment bucket, or None for another bucket."""
    match = re.fullmatch(_BUCKET, bucket)
    return (match[1], match[2]) if match else None


def bucket_url(bucket: str, region_name: str, partition: str) -> str:
    """Return the URL of a bucket at AWS, without a trailing slash."""
    return f"https://{bucket}.s3.{region_name}.{_dns_suffix(partition)}"


def split_object_url(url: str) -> tuple[str, str]:
    """Return the bucket and the key of an object's URL at AWS."""
    parts = urlsplit(url)
    return parts.netloc.partition(".")[0], parts.path.lstrip("/")


def parse_object_url(url: str) -> tuple[str, str] | None:
    """Return the bucket and the key of an attachment's URL, or None for other URLs.

    The bucket is in the host name, as at AWS, or in the path, as on the served fake.
    """
    if OBJECT_URL.match(url):
        return split_object_url(url)
    match = OBJECT_PATH.fullmatch(urlsplit(url).path)
    return (match[1], match[2]) if match else None


def is_aws_host(name: str) -> bool:
    """Return whether a host name, without a port, is one of AWS's, in any partition."""
    return name.lower().rstrip(".").endswith(_aws_domains())


def is_served_host(name: str) -> bool:
    """Return whether a host name of AWS's is that of a service to which HTTP libraries talk.

    Args:
        name: The name in lower case.
    """
    return _SERVED_HOST.match(name) is not None


def is_fake_url(url: str) -> bool:
    """Return whether the fake itself handles a URL at AWS, and not moto."""
    patterns = (SERVICE_URL, OBJECT_URL, CONNECT_URL, _WEBSOCKET_URL)
    return any(pattern.match(url.partition("?")[0]) for pattern in patterns)


def is_loopback(host: str) -> bool:
    """Return whether a host is certain to be a loopback address; names are not resolved."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def host_of(url: str) -> str:
    """Return the host name of a URL."""
    return urlsplit(url).hostname or ""


def with_default_domain(url: str) -> str:
    """Return an AWS URL with the domain of the first partition instead of another one's."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    domain = max(filter(host.endswith, _aws_domains()), key=len)
    return parts._replace(netloc=f"{host.removesuffix(domain)}.amazonaws.com").geturl()


@cache
def _aws_domains() -> tuple[str, ...]:
    domains = (
        f".{partition['outputs'][key]}"
        for partition in partitions()
        for key in ("dnsSuffix", "dualStackDnsSuffix")
    )
    return (*domains, _SIGN_IN_DOMAIN)


def _dns_suffix(partition: str) -> str:
    suffix: str = next(p["outputs"]["dnsSuffix"] for p in partitions() if p["id"] == partition)
    return suffix


@cache
def partitions() -> list[dict[str, Any]]:
    """Return botocore's data about each partition of AWS."""
    data: list[dict[str, Any]] = create_loader().load_data("partitions")["partitions"]
    return data


def staging_key(attachment_id: str) -> str:
    """Return the object key of an attachment that is not confirmed yet."""
    return f"staging/{attachment_id}"


def final_key(attachment_id: str) -> str:
    """Return the object key of a confirmed attachment."""
    return f"final/{attachment_id}"


def attachment_id_of(key: str) -> str:
    """Return the attachment ID in an object key."""
    return key.rpartition("/")[2]


def websocket_url(region_name: str, partition: str, ticket: str) -> str:
    """Return the URL of a websocket at AWS."""
    host = f"chat.transport.connect.{region_name}.{_dns_suffix(partition)}"
    return f"wss://{host}{WEBSOCKET_PATH}?ticket={ticket}"


def sign_in_url(account_id: str, region_name: str) -> str:
    """Return the URL at which customers sign in, without a query."""
    return f"https://connect-{account_id}.auth.{region_name}{_SIGN_IN_DOMAIN}/oauth2/authorize"
