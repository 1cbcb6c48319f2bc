"""The service's throttling quotas, as token buckets."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attach_confirm_stubs.fake._clock import Clock

# Requests per second and burst, per instance. Source: the participant service's throttling
# quotas in the Amazon Connect administrator guide.
_LIMITS = {
    "CompleteAttachmentUpload": (2.0, 5),
    "CreateParticipantConnection": (6.0, 9),
    "DisconnectParticipant": (3.0, 5),
    "GetAttachment": (8.0, 12),
    "GetTranscript": (8.0, 12),
    "SendMessage": (10.0, 15),
    "StartAttachmentUpload": (2.0, 5),
}
_SHARED_QUOTA = {"SendEvent": "SendMessage"}


class Quotas:
    """The throttling quotas of each Connect instance. They are disabled by default.

    Attributes:
        limits: The requests per second and the burst, by operation. Tests can change them.
            SendEvent shares the quota of SendMessage. An operation without an entry is never
            throttled.
    """

    def __init__(self, clock: Clock) -> None:
        self.limits = dict(_LIMITS)
        self._clock = clock
        self._lock = Lock()
        self._enabled = self._real_time = False
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def enable(self, *, real_time: bool = False) -> None:
        """Throttle the requests of each instance from now on.

        Args:
            real_time: Whether the buckets also refill while the test runs. By default they
                refill only when the fake's clock is advanced, which skipped sleeps do, so that
                the result does not depend on the machine's speed.
        """
        with self._lock:
            self._enabled, self._real_time = True, real_time
            self._buckets.clear()

    def disable(self) -> None:
        """Stop throttling."""
        with self._lock:
            self._enabled = False

    def allow_request(self, instance_id: str, operation: str) -> bool:
        """Return whether an instance may send another request, and count it if so."""
        quota = _SHARED_QUOTA.get(operation, operation)
        with self._lock:
            if not self._enabled or quota not in self.limits:
                return True
            rate, burst = self.limits[quota]
            now = self._clock.now().timestamp() if self._real_time else self._clock.offset_seconds
            tokens, updated_at = self._buckets.get((instance_id, quota), (float(burst), now))
            tokens = min(float(burst), tokens + (now - updated_at) * rate)
            allowed = tokens >= 1
            self._buckets[instance_id, quota] = (tokens - allowed, now)
            return allowed
