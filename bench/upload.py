"""Compare `upload()` of 64 MiB with the same three steps written by hand, and measure its memory.

Time: the baseline starts and completes the upload with boto3 and streams the PUT with urllib3. Both
use the same client, file and server, which runs in another process. Both open a new connection for
the PUT: with a persistent one the ratio varied by 10% between runs. Both send blocks of 512 KiB,
over HTTP and over TLS. One more row shows urllib3's default block size, 16 KiB.

Memory: the peak resident size of a new process that creates a client and uploads one file. The
result of a round is the peak with 64 MiB minus the peak with 1 MiB.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import attach_confirm
from bench._measure import Row, measure_ratios
from bench._transfer import MIB, TOKEN, peak_memory, run_endpoints

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench._transfer import Endpoint

_BLOCK_SIZE_KIB = 512
_DEFAULT_BLOCK_SIZE_KIB = 16
_TIME_ROUNDS = 100
_TIME_LIMIT = 1.02
_MEMORY_ROUNDS = 7
_MEMORY_LIMIT = 8

_UPLOAD = """\
import sys, attach_confirm
from botocore.config import Config
url, path, token = sys.argv[1:]
client = attach_confirm.client("us-east-1", endpoint_url=url, config=Config(proxies={}))
attach_confirm.upload(client, path, token)
"""


def measure(max_rounds: int) -> Iterator[Row]:
    """Measure the time of an upload, then the memory that a larger file adds."""
    with tempfile.TemporaryDirectory() as folder, run_endpoints() as endpoints:
        small, large = Path(folder, "small.pdf"), Path(folder, "large.pdf")
        small.write_bytes(bytes(1 * MIB))
        large.write_bytes(bytes(64 * MIB))
        http = endpoints[0]
        for endpoint, block_size in (
            *((endpoint, _BLOCK_SIZE_KIB) for endpoint in endpoints),
            (http, _DEFAULT_BLOCK_SIZE_KIB),
        ):
            yield Row(
                f"`upload()` of 64 MiB over {endpoint.scheme}, time",
                f"boto3, urllib3 with blocks of {block_size} KiB, boto3",
                _time_ratios(endpoint, large, block_size * 1024, min(_TIME_ROUNDS, max_rounds)),
                _TIME_LIMIT,
            )

        def peak(path: Path) -> float:
            return peak_memory(_UPLOAD, http.url, path, TOKEN)

        yield Row(
            "`upload()` of 64 MiB, peak memory",
            "`upload()` of 1 MiB",
            [peak(large) - peak(small) for _ in range(_MEMORY_ROUNDS)],
            _MEMORY_LIMIT,
            "MiB",
        )


def _time_ratios(endpoint: Endpoint, path: Path, block_size: int, rounds: int) -> list[float]:
    client = endpoint.create_client()

    def subject() -> None:
        attach_confirm.upload(client, path, TOKEN)

    def baseline() -> None:
        started = client.start_attachment_upload(
            AttachmentName=path.name,
            AttachmentSizeInBytes=path.stat().st_size,
            ContentType="application/pdf",
            ConnectionToken=TOKEN,
        )
        metadata = started["UploadMetadata"]
        with endpoint.create_pool(block_size) as pool, path.open("rb") as file:
            response = pool.request(
                "PUT", metadata["Url"], body=file, headers=metadata["HeadersToInclude"]
            )
        assert response.status == 200, response.status
        client.complete_attachment_upload(
            AttachmentIds=[started["AttachmentId"]], ConnectionToken=TOKEN
        )

    return measure_ratios(subject, baseline, rounds)
