"""Redaction of tokens and presigned URLs in recorded parameters and responses."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET_MEMBERS = frozenset(
    {"AuthenticationUrl", "ConnectionToken", "JoinToken", "ParticipantToken", "Url", "ViewToken"}
)


class _RedactedStr(str):
    """A secret `str` whose `repr` shows only the start of its hash.

    In a failed assertion, the hashes show whether two secrets are equal.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<redacted {sha256(self.encode()).hexdigest()[:4]}>"


def redact(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return a deep copy of parameters or a response whose `repr` shows no secrets."""
    return {name: redact_member(name, value) for name, value in params.items()}


def redact_member(name: str, value: Any) -> Any:
    """Return a deep copy of one member's value whose `repr` shows no secrets."""
    if isinstance(value, str):
        return _RedactedStr(value) if name in SECRET_MEMBERS else value
    if isinstance(value, dict):
        return redact(value)
    return [redact_member(name, item) for item in value] if isinstance(value, list) else value


def to_redacted_json(value: Any) -> Any:
    """Return the result of `redact` with each redacted string replaced with its `repr`.

    A JSON encoder ignores `repr` and would write the secret.
    """
    if isinstance(value, dict):
        return {name: to_redacted_json(member) for name, member in value.items()}
    if isinstance(value, list):
        return [to_redacted_json(item) for item in value]
    return repr(value) if isinstance(value, _RedactedStr) else value
