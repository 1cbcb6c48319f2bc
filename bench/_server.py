"""The part of the service and of S3 that the helper needs, on a loopback port.

The server runs in its own process, so that it does not share an interpreter lock with the
measured code. It does as little as possible per request, so that the client accounts for most of
the time; the served fake does too much. It discards the body of a PUT and returns 200. A GET
returns zeros. Connections are persistent.
"""

from __future__ import annotations

import argparse
import json
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_START_PATH = "/participant/start-attachment-upload"
_DOWNLOAD_PATH = "/participant/attachment"
_URL_LIFETIME = 900
_BUFFER_SIZE = 256 * 1024
_ID = "5bf0bd7b-4b6a-4b3e-9b5c-7d8f3c2a1e90"


@contextmanager
def run_server(certificate: Path | None = None) -> Iterator[str]:
    """Run the server until the block ends, and yield its URL.

    The server exits when its standard input closes, even if this process is killed.

    Args:
        certificate: File with the private key and certificate for 127.0.0.1, in PEM format. If
            None, the server uses plain HTTP.
    """
    command = [sys.executable, __file__, *([f"--certificate={certificate}"] if certificate else [])]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()


def attachment_id(size: int) -> str:
    """Return the ID of an attachment that can be downloaded.

    Args:
        size: Size of the attachment, in bytes.
    """
    return str(size)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, ssl_context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.ssl_context = ssl_context
        self.url = f"{'https' if ssl_context else 'http'}://127.0.0.1:{self.server_address[1]}"


class _Handler(socketserver.StreamRequestHandler):
    server: _Server
    disable_nagle_algorithm = True

    def setup(self) -> None:
        if self.server.ssl_context:
            self.request = self.server.ssl_context.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self) -> None:
        while request_line := self.rfile.readline():
            method, path, _ = request_line.decode().split()
            length, expects_continue = self._read_headers()
            if path == _START_PATH:
                params = json.loads(self.rfile.read(length))
                self._respond(json.dumps(_start_response(params, self.server.url)).encode())
            elif path == _DOWNLOAD_PATH:
                params = json.loads(self.rfile.read(length))
                self._respond(json.dumps(_download_response(params, self.server.url)).encode())
            elif method == "GET":
                self._send_zeros(int(path.split("/")[-1]))
            else:
                if expects_continue:
                    self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                self._discard(length)
                self._respond(b"")

    def _read_headers(self) -> tuple[int, bool]:
        """Read the headers.

        Returns:
            The length of the body, and whether the client waits for `100 Continue`.
        """
        length, expects_continue = 0, False
        while (line := self.rfile.readline()) != b"\r\n":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
            expects_continue |= name.lower() == b"expect"
        return length, expects_continue

    def _discard(self, length: int) -> None:
        buffer = memoryview(bytearray(min(length, _BUFFER_SIZE)))
        while length:
            # readinto1 returns 0 if the connection ends early.
            length -= self.rfile.readinto1(buffer[:length]) or length

    def _respond(self, body: bytes) -> None:
        self.wfile.write(_head(len(body)) + body)

    def _send_zeros(self, length: int) -> None:
        self.wfile.write(_head(length))
        block = memoryview(bytes(_BUFFER_SIZE))
        while length:
            length -= self.wfile.write(block[:length])


def _head(length: int) -> bytes:
    """Return the head of a response, with the request IDs of the service and of S3."""
    return (
        b"HTTP/1.1 200 OK\r\n"
        b"content-type: application/json\r\n"
        b"x-amzn-requestid: %b\r\n"
        b"x-amz-request-id: %b\r\n"
        b"content-length: %d\r\n\r\n" % (_ID.encode(), _ID.encode(), length)
    )


def _start_response(params: dict[str, Any], url: str) -> dict[str, Any]:
    """Return a StartAttachmentUpload response with the signed headers of the real service."""
    headers = {
        "Content-Disposition": f'attachment; filename="{params["AttachmentName"]}"',
        "Content-Length": str(params["AttachmentSizeInBytes"]),
        "Content-Type": params["ContentType"],
        "x-amz-acl": "bucket-owner-full-control",
        "x-amz-meta-account_id": "123456789012",
        "x-amz-meta-contact_id": _ID,
        "x-amz-meta-initial_contact_id": _ID,
        "x-amz-meta-organization_id": _ID,
    }
    return {
        "AttachmentId": _ID,
        "UploadMetadata": {
            "Url": f"{url}/attachment?X-Amz-Signature={_ID}",
            "UrlExpiry": _expiry(),
            "HeadersToInclude": headers,
        },
    }


def _download_response(params: dict[str, Any], url: str) -> dict[str, Any]:
    """Return a GetAttachment response. The ID is the size."""
    return {
        "Url": f"{url}/attachment/{params['AttachmentId']}",
        "UrlExpiry": _expiry(),
        "AttachmentSizeInBytes": int(params["AttachmentId"]),
    }


def _expiry() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + _URL_LIFETIME))


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--certificate")
    options = parser.parse_args()
    context = None
    if options.certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.certificate)
    with _Server(context) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _main()
