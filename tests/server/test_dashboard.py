"""The dashboard at `/`."""

import re
from base64 import b64encode
from hashlib import sha256


def test_dashboard_allows_only_its_script_and_style(send):
    """An attachment name that contains HTML must not run a script."""
    status, headers, page = send("GET", "/")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    for tag, directive in (("script", "script-src"), ("style", "style-src")):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>".encode(), page, re.DOTALL)
        digest = b64encode(sha256(content).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy
    assert b"http" not in page
    assert b"innerHTML" not in page


def test_dashboard_script_polls_state(send):
    page = send("GET", "/")[2].decode()
    assert 'fetch("/_fake/state")' in page
    (callback,) = re.findall(r"setTimeout\((\w+),", page)
    assert f"function {callback}()" in page
