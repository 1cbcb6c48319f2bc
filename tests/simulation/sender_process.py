"""A program that sends a file, keeps what it will need after its death, and waits to be killed.

`python -m tests.simulation.sender_process ENDPOINT FILE KEPT HOW HOLD`, with the participant
token on its standard input. HOW is "steps" or "upload"; HOLD is where it prints "held" and waits:
"before"
or in the "body" of an operation, as in "PutObject body"; or nothing. All logging goes to stderr.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

import attach_confirm
from tests.simulation.clients import isolated_client


class Kept:
    """Facts in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.facts: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def keep(self, **facts: Any) -> None:
        """Add facts, all or none."""
        self.facts |= facts
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(self.facts))
        new.replace(self._path)


def hold() -> None:
    """Say so, and wait for the end."""
    print("held", flush=True)
    sys.stdin.read()


def main() -> None:
    """Send the file, from where an earlier process got to."""
    endpoint, path, kept_at, how, held = sys.argv[1:]
    participant_token = sys.stdin.readline().strip()
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    kept, file = Kept(Path(kept_at)), Path(path)
    client = isolated_client(endpoint_url=endpoint)

    def before(event_name: str, **_: Any) -> None:
        if held == f"{event_name.rpartition('.')[2]} before":
            hold()

    def callback(_: int) -> None:
        if held == "PutObject body":
            hold()

    client.meta.events.register_first("before-send", before)
    token = attach_confirm.connect(client, participant_token).token
    if how == "upload" and "attachment_id" not in kept.facts:
        sent = attach_confirm.upload(client, file, token, callback=callback, client_token=file.name)
        kept.keep(attachment_id=sent.attachment_id, uploaded=True)
    if "uploaded" not in kept.facts:
        size = file.stat().st_size
        pending = attach_confirm.start(
            client, name=file.name, size=size, content_type="text/plain", connection_token=token
        )
        kept.keep(attachment_id=pending.attachment_id)
        attach_confirm.put(client, pending, file, callback=callback)
        kept.keep(uploaded=True)
    attach_confirm.confirm(client, kept.facts["attachment_id"], token, on_conflict="check")
    attach_confirm.wait(client, kept.facts["attachment_id"], token)
    print(kept.facts["attachment_id"])


if __name__ == "__main__":
    main()
