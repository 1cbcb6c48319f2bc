"""What the benchmarks of `upload` and `download` share: servers, clients and peak memory."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trustme
import urllib3
from botocore.config import Config

import attach_confirm
from bench._server import run_server

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1024 * 1024
TOKEN = "QVFJREFI" * 64

# On Linux a process inherits the peak of its parent, so a small process starts the measured one.
_PRINT_PEAK = """\
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Endpoint:
    """A running server.

    Attributes:
        scheme: HTTP or HTTPS, for the name of a row.
        url: URL of the server.
        ca_bundle: File with the certificate of the server's authority, or None.
    """

    scheme: str
    url: str
    ca_bundle: str | None

    def create_client(self) -> Any:
        """Return a client. types-boto3 requires ClientTokens, which botocore adds."""
        return attach_confirm.client(
            "us-east-1",
            endpoint_url=self.url,
            config=Config(proxies={}),
            verify=self.ca_bundle,
        )

    def create_pool(self, block_size: int) -> urllib3.PoolManager:
        """Return a connection pool.

        Args:
            block_size: Size of the blocks in which a file is sent, in bytes.
        """
        return urllib3.PoolManager(blocksize=block_size, ca_certs=self.ca_bundle)


@contextmanager
def run_endpoints() -> Iterator[list[Endpoint]]:
    """Run one server over HTTP and one over TLS, with a new certificate authority."""
    authority = trustme.CA()
    with tempfile.TemporaryDirectory() as folder:
        ca_bundle, certificate = Path(folder, "ca.pem"), Path(folder, "server.pem")
        authority.cert_pem.write_to_path(ca_bundle)
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
        with run_server() as http_url, run_server(certificate) as https_url:
            yield [
                Endpoint("HTTP", http_url, None),
                Endpoint("HTTPS", https_url, str(ca_bundle)),
            ]


def peak_memory(code: str, *arguments: object) -> float:
    """Return the peak resident size of a new process, in MiB.

    Args:
        code: Python code.
        *arguments: The arguments of the process.
    """
    measured = [sys.executable, "-c", code, *map(str, arguments)]
    command = [sys.executable, "-I", "-S", "-c", _PRINT_PEAK, *measured]
    peak = int(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return peak * _MAXRSS_UNIT / MIB
