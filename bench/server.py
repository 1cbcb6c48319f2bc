"""Compare the served fake with moto's server: the time of a PUT of 1 KiB.

Each server runs in its own process. urllib3 sends the requests through one connection pool, which
reuses connections if the server keeps them open; moto's server closes each one. A time ratio below
1 means more requests per second. moto's server needs the extra `bench`.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import urllib3
from botocore.config import Config

import attach_confirm
from bench._measure import Row, measure_ratios

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROUNDS = 400
_LIMIT = 0.40
_DATA = b"1" * 1024
# moto requires an access key but does not verify the signature.
_AUTHORIZATION = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/s3/aws4_request,"
    " SignedHeaders=host, Signature=none"
}
_FAKE_SERVER = """\
import sys
from attach_confirm_stubs import serve_connectparticipant
with serve_connectparticipant() as fake:
    print(fake.endpoint_url, fake.connection_token(), flush=True)
    sys.stdin.read()
"""
_MOTO_SERVER = """\
import sys, logging
from moto.server import ThreadedMotoServer
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(port=0, verbose=False)
server.start()
print("http://%s:%s" % server.get_host_and_port(), flush=True)
sys.stdin.read()
server.stop()
"""


def measure(max_rounds: int) -> Iterator[Row]:
    """Measure the PUT."""
    with _run_server(_FAKE_SERVER) as (url, token), _run_server(_MOTO_SERVER) as (moto_url,):
        client = attach_confirm.client("us-east-1", endpoint_url=url, config=Config(proxies={}))
        pending_upload = attach_confirm.start(
            client,
            name="a.txt",
            size=len(_DATA),
            content_type="text/plain",
            connection_token=token,
        )
        pool = urllib3.PoolManager()
        assert pool.request("PUT", f"{moto_url}/bench").status == 200

        def put(url: str, headers: dict[str, str]) -> None:
            response = pool.request("PUT", url, body=_DATA, headers=headers)
            assert response.status == 200, response.status

        signed_headers = dict(pending_upload.headers)
        ratios = measure_ratios(
            lambda: put(pending_upload.url, signed_headers),
            lambda: put(f"{moto_url}/bench/a.txt", _AUTHORIZATION),
            min(_ROUNDS, max_rounds),
        )
    yield Row(
        "a PUT of 1 KiB to the served fake", "the same PUT to moto's server (S3)", ratios, _LIMIT
    )


@contextmanager
def _run_server(code: str) -> Iterator[list[str]]:
    """Run a server until the block ends, and yield the words of the line that it prints."""
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
