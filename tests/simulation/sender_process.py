"""A process that sends a file to the served fake, and stops where it is to be killed."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

import attach_confirm
from attach_confirm import Action
from tests.simulation.clients import isolated_client

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

_ERRORS = (attach_confirm.AttachConfirmError, BotoCoreError, ClientError)
_WAIT_TIMEOUT = 30.0


@dataclass(frozen=True)
class Job:
    """What a process does.

    Attributes:
        endpoint_url: The endpoint of the served fake.
        participant_token: The participant token.
        file: The path of the file.
        method: "steps", which stores its progress after each step; "upload", with a client_token;
            or "journal".
        stop_at: The moment at which the process sends "stopped" and waits to be killed:
            "OPERATION before", "CompleteAttachmentUpload response", "PutObject body", or a method
            of the journal and "before" or "after". With any other value it does not stop.
    """

    endpoint_url: str
    participant_token: str
    file: Path
    method: str
    stop_at: str


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


def run(job: Job, control: Connection) -> None:
    """Send the file, and send `("sent", attachment_id)` or `("failed", retry_after)`.

    Everything is logged to a file next to the sent one.
    """
    log_path = job.file.with_suffix(".log")
    logging.basicConfig(level=logging.DEBUG, filename=log_path, force=True)
    try:
        result = ("sent", _Sender(job, control).send())
    except _ERRORS as error:
        logging.getLogger(__name__).exception("failed")
        advice = attach_confirm.advise(error)
        if advice.action is not Action.RETRY:
            raise
        result = ("failed", advice.retry_after or 0.0)
    control.send(result)


class _Sender:
    """Sends the file of a job, and stops at its moment."""

    def __init__(self, job: Job, control: Connection) -> None:
        self._job = job
        self._control = control
        self._client = isolated_client(endpoint_url=job.endpoint_url)
        events: Any = self._client.meta.events
        events.register_first("before-send", self._before_send)
        events.register("response-received.connectparticipant", self._after_response)

    def send(self) -> str:
        token = attach_confirm.connect(self._client, self._job.participant_token).token
        attachment_id = (
            self._send_in_steps(token) if self._job.method == "steps" else self._upload(token)
        )
        attach_confirm.wait(self._client, attachment_id, token, timeout=_WAIT_TIMEOUT)
        return attachment_id

    def _upload(self, token: str) -> str:
        file = self._job.file
        journal = None
        if self._job.method == "journal":
            journal = _StoppingJournal(file.with_suffix(".db"), self._stop_at)
        upload = attach_confirm.upload(
            self._client,
            file,
            token,
            client_token=f"queue/{file.name}",
            journal=journal,
            callback=self._on_progress,
        )
        return upload.attachment_id

    def _send_in_steps(self, token: str) -> str:
        file = self._job.file
        state = State(file.with_suffix(".json"))
        if "uploaded" not in state.values:
            pending_upload = attach_confirm.start(
                self._client,
                name=file.name,
                size=file.stat().st_size,
                content_type="text/plain",
                connection_token=token,
            )
            attach_confirm.put(self._client, pending_upload, file, callback=self._on_progress)
            state.update(attachment_id=pending_upload.attachment_id, uploaded=True)
        attachment_id: str = state.values["attachment_id"]
        attach_confirm.confirm(self._client, attachment_id, token, on_conflict="check")
        return attachment_id

    def _before_send(self, event_name: str, **_: Any) -> None:
        self._stop_at(f"{event_name.rpartition('.')[2]} before")

    def _after_response(self, event_name: str, **_: Any) -> None:
        self._stop_at(f"{event_name.rpartition('.')[2]} response")

    def _on_progress(self, _: int) -> None:
        self._stop_at("PutObject body")

    def _stop_at(self, moment: str) -> None:
        if self._job.stop_at == moment:
            self._control.send(("stopped", moment))
            self._control.recv()


class _StoppingJournal(attach_confirm.SQLiteJournal):
    """A journal that calls a function with the moments before and after each method."""

    def __init__(self, path: Path, stop_at: Any) -> None:
        super().__init__(path)
        self._stop_at = stop_at

    def get(self, key: str) -> Any:
        return self._call("get", key)

    def claim(self, key: str, entry: Any) -> Any:
        return self._call("claim", key, entry)

    def mark_confirmed(self, key: str) -> None:
        self._call("mark_confirmed", key)

    def _call(self, name: str, *arguments: Any) -> Any:
        self._stop_at(f"{name} before")
        result = getattr(attach_confirm.SQLiteJournal, name)(self, *arguments)
        self._stop_at(f"{name} after")
        return result
