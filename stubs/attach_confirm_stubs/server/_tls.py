"""Create TLS contexts of the standard library, whichever class `ssl.SSLContext` is at the time.

truststore, for example, may replace `ssl.SSLContext`. Its class supports clients only, and the
setters of the original class then fail.
"""

from __future__ import annotations

import ssl
from typing import Any


def context_class() -> type[ssl.SSLContext]:
    """Return the standard library's class."""
    return next(cls for cls in ssl.SSLContext.mro() if cls.__module__ == "ssl")


def set_attribute(context: ssl.SSLContext, name: str, value: object) -> None:
    """Set an attribute of a context of the standard library's class.

    Args:
        context: The context.
        name: Name of an attribute that the standard library implements in C.
        value: The value.
    """
    cls: Any = context_class()
    getattr(super(cls, cls), name).__set__(context, value)
