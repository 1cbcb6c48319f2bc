"""The dashboard at `/`, which shows the fake's state and refreshes itself.

The page contains no data: its script polls `/_fake/state`.
"""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from string import Template


def _read(name: str) -> str:
    resource = files("attach_confirm_stubs.server") / "dashboard" / name
    return resource.read_text(encoding="utf-8")


def _csp_hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


_CSS = _read("dashboard.css")
_SCRIPT = _read("dashboard.js")

PAGE = Template(_read("dashboard.html")).substitute(css=_CSS, script=_SCRIPT).encode()

# The CSS and the script are allowed by hash: 'self' would allow uploaded files, because the
# server returns them from the same origin.
HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": (
        f"default-src 'none'; base-uri 'none'; connect-src 'self'; form-action 'none';"
        f" frame-ancestors 'none'; img-src data:; script-src {_csp_hash(_SCRIPT)};"
        f" style-src {_csp_hash(_CSS)}"
    ),
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
