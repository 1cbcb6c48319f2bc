"""Compare `download()` of 64 MiB with the same two steps written by hand, and measure its memory.

Time: the baseline calls GetAttachment with boto3, streams the GET with urllib3 in blocks of the
same size and writes them to a file. Both replace the same file, open a new connection for the GET
and use the same client and server, which runs in another process.

Memory: the peak resident size of a new process that creates a client and downloads one attachment.
The result of a round is the peak with 64 MiB minus the peak with 1 MiB.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import attach_confirm
from bench._measure import Row, measure_ratios
from bench._server import attachment_id
from bench._transfer import MIB, TOKEN, peak_memory, run_endpoints

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench._transfer import Endpoint

_BLOCK_SIZE_KIB = 128
_TIME_ROUNDS = 100
_TIME_LIMIT = 1.05
_MEMORY_ROUNDS = 7
_MEMORY_LIMIT = 8

_DOWNLOAD = """\
import sys, attach_confirm
from botocore.config import Config
url, attachment_id, path, token = sys.argv[1:]
client = attach_confirm.client("us-east-1", endpoint_url=url, config=Config(proxies={}))
attach_confirm.download(client, attachment_id, token, path)
"""


def measure(max_rounds: int) -> Iterator[Row]:
    """Measure the time of a download, then the memory that a larger attachment adds."""
    with tempfile.TemporaryDirectory() as folder, run_endpoints() as endpoints:
        path = Path(folder, "received.pdf")
        for endpoint in endpoints:
            yield Row(
                f"`download()` of 64 MiB over {endpoint.scheme}, time",
                f"boto3, urllib3 with blocks of {_BLOCK_SIZE_KIB} KiB",
                _time_ratios(endpoint, path, min(_TIME_ROUNDS, max_rounds)),
                _TIME_LIMIT,
            )

        def peak(size: int) -> float:
            return peak_memory(_DOWNLOAD, endpoints[0].url, attachment_id(size), path, TOKEN)

        yield Row(
            "`download()` of 64 MiB, peak memory",
            "`download()` of 1 MiB",
            [peak(64 * MIB) - peak(1 * MIB) for _ in range(_MEMORY_ROUNDS)],
            _MEMORY_LIMIT,
            "MiB",
        )


def _time_ratios(endpoint: Endpoint, path: Path, rounds: int) -> list[float]:
    client, large = endpoint.create_client(), attachment_id(64 * MIB)
    block_size = _BLOCK_SIZE_KIB * 1024

    def subject() -> None:
        attach_confirm.download(client, large, TOKEN, path)

    def baseline() -> None:
        attachment = client.get_attachment(AttachmentId=large, ConnectionToken=TOKEN)
        with endpoint.create_pool(block_size) as pool, path.open("wb") as file:
            response = pool.request("GET", attachment["Url"], preload_content=False)
            for block in response.stream(block_size):
                file.write(block)
        assert response.status == 200, response.status

    return measure_ratios(subject, baseline, rounds)
