"""`upload()` of 64 MiB against urllib3 streaming the same PUT, and its memory.

Time: upload() makes three requests, the PUT on a connection of its own. urllib3 makes the PUT
alone, with the same file and headers, to the same server in another process, and on a new
connection too: with a kept one the ratio differed by a tenth from run to run. urllib3 is measured
with the 16 KiB blocks of its default, and with the 128 KiB that botocore sets for its clients. The
first ratio is mostly the blocks' size, the second shows what upload() itself costs. The ratios are
as `bench._measure.ratio` says.

Memory: the peak resident size of a fresh process that makes a client and uploads one file; the
median over processes with 64 MiB less the median over processes with 1 MiB.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import urllib3
from botocore.config import Config

import attach_confirm
from bench._measure import Row, ratio
from bench._server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

_MIB = 1024 * 1024
_BLOCK_SIZES = (16, 128)
_TIME_ROUNDS = 100
_TIME_LIMIT = 1.05
_MEMORY_ROUNDS = 7
_MEMORY_LIMIT = 8
_TOKEN = "QVFJREFI" * 64

# Linux hands a process's peak on to those it starts, so a small one starts the one to measure.
_PEAK = """\
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


def measure() -> Iterator[Row]:
    """Measure the time of an upload, and the memory that it takes for being larger."""
    with tempfile.TemporaryDirectory() as folder, serving() as url:
        small, large = Path(folder, "small.pdf"), Path(folder, "large.pdf")
        small.write_bytes(bytes(1 * _MIB))
        large.write_bytes(bytes(64 * _MIB))
        for block_size in _BLOCK_SIZES:
            yield Row(
                "`upload()` of 64 MiB, time",
                f"urllib3, the PUT alone in blocks of {block_size} KiB",
                _time(url, large, block_size * 1024),
                _TIME_LIMIT,
            )
        yield Row(
            "`upload()` of 64 MiB, peak memory",
            "`upload()` of 1 MiB",
            _memory(url, small, large),
            _MEMORY_LIMIT,
            "MiB",
        )


def _time(url: str, path: Path, block_size: int) -> float:
    client = attach_confirm.client("us-east-1", endpoint_url=url, config=Config(proxies={}))
    pending = attach_confirm.start(
        client,
        name=path.name,
        size=path.stat().st_size,
        content_type="application/pdf",
        connection_token=_TOKEN,
    )

    def ours() -> None:
        attach_confirm.upload(client, path, _TOKEN)

    def theirs() -> None:
        with urllib3.PoolManager(blocksize=block_size) as pool, path.open("rb") as file:
            pool.request("PUT", pending.url, body=file, headers=pending.headers)

    return ratio(ours, theirs, _TIME_ROUNDS)


def _memory(url: str, small: Path, large: Path) -> float:
    smalls, larges = [], []
    for _ in range(_MEMORY_ROUNDS):
        smalls.append(_peak(url, small))
        larges.append(_peak(url, large))
    return statistics.median(larges) - statistics.median(smalls)


def _peak(url: str, path: Path) -> float:
    """Return the peak resident size of a process that uploads a file, in MiB."""
    upload = [sys.executable, "-I", "-c", _UPLOAD, url, str(path), _TOKEN]
    command = [sys.executable, "-I", "-S", "-c", _PEAK, *upload]
    peak = int(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return peak * _MAXRSS_UNIT / _MIB
