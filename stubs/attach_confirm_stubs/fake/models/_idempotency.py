"""Idempotent operations, which recognize a repeated request by its ClientToken."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from attach_confirm_stubs.fake import exceptions
from attach_confirm_stubs.fake._clock import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from attach_confirm_stubs.fake._assumptions import Assumptions

T = TypeVar("T")


@dataclass(frozen=True)
class IdempotentResult:
    """The result of the first request with a ClientToken.

    Attributes:
        result: The return value of the operation.
        params: The parameters of the request, except for its tokens.
        created_at: Time at which the request was processed.
    """

    result: Any
    params: Mapping[str, Any]
    created_at: datetime


def run_once(
    results: dict[tuple[str, ...], IdempotentResult],
    scope: str,
    params: Mapping[str, Any],
    action: Callable[[], T],
    assumptions: Assumptions,
    *,
    repeat: Callable[[T], object] | None = None,
    params_in_key: bool = False,
) -> T:
    """Run an action, or return the stored result of the same ClientToken.

    Args:
        results: The stored results.
        scope: The operation's name in the API.
        params: The request's parameters, optionally with a ClientToken.
        action: Processes the request, and returns the result.
        assumptions: Settings for undocumented behaviour of the service.
        repeat: Called with a stored result before it is returned again.
        params_in_key: Whether a ClientToken with other parameters is a new request.

    Raises:
        exceptions.ErrorResponse: The request is rejected. Its ClientToken is not stored.
    """
    compared_params = {
        name: value
        for name, value in params.items()
        if name not in {"ClientToken", "ConnectionToken"}
    }
    key: tuple[str, ...] = scope, params.get("ClientToken") or str(uuid4())
    if params_in_key:
        key = *key, json.dumps(compared_params, sort_keys=True)
    stored, now, lifetime = results.get(key), clock.now(), assumptions.client_token_lifetime
    if stored and (lifetime is None or now < stored.created_at + lifetime):
        if stored.params != compared_params:
            raise_if_set(assumptions.client_token_reused, "The ClientToken was used before.")
        stored_result: T = stored.result
        if repeat:
            repeat(stored_result)
        return stored_result
    result = action()
    results[key] = IdempotentResult(result, compared_params, now)
    return result


def raise_if_set(code: str | None, message: str) -> None:
    """Raise a service error, unless the setting that provides its code is None."""
    if code is not None:
        raise exceptions.ServiceError(code, message)
