"""The service in each account and region."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import uuid4

from botocore.loaders import create_loader
from moto.core.base_backend import BackendDict
from moto.s3.models import FakeKey

from attach_confirm_stubs.fake import _limits, exceptions
from attach_confirm_stubs.fake._faults import FaultQueue
from attach_confirm_stubs.fake._history import History
from attach_confirm_stubs.fake._quotas import Quotas
from attach_confirm_stubs.fake.models._attachments import Attachments
from attach_confirm_stubs.fake.models._chats import clock
from attach_confirm_stubs.fake.models._entities import Participant, new_token
from attach_confirm_stubs.fake.models._transcript import EVENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime


class ConnectParticipantBackend(Attachments):
    """The service in one account and region: chats, attachments, views and authentication."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.views: dict[str, dict[str, Any]] = {}
        self.sessions: dict[str, tuple[Participant, datetime]] = {}
        self.faults = FaultQueue()
        self.history = History()
        self.quotas = Quotas(clock)

    def reset(self) -> None:
        """Forget everything, and go back to the machine's time."""
        super().reset()
        clock.reset()

    def create_view(self, content: Mapping[str, Any]) -> str:
        """Show a view, and return its token."""
        token = new_token()
        self.views[token] = dict(content)
        return token

    def describe_view(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return a view."""
        self.connected(params["ConnectionToken"])
        view = self.views.get(params["ViewToken"])
        if view is None:
            raise exceptions.ServiceError("ResourceNotFoundException", "The view was not found.")
        return view

    def start_authentication(self, connection_token: str) -> str:
        """Ask a customer to sign in, and return the session's id."""
        with self.lock:
            participant, session_id = self.connected(connection_token), str(uuid4())
            self.sessions[session_id] = participant, clock.now()
            self._authentication(participant, "initiated", session_id)
            return session_id

    def get_authentication_url(self, params: Mapping[str, Any]) -> str:
        """Return where the customer signs in."""
        with self.lock:
            _, started_at = self._session(params)
            if started_at + _limits.TIME_TO_AUTHENTICATE <= clock.now():
                raise exceptions.ValidationException("The session has expired.")
        query = {"redirect_uri": params["RedirectUri"], "state": params["SessionId"]}
        host = f"connect-{self.account_id}.auth.{self.region_name}.amazoncognito.com"
        return f"https://{host}/oauth2/authorize?{urlencode(query)}"

    def cancel_participant_authentication(self, params: Mapping[str, Any]) -> None:
        """End a session."""
        with self.lock:
            participant, _ = self._session(params)
            del self.sessions[params["SessionId"]]
            self._authentication(participant, "cancelled", params["SessionId"])

    def _session(self, params: Mapping[str, Any]) -> tuple[Participant, datetime]:
        participant = self.connected(params["ConnectionToken"])
        session = self.sessions.get(params["SessionId"])
        if session is None or session[0] is not participant:
            raise exceptions.ServiceError(self.assumptions.unknown_session, "No such session.")
        return session

    def _authentication(self, participant: Participant, what: str, session_id: str) -> None:
        content = json.dumps({"SessionId": session_id})
        kind = f"{EVENT}authentication.{what}"
        self.say(participant, "EVENT", ContentType=kind, Content=content)


def all_backends() -> Iterator[ConnectParticipantBackend]:
    """Yield the service of each account and region where it is in use."""
    for regions in list(connectparticipant_backends.values()):
        yield from list(regions.values())


def reset_all() -> None:
    """Delete all chats and their files, and reset the clock; keep everything else in moto's S3."""
    buckets = set()
    for backend in all_backends():
        if backend.bucket in backend.s3.buckets:
            backend.s3.buckets[backend.bucket].keys.clear()
            backend.s3.delete_bucket(backend.bucket)
            buckets.add(backend.bucket)
    # moto's metaclass adds the list, which keeps objects that were deleted or replaced too.
    tracked: list[FakeKey] = list(FakeKey.instances_tracked)  # type: ignore[attr-defined]
    for key in tracked:
        if key.bucket_name in buckets:
            key.dispose()
    connectparticipant_backends.clear()
    clock.reset()


def _regions() -> list[str]:
    """Return every region that botocore knows, for a client can be made for any."""
    partitions = create_loader().load_data("partitions")["partitions"]
    return [region for partition in partitions for region in partition["regions"]]


connectparticipant_backends = BackendDict(
    ConnectParticipantBackend,
    "connectparticipant",
    use_boto3_regions=False,
    additional_regions=_regions(),
)
