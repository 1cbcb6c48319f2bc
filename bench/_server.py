"""The service and S3 on a loopback port: as little as a client needs to see.

It runs as a process of its own, so that it shares no interpreter lock with what is measured, and
does little with a request, so that the client's share of the time is large: it reads the length
from the head, throws the body away and answers 200. Connections are kept alive.
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

_START = b"/participant/start-attachment-upload"
_URL_LIFETIME = 900
_BUFFER = 256 * 1024
_ID = "5bf0bd7b-4b6a-4b3e-9b5c-7d8f3c2a1e90"


@contextmanager
def serving() -> Iterator[str]:
    """Run the server in a process of its own while open; gives its URL.

    The process ends when its standard input does, however this one ends.
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
        while head := self.rfile.readline():
            _, path, _ = head.split()
            length = self._length()
            if path == _START:
                announced = json.loads(self.rfile.read(length))
                self._answer(json.dumps(_pending(announced, self.server.url)).encode())
            else:
                self._discard(length)
                self._answer(b"")

    def _length(self) -> int:
        length = 0
        while (line := self.rfile.readline()) != b"\r\n":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return length

    def _discard(self, length: int) -> None:
        buffer = memoryview(bytearray(min(length, _BUFFER)))
        while length:
            # A connection that ends early gives 0 bytes.
            length -= self.rfile.readinto1(buffer[:length]) or length

    def _answer(self, body: bytes) -> None:
        self.wfile.write(
            b"HTTP/1.1 200 OK\r\n"
            b"content-type: application/json\r\n"
            b"x-amzn-requestid: %b\r\n"
            b"content-length: %d\r\n\r\n%b" % (_ID.encode(), len(body), body)
        )


def _pending(announced: dict[str, Any], url: str) -> dict[str, Any]:
    """Return StartAttachmentUpload's answer, with the headers that the real one was seen with."""
    expiry = time.gmtime(time.time() + _URL_LIFETIME)
    headers = {
        "Content-Disposition": f'attachment; filename="{announced["AttachmentName"]}"',
        "Content-Length": str(announced["AttachmentSizeInBytes"]),
        "Content-Type": announced["ContentType"],
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


def _serve() -> None:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _serve()
