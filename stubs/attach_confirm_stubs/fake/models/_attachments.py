"""Attachments, from the start of the upload to the scanner's verdict."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from moto.s3.models import s3_backends

from attach_confirm_stubs.fake import _limits, _patterns, exceptions
from attach_confirm_stubs.fake._clock import clock
from attach_confirm_stubs.fake._presigned_urls import PresignedUrl, PresignedUrls
from attach_confirm_stubs.fake.models import _transcript
from attach_confirm_stubs.fake.models._base import ParticipantsBackend, raise_if_set
from attach_confirm_stubs.fake.models._entities import Attachment, Chat, Participant
from attach_confirm_stubs.fake.models._scanner import Scanner
from attach_confirm_stubs.fake.models._snapshot import FakeAttachment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from moto.s3.models import FakeKey, S3Backend

    from attach_confirm_stubs.fake._http import Request
    from attach_confirm_stubs.fake.models._entities import Item
    from attach_confirm_stubs.fake.models._scanner import Verdict


class AttachmentsBackend(ParticipantsBackend):
    """The attachments of one account and region. moto's S3 stores their bytes.

    Attributes:
        bucket: The name of the S3 bucket.
        attachments: The attachments, by attachment ID.
        presigned_urls: The presigned URLs of uploads and downloads.
        scanner: The attachment scanner.
    """

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.bucket = _patterns.bucket_name(account_id, region_name)
        self.attachments: dict[str, Attachment] = {}
        # The confirmed attachments that have no verdict yet, with the times of the confirmations.
        self._undecided: dict[Attachment, datetime] = {}
        self._is_applying_verdicts = False
        self.presigned_urls = PresignedUrls()
        self.scanner = Scanner()

    @property
    def s3(self) -> S3Backend:
        """Moto's S3 backend in the same account."""
        return s3_backends[self.account_id][self.partition]

    def start_attachment_upload(
        self, params: Mapping[str, Any], base_url: str | None
    ) -> Attachment:
        """Start an upload.

        Args:
            params: The request's parameters.
            base_url: The URL of the served fake, or None for URLs at AWS.
        """

        def start(participant: Participant) -> Attachment:
            self._count_against_quota(participant.chat, "started")
            attachment = self._new_attachment(participant, params, base_url)
            self.attachments[attachment.attachment_id] = attachment
            return attachment

        def start_again(attachment: Attachment) -> None:
            code = self.assumptions.start_again
            if code == "fresh_url":
                attachment.upload_url = self._presign_put(
                    attachment.attachment_id, attachment.upload_url.headers, base_url
                )
            elif code != "same_url":
                raise exceptions.ServiceError(code, "The ClientToken was used before.")

        return self.run_idempotent("StartAttachmentUpload", params, start, repeat=start_again)

    def put_object(self, attachment_id: str, request: Request) -> str:
        """Store the bytes of a PUT, and return their ETag.

        Raises:
            exceptions.S3Error: S3 rejects the request.
        """
        upload_url = self.presigned_urls.get(request.url)
        upload_url.verify(request, clock.now())
        # Outside of the lock, because a client may send the body slowly.
        data = request.body
        with self.lock:
            if self.bucket not in self.s3.buckets:
                raise exceptions.S3Error("NoSuchBucket", "The specified bucket does not exist")
            key = _patterns.staging_key(attachment_id)
            stored = self.s3.put_object(self.bucket, key, data)
            stored.set_metadata(_object_metadata(upload_url.headers))
            attachment = self.attachments[attachment_id]
            if attachment.state == "STARTED":
                attachment.state = "UPLOADED"
            return str(stored.etag)

    def get_object(self, key: str, request: Request) -> FakeKey | None:
        """Return the object of a presigned GET, or None if it was deleted.

        Raises:
            exceptions.S3Error: S3 rejects the request.
        """
        self.presigned_urls.get(request.url).verify(request, clock.now())
        return self.s3.get_object(self.bucket, key)

    def complete_attachment_upload(self, params: Mapping[str, Any]) -> None:
        """Confirm an upload, and move the bytes to the final key."""
        (attachment_id,) = params["AttachmentIds"]

        def complete(participant: Participant) -> None:
            self.apply_due_verdicts()
            attachment = self._get_chat_attachment(participant, attachment_id)
            if attachment.state not in {"STARTED", "UPLOADED"}:
                raise_if_set(
                    self.assumptions.complete_again,
                    "An attachment with that identifier is already being uploaded.",
                )
                return
            if self._get_stored_object(attachment) is None:
                raise_if_set(
                    self.assumptions.complete_before_put, "The attachment has not been uploaded."
                )
            self._count_against_quota(participant.chat, "completed")
            self._complete(attachment)

        self.run_idempotent("CompleteAttachmentUpload", params, complete)

    def get_attachment(
        self, params: Mapping[str, Any], base_url: str | None
    ) -> tuple[PresignedUrl, Attachment]:
        """Return the download URL of an approved attachment, and the attachment.

        Args:
            params: The request's parameters.
            base_url: The URL of the served fake, or None for URLs at AWS.
        """
        with self.lock:
            participant = self.require_connected(params["ConnectionToken"])
            if participant.role == "CUSTOM_BOT":
                raise exceptions.AccessDeniedException
            self.apply_due_verdicts()
            attachment = self._get_chat_attachment(participant, params["AttachmentId"])
            if attachment.state != "APPROVED" or self._get_stored_object(attachment) is None:
                code, message = self.assumptions.not_available, "The attachment is not available."
                raise exceptions.ServiceError(code, message)
            seconds = params.get("UrlExpiryInSeconds")
            lifetime = timedelta(seconds=seconds) if seconds else _limits.DOWNLOAD_URL_LIFETIME
            return self._presign("GET", attachment.key, {}, lifetime, base_url), attachment

    def list_attachments(self) -> list[FakeAttachment]:
        """Return snapshots of all attachments, oldest first."""
        with self.lock:
            self.apply_due_verdicts()
            return [self._snapshot(attachment) for attachment in self.attachments.values()]

    def apply_due_verdicts(self) -> None:
        """Apply the scanner's verdicts whose time has come."""
        if self._is_applying_verdicts:
            # A predicate of the scanner reads the attachments.
            return
        self._is_applying_verdicts = True
        try:
            for attachment, completed_at in list(self._undecided.items()):
                elapsed_seconds = (clock.now() - completed_at).total_seconds()
                get_snapshot = partial(self._snapshot, attachment)
                verdict = self.scanner.verdict(get_snapshot, elapsed_seconds)
                if verdict != "IN_PROGRESS":
                    del self._undecided[attachment]
                    self._apply_verdict(attachment, verdict)
        finally:
            self._is_applying_verdicts = False

    def append(
        self, chat: Chat, item: Item, *, notify: bool = True, is_reply: bool = False
    ) -> Item:
        """Add an item to a chat's transcript, after the items that due verdicts add."""
        self.apply_due_verdicts()
        return super().append(chat, item, notify=notify, is_reply=is_reply)

    def _count_against_quota(self, chat: Chat, event: str) -> None:
        """Count an attachment towards the chat's quota, if `quota_counts` names this event."""
        if self.assumptions.quota_counts == event:
            if chat.attachment_count >= _limits.ATTACHMENTS_PER_CHAT:
                raise exceptions.ServiceQuotaExceededException
            chat.attachment_count += 1

    def _new_attachment(
        self, participant: Participant, params: Mapping[str, Any], base_url: str | None
    ) -> Attachment:
        if self.bucket not in self.s3.buckets:
            self.s3.create_bucket(self.bucket, self.region_name)
        attachment_id, contact_id = str(uuid4()), participant.chat.contact_id
        headers = {
            "x-amz-meta-contact_id": contact_id,
            "x-amz-meta-initial_contact_id": contact_id,
            "x-amz-acl": "bucket-owner-full-control",
            "Content-Disposition": self.assumptions.content_disposition(params["AttachmentName"]),
            "x-amz-meta-account_id": self.account_id,
            "Content-Length": str(params["AttachmentSizeInBytes"]),
            "Content-Type": params["ContentType"],
            "x-amz-meta-organization_id": participant.chat.instance_id,
        }
        return Attachment(
            attachment_id=attachment_id,
            name=params["AttachmentName"],
            content_type=params["ContentType"],
            size=params["AttachmentSizeInBytes"],
            participant=participant,
            key=_patterns.staging_key(attachment_id),
            upload_url=self._presign_put(attachment_id, headers, base_url),
        )

    def _presign_put(
        self, attachment_id: str, headers: Mapping[str, str], base_url: str | None
    ) -> PresignedUrl:
        key, lifetime = _patterns.staging_key(attachment_id), self.assumptions.upload_url_lifetime
        return self._presign("PUT", key, headers, lifetime, base_url)

    def _presign(
        self,
        method: str,
        key: str,
        headers: Mapping[str, str],
        lifetime: timedelta,
        base_url: str | None,
    ) -> PresignedUrl:
        if base_url:
            bucket_url = f"{base_url}/{self.bucket}"
        else:
            bucket_url = _patterns.bucket_url(self.bucket, self.region_name, self.partition)
        now = clock.now()
        return self.presigned_urls.create(
            method,
            f"{bucket_url}/{key}",
            headers,
            region_name=self.region_name,
            now=now,
            expires_at=now + lifetime,
        )

    def _get_chat_attachment(self, participant: Participant, attachment_id: str) -> Attachment:
        """Return an attachment of the participant's chat.

        Raises:
            exceptions.ServiceError: The ID is unknown, or belongs to another chat.
        """
        attachment = self.attachments.get(attachment_id)
        if attachment is None:
            code, message = self.assumptions.unknown_id, "The attachment was not found."
            raise exceptions.ServiceError(code, message)
        if attachment.participant.chat is not participant.chat:
            raise exceptions.ServiceError(self.assumptions.other_chat, "Access denied")
        return attachment

    def _complete(self, attachment: Attachment) -> None:
        staged = self._get_stored_object(attachment)
        final_key = _patterns.final_key(attachment.attachment_id)
        if staged is not None:
            self.s3.copy_object(staged, self.bucket, final_key)
            self.s3.delete_object(self.bucket, attachment.key)
        attachment.key, attachment.state = final_key, "IN_PROGRESS"
        if self.assumptions.item_appears == "completed":
            self._add_attachment_item(attachment)
        self._awaiting_verdict[attachment] = clock.now()
        self.apply_due_verdicts()

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

    def _snapshot(self, attachment: Attachment) -> FakeAttachment:
        snapshot = FakeAttachment(
            attachment_id=attachment.attachment_id,
            name=attachment.name,
            content_type=attachment.content_type,
            size=attachment.size,
            data=b"",
            state=attachment.state,
        )
        stored = self._get_stored_object(attachment)
        if stored is None:
            return snapshot
        return replace(
            snapshot,
            data=stored.value,
            stored_content_type=stored.metadata.get("content-type"),
            stored_size=stored.size,
        )

    def _get_stored_object(self, attachment: Attachment) -> FakeKey | None:
        if self.bucket not in self.s3.buckets:
            return None
        return self.s3.get_object(self.bucket, attachment.key)


def _object_metadata(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that S3 stores with an object."""
    prefixes = ("content-", "x-amz-meta-")
    names = [name for name in headers if name.lower().startswith(prefixes)]
    return {name.lower(): headers[name] for name in names if name != "Content-Length"}
