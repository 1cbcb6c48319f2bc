"""`confirm()` against the call that it wraps.

Both go through one client over one kept-alive connection to a server in another process, call by
call in turns, each with another attachment; the ratio is as `bench._measure.ratio` says. What
`attach_confirm.client` hooks into each call of its clients is thus on both sides.
"""

from __future__ import annotations

from itertools import cycle
from typing import Any
from uuid import uuid4

from botocore.config import Config

import attach_confirm
from bench._measure import Row, ratio
from bench._server import serving

_ROUNDS = 3000
_LIMIT = 1.03
_TOKEN = "QVFJREFI" * 64


def measure() -> list[Row]:
    """Measure the time of a call on loopback, with botocore filling in the other's ClientToken."""
    ids = cycle([str(uuid4()) for _ in range(1000)])
    with serving() as url:
        # The types of types-boto3 want the ClientToken that botocore fills in.
        client: Any = attach_confirm.client(
            "us-east-1", endpoint_url=url, config=Config(proxies={})
        )

        def ours() -> None:
            attach_confirm.confirm(client, next(ids), _TOKEN)

        def theirs() -> None:
            client.complete_attachment_upload(AttachmentIds=[next(ids)], ConnectionToken=_TOKEN)

        figure = ratio(ours, theirs, _ROUNDS)
    return [Row("`confirm()`", "`client.complete_attachment_upload()`", figure, _LIMIT)]
