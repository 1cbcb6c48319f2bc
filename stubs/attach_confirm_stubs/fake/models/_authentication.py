"""Authentication sessions, in which customers sign in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import uuid4

from attach_confirm_stubs.fake import _limits, _patterns, exceptions
from attach_confirm_stubs.fake._clock import clock
from attach_confirm_stubs.fake.models._base import ParticipantsBackend

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from attach_confirm_stubs.fake.models._entities import Participant


class AuthenticationBackend(ParticipantsBackend):
    """The authentication sessions of one account and region.

    Attributes:
        authentication_sessions: The customer and the start time of each session, by SessionId.
    """

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.authentication_sessions: dict[str, tuple[Participant, datetime]] = {}

    def start_authentication(self, connection_token: str) -> str:
        """Start a session of a customer, and return its SessionId."""
        with self.lock:
            participant, session_id = self.require_connected(connection_token), str(uuid4())
            self.authentication_sessions[session_id] = participant, clock.now()
            self._add_authentication_event(participant, "initiated", session_id)
            return session_id

    def get_authentication_url(self, params: Mapping[str, Any]) -> str:
        """Return the URL at which the customer signs in."""
        with self.lock:
            _, started_at = self._get_session(params)
            if started_at + _limits.AUTHENTICATION_TIMEOUT <= clock.now():
                raise exceptions.ValidationException("The session has expired.")
        query = {"redirect_uri": params["RedirectUri"], "state": params["SessionId"]}
        url = _patterns.sign_in_url(self.account_id, self.region_name)
        return f"{url}?{urlencode(query)}"

    def cancel_participant_authentication(self, params: Mapping[str, Any]) -> None:
        """Cancel a session."""
        with self.lock:
            participant, _ = self._get_session(params)
            del self.authentication_sessions[params["SessionId"]]
            self._add_authentication_event(participant, "cancelled", params["SessionId"])

    def _get_session(self, params: Mapping[str, Any]) -> tuple[Participant, datetime]:
        participant = self.require_connected(params["ConnectionToken"])
        session = self.authentication_sessions.get(params["SessionId"])
        if session is None or session[0] is not participant:
            code, message = self.assumptions.unknown_session, "The session was not found."
            raise exceptions.ServiceError(code, message)
        return session

    def _add_authentication_event(
        self, participant: Participant, status: str, session_id: str
    ) -> None:
        content = json.dumps({"SessionId": session_id})
        self.add_event(participant, f"authentication.{status}", Content=content)
