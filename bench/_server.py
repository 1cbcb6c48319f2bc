"""The part of the service and of S3 that the helper needs, on a loopback port.

The server runs in its own process, so that it does not share an interpreter lock with the
measured code. It does as little as possible per request, so that the client accounts for most of
the time; the served fake does too much. It reads the length from the head, discards the body and
returns 200. Connections are persistent.
"""

from __future__ import annotations

import json
import socketserver
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_START_PATH = b"/participant/start-attachment-upload"
_URL_LIFETIME = 900
_BUFFER_SIZE = 256 * 1024
_ID = "5bf0bd7b-4b6a-4b3e-9b5c-7d8f3c2a1e90"


@contextmanager
def run_server() -> Iterator[str]:
    """Run the server until the block ends, and yield its URL.

    The server exits when its standard input closes, even if this process is killed.
    """
    command = [sys.executable, __file__]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(socketserver.StreamRequestHandler):
    server: _Server
    disable_nagle_algorithm = True

    def handle(self) -> None:
        while request_line := self.rfile.readline():
            _, path, _ = request_line.split()
            length = self._read_headers()
            if path == _START_PATH:
                params = json.loads(self.rfile.read(length))
                self._respond(json.dumps(_start_response(params, self.server.url)).encode())
            else:
                self._discard(length)
                self._respond(b"")

    def _read_headers(self) -> int:
        """Read the headers and return the length of the body."""
        length = 0
        while (line := self.rfile.readline()) != b"\r\n":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return length

    def _discard(self, length: int) -> None:
        buffer = memoryview(bytearray(min(length, _BUFFER_SIZE)))
        while length:
            # readinto1 returns 0 if the connection ends early.
            length -= self.rfile.readinto1(buffer[:length]) or length

    def _respond(self, body: bytes) -> None:
        self.wfile.write(
            b"HTTP/1.1 200 OK\r\n"
            b"content-type: application/json\r\n"
            b"x-amzn-requestid: %b\r\n"
            b"content-length: %d\r\n\r\n%b" % (_ID.encode(), len(body), body)
        )


def _start_response(params: dict[str, Any], url: str) -> dict[str, Any]:
    """Return a StartAttachmentUpload response with the signed headers of the real service."""
    expiry = time.gmtime(time.time() + _URL_LIFETIME)
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
            "UrlExpiry": time.strftime("%Y-%m-%dT%H:%M:%SZ", expiry),
            "HeadersToInclude": headers,
        },
    }


def _main() -> None:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _main()
