"""How many requests a second an instance takes."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attach_confirm_stubs.fake._clock import Clock

# Requests a second and the burst, per instance. Source: the participant service's throttling
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
_COUNTED_AS = {"SendEvent": "SendMessage"}


class Quotas:
    """The throttling quotas of the service, as token buckets. They are off until `enable`.

    Attributes:
        limits: Requests a second and the burst, by operation; an instance's own can be set. Those
            of SendMessage are for SendEvent too.
    """

    def __init__(self, clock: Clock) -> None:
        self.limits = dict(_LIMITS)
        self._clock = clock
        self._lock = Lock()
        self._enabled = self._real_time = False
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def enable(self, *, real_time: bool = False) -> None:
        """Throttle each instance's requests from now on.

        Args:
            real_time: Whether buckets fill while the test runs. If not, they fill only when the
                fake's clock is advanced, as pauses between attempts do: what is throttled
                does not depend on the machine's speed then.
        """
        with self._lock:
            self._enabled, self._real_time = True, real_time
            self._buckets.clear()

    def disable(self) -> None:
        """Let every request pass."""
        with self._lock:
            self._enabled = False

    def allow_request(self, instance_id: str, operation: str) -> bool:
        """Tell whether an instance takes one request more, and count it if so."""
        counted = _COUNTED_AS.get(operation, operation)
        with self._lock:
            if not self._enabled or counted not in self.limits:
                return True
            rate, burst = self.limits[counted]
            now = self._clock.now().timestamp() if self._real_time else self._clock.offset_seconds
            left, since = self._buckets.get((instance_id, counted), (float(burst), now))
            left = min(float(burst), left + (now - since) * rate)
            admitted = left >= 1
            self._buckets[instance_id, counted] = (left - admitted, now)
            return admitted
