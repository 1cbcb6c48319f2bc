"""A program that sends a file, stores its progress, and stops where it is to be killed.

`python -m tests.simulation.sender_process ENDPOINT FILE STATE METHOD STOP_AT`, with the participant
token on standard input. METHOD is "steps" or "upload". STOP_AT is "OPERATION before" or
"PutObject body"; there the process prints "stopped" and waits. With any other value it does not
stop. It logs everything to standard error.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

import attach_confirm
from tests.simulation.clients import isolated_client


class State:
    """Key-value pairs in a JSON file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.values: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def update(self, **values: Any) -> None:
        """Add values atomically."""
        self.values |= values
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps(self.values))
        temporary.replace(self._path)


def stop() -> None:
    """Print "stopped", and wait to be killed."""
    print("stopped", flush=True)
    sys.stdin.read()


def main() -> None:
    """Send the file, continuing where a previous process was killed."""
    endpoint, path, state_path, method, stop_at = sys.argv[1:]
    participant_token = sys.stdin.readline().strip()
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    state, file = State(Path(state_path)), Path(path)
    client = isolated_client(endpoint_url=endpoint)

    def before_send(event_name: str, **_: Any) -> None:
        if stop_at == f"{event_name.rpartition('.')[2]} before":
            stop()

    def on_progress(_: int) -> None:
        if stop_at == "PutObject body":
            stop()

    client.meta.events.register_first("before-send", before_send)
    token = attach_confirm.connect(client, participant_token).token
    if method == "upload" and "attachment_id" not in state.values:
        upload = attach_confirm.upload(
            client, file, token, callback=on_progress, client_token=file.name
        )
        state.update(attachment_id=upload.attachment_id, uploaded=True)
    if "uploaded" not in state.values:
        size = file.stat().st_size
        pending_upload = attach_confirm.start(
            client, name=file.name, size=size, content_type="text/plain", connection_token=token
        )
        state.update(attachment_id=pending_upload.attachment_id)
        attach_confirm.put(client, pending_upload, file, callback=on_progress)
        state.update(uploaded=True)
    attach_confirm.confirm(client, state.values["attachment_id"], token, on_conflict="check")
    attach_confirm.wait(client, state.values["attachment_id"], token)
    print(state.values["attachment_id"])


if __name__ == "__main__":
    main()
