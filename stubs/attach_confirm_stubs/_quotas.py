"""How many requests a second an instance takes."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attach_confirm_stubs._clock import Clock

# Requests a second and the burst, per instance. Source: the participant service's throttling
# quotas in the Amazon Connect administrator guide.
_SENDING = ("SendMessage", "SendEvent")
LIMITS: dict[tuple[str, ...], tuple[float, int]] = {
    ("CreateParticipantConnection",): (6, 9),
    ("StartAttachmentUpload",): (2, 5),
    ("CompleteAttachmentUpload",): (2, 5),
    ("GetAttachment",): (8, 12),
    ("GetTranscript",): (8, 12),
    ("DisconnectParticipant",): (3, 5),
    _SENDING: (10, 15),
}


class Quotas:
    """The throttling quotas of the service, as token buckets. They are off until `enable`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._enabled = self._real_time = False
        self._buckets: dict[tuple[str, tuple[str, ...]], tuple[float, float]] = {}

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

    def admits(self, instance_id: str, operation: str) -> bool:
        """Tell whether an instance takes one request more, and count it if so."""
        group = next((group for group in LIMITS if operation in group), None)
        if group is None:
            return True
        rate, burst = LIMITS[group]
        with self._lock:
            if not self._enabled:
                return True
            now = self._clock.now().timestamp() if self._real_time else self._clock.advanced
            left, since = self._buckets.get((instance_id, group), (float(burst), now))
            left = min(float(burst), left + (now - since) * rate)
            admitted = left >= 1
            self._buckets[instance_id, group] = (left - admitted, now)
            return admitted
