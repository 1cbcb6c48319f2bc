"""Pre-signed URLs: made like S3's, and checked like S3 does."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from attach_confirm_stubs.fake import exceptions
from attach_confirm_stubs.fake._http import normalize_header_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from attach_confirm_stubs.fake._http import Request

KEY_ID = "ASIAFAKEFAKEFAKEFAKE"


@dataclass(frozen=True, slots=True)
class PresignedUrl:
    """A pre-signed URL. Its signature is made up: the fake knows what it gave out.

    Attributes:
        method: The method that it is for.
        url: The URL.
        headers: The headers that a request must carry.
        expires_at: When it stops working.
    """

    method: str
    url: str
    headers: dict[str, str]
    expires_at: datetime

    def check(self, request: Request, now: datetime) -> None:
        """Refuse what S3 would: late, or not as it was signed, the body's length included.

        Raises:
            exceptions.S3Error: The request is refused.
        """
        if self.expires_at <= now:
            raise exceptions.RequestExpired(self.expires_at, now)
        signed = {normalize_header_name(name): value for name, value in self.headers.items()}
        length = signed.get("content-length", str(len(request.body)))
        changed = any(request.headers.get(name) != value for name, value in signed.items())
        if changed or request.method != self.method or length != str(len(request.body)):
            raise exceptions.SignatureDoesNotMatch
        # S3 lets the hash of the body pass unsigned.
        unsigned = request.headers.keys() - signed.keys() - {"x-amz-content-sha256"}
        surplus = sorted(name for name in unsigned if name.startswith("x-amz-"))
        if surplus:
            raise exceptions.HeadersNotSigned(surplus)


class PresignedUrls:
    """The pre-signed URLs that were given out."""

    def __init__(self) -> None:
        self._given: dict[tuple[str, str, str], PresignedUrl] = {}

    def sign(
        self,
        method: str,
        place: str,
        headers: Mapping[str, str],
        *,
        region_name: str,
        now: datetime,
        expires_at: datetime,
    ) -> PresignedUrl:
        """Give out a URL.

        Args:
            method: The method that it is for.
            place: The URL without a query.
            headers: The headers that a request must carry.
            region_name: The region that the signature names.
            now: When it is signed.
            expires_at: When it stops working.
        """
        time = now.strftime("%Y%m%dT%H%M%SZ")
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{KEY_ID}/{time[:8]}/{region_name}/s3/aws4_request",
            "X-Amz-Date": time,
            "X-Amz-Expires": round((expires_at - now).total_seconds()),
            "X-Amz-SignedHeaders": ";".join(sorted({"host", *(name.lower() for name in headers)})),
            "X-Amz-Signature": secrets.token_hex(32),
        }
        signed = PresignedUrl(method, f"{place}?{urlencode(query)}", dict(headers), expires_at)
        self._given[_spelled(signed.url)] = signed
        return signed

    def find(self, url: str) -> PresignedUrl:
        """Return what was given out as this URL.

        Raises:
            exceptions.SignatureDoesNotMatch: Nothing was.
        """
        signed = self._given.get(_spelled(url))
        if signed is None:
            raise exceptions.SignatureDoesNotMatch
        return signed


def attached(name: str) -> str:
    """Return the Content-Disposition of a file of this name."""
    if name.isascii() and name.isprintable() and not set(name) & set('"\\'):
        return f'attachment; filename="{name}"'
    return f"attachment; filename*=UTF-8''{quote(name, safe='', errors='replace')}"


def _spelled(url: str) -> tuple[str, str, str]:
    """Return what counts of a URL, however its query's characters are escaped."""
    parts = urlsplit(url)
    return parts.netloc, parts.path, urlencode(sorted(parse_qsl(parts.query)))
