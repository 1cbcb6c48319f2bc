"""Compare `upload()` of 64 MiB with the same three steps written by hand, and measure its memory.

Time: the baseline starts and completes the upload with boto3 and streams the PUT with urllib3. Both
use the same client, file and server, which runs in another process. Both open a new connection for
the PUT: with a kept-alive one the ratio varied by 10% between runs. urllib3 uses its default block
size, 16 KiB, and then the 128 KiB that botocore sets for its clients. The first ratio is mostly the
effect of the block size; the second one shows the cost of `upload()` itself.

Memory: the peak resident size of a new process that creates a client and uploads one file. The
result of a round is the peak with 64 MiB minus the peak with 1 MiB.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import urllib3
from botocore.config import Config

import attach_confirm
from bench._measure import Row, measure_ratios
from bench._server import run_server

if TYPE_CHECKING:
    from collections.abc import Iterator

_MIB = 1024 * 1024
_BLOCK_SIZES_KIB = (16, 128)
_TIME_ROUNDS = 100
_TIME_LIMIT = 1.02
_MEMORY_ROUNDS = 7
_MEMORY_LIMIT = 8
_TOKEN = "QVFJREFI" * 64

# On Linux a process inherits the peak of its parent, so a small process starts the measured one.
_PRINT_PEAK = """\
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
_UPLOAD = """\
import sys, attach_confirm
from botocore.config import Config
url, path, token = sys.argv[1:]
client = attach_confirm.client("us-east-1", endpoint_url=url, config=Config(proxies={}))
attach_confirm.upload(client, path, token)
"""
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


def measure(max_rounds: int) -> Iterator[Row]:
    """Measure the time of an upload, then the memory that a larger file adds."""
    with tempfile.TemporaryDirectory() as folder, run_server() as url:
        small, large = Path(folder, "small.pdf"), Path(folder, "large.pdf")
        small.write_bytes(bytes(1 * _MIB))
        large.write_bytes(bytes(64 * _MIB))
        for block_size in _BLOCK_SIZES_KIB:
            yield Row(
                "`upload()` of 64 MiB, time",
                f"boto3, urllib3 with blocks of {block_size} KiB, boto3",
                _time_ratios(url, large, block_size * 1024, min(_TIME_ROUNDS, max_rounds)),
                _TIME_LIMIT,
            )
        yield Row(
            "`upload()` of 64 MiB, peak memory",
            "`upload()` of 1 MiB",
            [_peak(url, large) - _peak(url, small) for _ in range(_MEMORY_ROUNDS)],
            _MEMORY_LIMIT,
            "MiB",
        )


def _time_ratios(url: str, path: Path, block_size: int, rounds: int) -> list[float]:
    # types-boto3 requires the ClientTokens that botocore adds.
    client: Any = attach_confirm.client("us-east-1", endpoint_url=url, config=Config(proxies={}))

    def subject() -> None:
        attach_confirm.upload(client, path, _TOKEN)

    def baseline() -> None:
        started = client.start_attachment_upload(
            AttachmentName=path.name,
            AttachmentSizeInBytes=path.stat().st_size,
            ContentType="application/pdf",
            ConnectionToken=_TOKEN,
        )
        metadata = started["UploadMetadata"]
        with urllib3.PoolManager(blocksize=block_size) as pool, path.open("rb") as file:
            response = pool.request(
                "PUT", metadata["Url"], body=file, headers=metadata["HeadersToInclude"]
            )
        assert response.status == 200, response.status
        client.complete_attachment_upload(
            AttachmentIds=[started["AttachmentId"]], ConnectionToken=_TOKEN
        )

    return measure_ratios(subject, baseline, rounds)


def _peak(url: str, path: Path) -> float:
    """Return the peak resident size of a process that uploads a file, in MiB."""
    upload = [sys.executable, "-I", "-c", _UPLOAD, url, str(path), _TOKEN]
    command = [sys.executable, "-I", "-S", "-c", _PRINT_PEAK, *upload]
    peak = int(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return peak * _MAXRSS_UNIT / _MIB
