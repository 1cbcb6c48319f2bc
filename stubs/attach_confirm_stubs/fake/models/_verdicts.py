"""The verdicts of the attachment scanner, and the bytes of the attachments in moto's S3."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

from moto.s3.models import s3_backends

from attach_confirm_stubs.fake import _patterns, _wakeups
from attach_confirm_stubs.fake._clock import clock
from attach_confirm_stubs.fake.models import _transcript
from attach_confirm_stubs.fake.models._base import ParticipantsBackend
from attach_confirm_stubs.fake.models._snapshot import FakeAttachment

if TYPE_CHECKING:
    from datetime import datetime

    from moto.s3.models import FakeKey, S3Backend

    from attach_confirm_stubs.fake.models._entities import Attachment, Chat, Item
    from attach_confirm_stubs.fake.models._scanner import Scanner, Verdict

# 100 years, because datetime cannot represent years above 9999.
_MAX_DELAY_SECONDS = 100 * 365 * 86_400


class VerdictsBackend(ParticipantsBackend):
    """The confirmed attachments of one account and region.

    Attributes:
        bucket: The name of the S3 bucket.
    """

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.bucket = _patterns.bucket_name(account_id, region_name)
        # The confirmed attachments without a verdict, with the number and time of the confirmation.
        self._awaiting_verdict: dict[Attachment, tuple[int, datetime]] = {}
        # A heap of the verdicts' times, with the numbers of the confirmations.
        self._verdicts: list[tuple[datetime, int, Attachment, Verdict]] = []
        self._scheduled_with: tuple[Scanner, int] | None = None
        self._confirmation_numbers = count()
        self._is_applying_verdicts = False

    @property
    def s3(self) -> S3Backend:
        """Moto's S3 backend in the same account."""
        return s3_backends[self.account_id][self.partition]

    def request_verdict(self, attachment: Attachment) -> None:
        """Pass a confirmed attachment to the scanner."""
        attachment.state = "IN_PROGRESS"
        if self.assumptions.item_appears == "completed":
            self._add_attachment_item(attachment)
        self._awaiting_verdict[attachment] = next(self._confirmation_numbers), clock.now()
        if not self.scanner.has_predicates:
            self._schedule_verdict(attachment)
        self.apply_due_verdicts()
        _wakeups.wake_all()

    def apply_due_verdicts(self) -> None:
        """Apply the scanner's verdicts whose time has come, in the order of their times."""
        if self._is_applying_verdicts:
            # A predicate of the scanner reads the attachments.
            return
        self._is_applying_verdicts = True
        try:
            scanner = self.scanner
            if scanner.has_predicates or (scanner, scanner.version) != self._scheduled_with:
                self._scheduled_with = scanner, scanner.version
                self._verdicts.clear()
                for attachment in self._awaiting_verdict:
                    self._schedule_verdict(attachment)
            while self._verdicts and self._verdicts[0][0] <= clock.now():
                _, _, attachment, verdict = heappop(self._verdicts)
                del self._awaiting_verdict[attachment]
                self._apply_verdict(attachment, verdict)
        finally:
            self._is_applying_verdicts = False

    def next_verdict_at(self) -> datetime | None:
        """Return the time of the next verdict, or None if none is due without a new rule."""
        with self.lock:
            self.apply_due_verdicts()
            return self._verdicts[0][0] if self._verdicts else None

    def append(
        self, chat: Chat, item: Item, *, notify: bool = True, is_reply: bool = False
    ) -> Item:
        """Add an item to a chat's transcript, after the items that due verdicts add."""
        self.apply_due_verdicts()
        return super().append(chat, item, notify=notify, is_reply=is_reply)

    def _schedule_verdict(self, attachment: Attachment) -> None:
        verdict, seconds = self.scanner.decide(partial(self.snapshot, attachment))
        if not self.assumptions.allows_attachment(attachment.name, attachment.size):
            verdict, seconds = "REJECTED", 0.0
        if verdict == "IN_PROGRESS":
            return
        timeout = self.assumptions.scanner_timeout
        delay = timedelta(seconds=min(seconds, _MAX_DELAY_SECONDS))
        if timeout is not None and delay > timeout:
            verdict, delay = "REJECTED", timeout
        number, completed_at = self._awaiting_verdict[attachment]
        heappush(self._verdicts, (completed_at + delay, number, attachment, verdict))

    def _apply_verdict(self, attachment: Attachment, verdict: Verdict) -> None:
        attachment.state = verdict
        if not attachment.item:
            self._add_attachment_item(attachment)
        attachment.item["Attachments"][0]["Status"] = verdict
        if verdict == "REJECTED":
            self.s3.delete_object(self.bucket, attachment.key)
            if not self.assumptions.rejected_item:
                del attachment.item["Attachments"]
        self.notify(attachment.participant.chat, attachment.item)

    def _add_attachment_item(self, attachment: Attachment) -> None:
        transcript_attachment = {
            "AttachmentId": attachment.attachment_id,
            "AttachmentName": attachment.name,
            "ContentType": attachment.content_type,
            "Status": attachment.state,
        }
        chat, now = attachment.participant.chat, clock.now()
        attachment.item = _transcript.new_item(
            chat, "ATTACHMENT", now, attachment.participant, Attachments=[transcript_attachment]
        )
        self.append(chat, attachment.item, notify=False)

    def snapshot(self, attachment: Attachment, *, with_data: bool = True) -> FakeAttachment:
        """Return a snapshot of an attachment.

        Args:
            attachment: The attachment.
            with_data: Whether to read the stored bytes; otherwise `data` is empty.
        """
        snapshot = FakeAttachment(
            attachment_id=attachment.attachment_id,
            name=attachment.name,
            content_type=attachment.content_type,
            size=attachment.size,
            data=b"",
            state=attachment.state,
        )
        stored = self.get_stored_object(attachment)
        if stored is None:
            return snapshot
        return replace(
            snapshot,
            data=stored.value if with_data else b"",
            stored_content_type=stored.metadata.get("content-type"),
            stored_size=stored.size,
        )

    def get_stored_object(self, attachment: Attachment) -> FakeKey | None:
        """Return the object with the bytes of an attachment, or None if there is none."""
        if self.bucket not in self.s3.buckets:
            return None
        return self.s3.get_object(self.bucket, attachment.key)
