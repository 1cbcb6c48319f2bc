"""Compare `confirm()` with the API call that it wraps.

Subject and baseline take turns on one client, with one kept-alive connection to a server in
another process; every call confirms another attachment. Both include the cost of the event
handlers that `attach_confirm.client` registers.
"""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.config import Config

import attach_confirm
from bench._measure import Row, measure_ratios
from bench._server import run_server

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROUNDS = 3000
_LIMIT = 1.02
_TOKEN = "QVFJREFI" * 64


def measure(max_rounds: int) -> Iterator[Row]:
    """Measure the time of a call on loopback. In the baseline botocore adds the ClientToken."""
    ids = cycle([str(uuid4()) for _ in range(1000)])
    with run_server() as url:
        # types-boto3 requires the ClientToken that botocore adds.
        client: Any = attach_confirm.client(
            "us-east-1", endpoint_url=url, config=Config(proxies={})
        )

        def subject() -> None:
            attach_confirm.confirm(client, next(ids), _TOKEN)

        def baseline() -> None:
            client.complete_attachment_upload(AttachmentIds=[next(ids)], ConnectionToken=_TOKEN)

        ratios = measure_ratios(subject, baseline, min(_ROUNDS, max_rounds))
    yield Row("`confirm()`", "`client.complete_attachment_upload()`", ratios, _LIMIT)
