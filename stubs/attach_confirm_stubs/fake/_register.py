"""Register the backend with moto. Only this module depends on moto's internals.

moto has no public way to add a service (moto issue 7126). This module relies on two internals:

- `moto.backends.get_backend(name)` imports the module `moto.<name>` and returns its attribute
  `<name>_backends`, so this package is put into `sys.modules` under that name.
- `moto.backend_index.backend_url_patterns` is a list of (name, URL pattern) pairs. botocore's
  `before-send` handler and the `responses` library both use the first pattern that matches.
"""

import sys

from moto.backend_index import backend_url_patterns

from attach_confirm_stubs.fake import _patterns

SERVICE_NAME = "connectparticipant"

# These come before moto's patterns, which match all of S3 and of Connect.
URL_PATTERNS = (
    _patterns.SERVICE_URL,
    _patterns.OBJECT_URL,
    _patterns.CONNECT_URL,
)


def register() -> None:
    """Register the backend, unless it is registered already."""
    sys.modules[f"moto.{SERVICE_NAME}"] = sys.modules[__package__]
    if SERVICE_NAME not in dict(backend_url_patterns):
        backend_url_patterns[:0] = [(SERVICE_NAME, pattern) for pattern in URL_PATTERNS]
