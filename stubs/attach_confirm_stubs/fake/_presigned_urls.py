"""Create presigned URLs, and verify the requests that are sent to them, as S3 does."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from attach_confirm_stubs.fake import exceptions
from attach_confirm_stubs.fake._http import normalize_header_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from attach_confirm_stubs.fake._http import Request

ACCESS_KEY_ID = "ASIAFAKEFAKEFAKEFAKE"
MAX_URLS = 50_000


@dataclass(frozen=True, slots=True)
class PresignedUrl:
    """A presigned URL. The signature is random, because the fake looks up the URL instead.

    Attributes:
        method: The HTTP method that the URL is valid for.
        url: The URL.
        headers: The signed headers, which a request must send unchanged.
        response_headers: Headers that the URL's query sets in the response.
        expires_at: The time from which requests are rejected.
    """

    method: str
    url: str
    headers: dict[str, str]
    response_headers: dict[str, str]
    expires_at: datetime

    def verify(self, request: Request, now: datetime) -> None:
        """Raise if S3 would reject a request with this URL.

        Args:
            request: The request.
            now: The current time.

        Raises:
            exceptions.RequestExpired: The URL has expired.
            exceptions.SignatureDoesNotMatch: The method, a signed header or the body's length
                differs from what was signed.
            exceptions.HeadersNotSigned: An `x-amz-` header was not signed.
        """
        if self.expires_at <= now:
            raise exceptions.RequestExpired(self.expires_at, now)
        signed = {normalize_header_name(name): value for name, value in self.headers.items()}
        content_length = str(request.content_length)
        signed_length = signed.get("content-length", content_length)
        changed = any(request.headers.get(name) != value for name, value in signed.items())
        if changed or request.method != self.method or signed_length != content_length:
            raise exceptions.SignatureDoesNotMatch
        # S3 accepts the hash of the body unsigned.
        unsigned = request.headers.keys() - signed.keys() - {"x-amz-content-sha256"}
        unsigned_headers = sorted(name for name in unsigned if name.startswith("x-amz-"))
        if unsigned_headers:
            raise exceptions.HeadersNotSigned(unsigned_headers)


class PresignedUrls:
    """The presigned URLs that the fake has created most recently."""

    def __init__(self) -> None:
        self._urls: OrderedDict[tuple[str, str, str], PresignedUrl] = OrderedDict()

    def create(
        self,
        method: str,
        object_url: str,
        headers: Mapping[str, str],
        response_headers: Mapping[str, str],
        *,
        region_name: str,
        now: datetime,
        expires_at: datetime,
    ) -> PresignedUrl:
        """Create a presigned URL.

        Args:
            method: The HTTP method that the URL is valid for.
            object_url: The object's URL, without a query.
            headers: The headers to sign.
            response_headers: The headers that the query sets in the response.
            region_name: The region in the credential scope.
            now: The time of the signature.
            expires_at: The time from which requests are rejected.
        """
        time = now.strftime("%Y%m%dT%H%M%SZ")
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{ACCESS_KEY_ID}/{time[:8]}/{region_name}/s3/aws4_request",
            "X-Amz-Date": time,
            "X-Amz-Expires": round((expires_at - now).total_seconds()),
            "X-Amz-SignedHeaders": ";".join(sorted({"host", *(name.lower() for name in headers)})),
            **{f"response-{name}": value for name, value in response_headers.items()},
            "X-Amz-Signature": secrets.token_hex(32),
        }
        url = f"{object_url}?{urlencode(query)}"
        presigned = PresignedUrl(method, url, dict(headers), dict(response_headers), expires_at)
        self._urls[_normalize(url)] = presigned
        if len(self._urls) > MAX_URLS:
            self._urls.popitem(last=False)
        return presigned

    def get(self, url: str) -> PresignedUrl:
        """Return the presigned URL that a request was sent to.

        Raises:
            exceptions.SignatureDoesNotMatch: The URL is not one that the fake has created.
        """
        presigned = self._urls.get(_normalize(url))
        if presigned is None:
            raise exceptions.SignatureDoesNotMatch
        return presigned


def _normalize(url: str) -> tuple[str, str, str]:
    """Return the host, path and query of a URL, whichever characters of the query are escaped."""
    parts = urlsplit(url)
    return parts.netloc, parts.path, urlencode(sorted(parse_qsl(parts.query)))
