"""Make moto find this backend: the one place that touches moto's internals.

moto has no way to add a service (moto issue 7126), so this leans on two things that it does:

- `moto.backends.get_backend(name)` imports the module `moto.<name>` and takes `<name>_backends`
  from it, so our package is put where that import looks first;
- `moto.backend_index.backend_url_patterns` is the list of (name, URL pattern) that both of
  moto's entrances, botocore's `before-send` and `responses`, go through, the first match first.
"""

import re
import sys

from moto.backend_index import backend_url_patterns

NAME = "connectparticipant"

# The service; the place of its attachments, whose URLs the fake signs; and the one operation of
# Amazon Connect that gives out participant tokens. They stand before moto's own patterns for
# all of S3 and of Connect.
PATTERNS = (
    r"https?://participant\.connect(-fips)?\.[^/]+/participant/",
    r"https?://connect-attachments-[0-9]{12}-[^./]+\.s3\.[^/]+/(staging|final)/",
    r"https?://connect(-fips)?\.[^/]+/contact/chat$",
)


def register() -> None:
    """Register the backend, once."""
    sys.modules[f"moto.{NAME}"] = sys.modules[__package__]
    if NAME not in dict(backend_url_patterns):
        backend_url_patterns[:0] = [(NAME, re.compile(pattern)) for pattern in PATTERNS]
