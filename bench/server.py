"""The served fake against moto's own server: the time of a PUT of 1 KiB.

Each server runs in a process of its own, and is asked by urllib3 with one connection pool, which
keeps connections alive where the server does: moto's closes each. A round is as
`bench._measure.ratio` says; a ratio of times below 1 is one of requests per second above 1.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import urllib3
from botocore.config import Config

import attach_confirm
from bench._measure import Row, ratio

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROUNDS = 400
_DATA = b"1" * 1024
# moto looks at who signs, not at the signature.
_SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=nobody/20260101/us-east-1/s3/aws4_request,"
    " SignedHeaders=host, Signature=none"
}
_OURS = """\
import sys
from attach_confirm_stubs import serve_connectparticipant
with serve_connectparticipant() as fake:
    print(fake.endpoint_url, fake.connection_token(), flush=True)
    sys.stdin.read()
"""
_THEIRS = """\
import sys, logging
from moto.server import ThreadedMotoServer
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(port=0, verbose=False)
server.start()
print("http://%s:%s" % server.get_host_and_port(), flush=True)
sys.stdin.read()
server.stop()
"""


def measure() -> Iterator[Row]:
    """Measure the PUT."""
    with _running(_OURS) as (url, token), _running(_THEIRS) as (moto,):
        client = attach_confirm.client("us-east-1", endpoint_url=url, config=Config(proxies={}))
        pending = attach_confirm.start(
            client,
            name="a.txt",
            size=len(_DATA),
            content_type="text/plain",
            connection_token=token,
        )
        pool = urllib3.PoolManager()
        assert pool.request("PUT", f"{moto}/bench").status == 200

        def ours() -> None:
            answer = pool.request("PUT", pending.url, body=_DATA, headers=pending.headers)
            assert answer.status == 200, answer.status

        def theirs() -> None:
            answer = pool.request("PUT", f"{moto}/bench/a.txt", body=_DATA, headers=_SIGNED)
            assert answer.status == 200, answer.status

        figure = ratio(ours, theirs, _ROUNDS)
    yield Row("the served fake, a PUT of 1 KiB", "moto's server, the same on S3", figure, 1.0)


@contextmanager
def _running(code: str) -> Iterator[list[str]]:
    """Run a server until the block ends; gives the words that it prints."""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield process.stdout.readline().split()
        process.stdin.close()
