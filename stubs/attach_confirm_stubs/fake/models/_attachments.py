"""Attachments: from their announcement to the verdict."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from moto.s3.models import s3_backends

from attach_confirm_stubs.fake import _limits, exceptions
from attach_confirm_stubs.fake._presigned_urls import PresignedUrl, PresignedUrls
from attach_confirm_stubs.fake._scanner import Scanner
from attach_confirm_stubs.fake.models import _transcript
from attach_confirm_stubs.fake.models._chats import Chats, clock, refuse
from attach_confirm_stubs.fake.models._entities import Attachment, Chat, Participant
from attach_confirm_stubs.fake.models._snapshot import FakeAttachment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from moto.s3.models import FakeKey, S3Backend

    from attach_confirm_stubs.fake._http import Request
    from attach_confirm_stubs.fake.models._entities import Item


class Attachments(Chats):
    """The chats of one account and region, with their attachments."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.bucket = f"connect-attachments-{account_id}-{region_name}"
        self.attachments: dict[str, Attachment] = {}
        self.urls_given = PresignedUrls()
        self.scanner = Scanner()

    @property
    def s3(self) -> S3Backend:
        """The S3 of moto in the same account."""
        return s3_backends[self.account_id][self.partition]

    def start_attachment_upload(
        self, params: Mapping[str, Any], base_url: str | None
    ) -> Attachment:
        """Announce a file; the same ClientToken gives the same attachment."""

        def announce(participant: Participant) -> Attachment:
            self._count(participant.chat, "started")
            attachment = self._announced(participant, params, base_url)
            self.attachments[attachment.attachment_id] = attachment
            return attachment

        return self.once("StartAttachmentUpload", params, announce)

    def put_object(self, attachment_id: str, request: Request) -> str:
        """Store the bytes of a PUT, and return their ETag.

        Raises:
            exceptions.S3Error: S3 would refuse it.
        """
        with self.lock:
            signed = self.urls_given.find(request.url)
            signed.check(request, clock.now())
            if self.bucket not in self.s3.buckets:
                raise exceptions.S3Error("NoSuchBucket", "The specified bucket does not exist")
            attachment = self.attachments[attachment_id]
            stored = self.s3.put_object(self.bucket, f"staging/{attachment_id}", request.body)
            stored.set_metadata(_metadata(signed.headers))
            if attachment.state == "STARTED":
                attachment.state = "UPLOADED"
            return str(stored.etag)

    def get_object(self, key: str, request: Request) -> FakeKey | None:
        """Return what a pre-signed GET asks for, or None where it is not there.

        Raises:
            exceptions.S3Error: S3 would refuse it.
        """
        self.urls_given.find(request.url).check(request, clock.now())
        return self.s3.get_object(self.bucket, key)

    def complete_attachment_upload(self, params: Mapping[str, Any]) -> None:
        """Confirm an attachment: move its bytes to their place and tell the chat."""
        (attachment_id,) = params["AttachmentIds"]

        def complete(participant: Participant) -> None:
            self._settle()
            attachment = self._of_chat(participant, attachment_id)
            if attachment.state not in {"STARTED", "UPLOADED"}:
                refuse(
                    self.assumptions.complete_again,
                    "An attachment with that identifier is already being uploaded.",
                )
                return
            if self._stored(attachment) is None:
                refuse(
                    self.assumptions.complete_before_put, "The attachment has not been uploaded."
                )
            self._count(participant.chat, "completed")
            self._complete(attachment)

        self.once("CompleteAttachmentUpload", params, complete)

    def get_attachment(
        self, params: Mapping[str, Any], base_url: str | None
    ) -> tuple[PresignedUrl, Attachment]:
        """Return the URL of an approved attachment, and the attachment."""
        with self.lock:
            participant = self.connected(params["ConnectionToken"])
            if participant.role == "CUSTOM_BOT":
                raise exceptions.AccessDeniedException
            self._settle()
            attachment = self._of_chat(participant, params["AttachmentId"])
            if attachment.state != "APPROVED" or self._stored(attachment) is None:
                refuse(self.assumptions.not_available, "The attachment is not available.")
            lifetime = timedelta(seconds=params.get("UrlExpiryInSeconds", 300))
            return self._signed("GET", attachment.key, {}, lifetime, base_url), attachment

    def get_transcript(self, params: Mapping[str, Any]) -> tuple[str, list[Item], str | None]:
        """Return the contact id, one page of the transcript, and the next page's token."""
        with self.lock:
            chat = self.connected(params["ConnectionToken"]).chat
            if params.get("ContactId", chat.contact_id) != chat.contact_id:
                refuse(self.assumptions.other_contact, "There is no such contact in this chat.")
            self._settle()
            page = _transcript.page(chat.items, params, self.assumptions)
            return chat.contact_id, *page

    def list_attachments(self) -> list[FakeAttachment]:
        """Return the attachments as a test sees them, the oldest first."""
        with self.lock:
            self._settle()
            return [self._seen(attachment) for attachment in self.attachments.values()]

    def all_items(self) -> list[Item]:
        """Return the items of all chats, the oldest first."""
        with self.lock:
            self._settle()
            return self.transcript

    def _count(self, chat: Chat, when: str) -> None:
        """Count an attachment, if now is when it counts."""
        if self.assumptions.quota_counts == when:
            if chat.attachment_count >= _limits.ATTACHMENTS_PER_CHAT:
                raise exceptions.ServiceQuotaExceededException
            chat.attachment_count += 1

    def _announced(
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
        key, lifetime = f"staging/{attachment_id}", self.assumptions.upload_url_lifetime
        return Attachment(
            attachment_id=attachment_id,
            name=params["AttachmentName"],
            content_type=params["ContentType"],
            size=params["AttachmentSizeInBytes"],
            participant=participant,
            key=key,
            upload_url=self._signed("PUT", key, headers, lifetime, base_url),
        )

    def _signed(
        self,
        method: str,
        key: str,
        headers: Mapping[str, str],
        lifetime: timedelta,
        base_url: str | None,
    ) -> PresignedUrl:
        suffix = "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"
        real = f"https://{self.bucket}.s3.{self.region_name}.{suffix}/{key}"
        place, now = f"{base_url}/{self.bucket}/{key}" if base_url else real, clock.now()
        return self.urls_given.sign(
            method,
            place,
            headers,
            region_name=self.region_name,
            now=now,
            expires_at=now + lifetime,
        )

    def _of_chat(self, participant: Participant, attachment_id: str) -> Attachment:
        attachment = self.attachments.get(attachment_id)
        if attachment is None:
            message = "There is no attachment with that identifier."
            raise exceptions.ServiceError(self.assumptions.unknown_id, message)
        if attachment.participant.chat is not participant.chat:
            raise exceptions.ServiceError(self.assumptions.other_chat, "Access denied")
        return attachment

    def _complete(self, attachment: Attachment) -> None:
        staged, final = self._stored(attachment), f"final/{attachment.attachment_id}"
        if staged is not None:
            self.s3.copy_object(staged, self.bucket, final)
            self.s3.delete_object(self.bucket, attachment.key)
        attachment.key, attachment.completed_at = final, clock.now()
        attachment.state = "IN_PROGRESS"
        shown = {
            "AttachmentId": attachment.attachment_id,
            "AttachmentName": attachment.name,
            "ContentType": attachment.content_type,
            "Status": attachment.state,
        }
        attachment.item = self.say(attachment.participant, "ATTACHMENT", Attachments=[shown])
        self._settle()

    def _settle(self) -> None:
        """Give the verdicts that are due."""
        for attachment in self.attachments.values():
            if attachment.state == "IN_PROGRESS" and attachment.completed_at:
                seconds = (clock.now() - attachment.completed_at).total_seconds()
                verdict = self.scanner.verdict(partial(self._seen, attachment), seconds)
                attachment.state = attachment.item["Attachments"][0]["Status"] = verdict
                if verdict == "REJECTED":
                    self.s3.delete_object(self.bucket, attachment.key)
                    if not self.assumptions.rejected_item:
                        del attachment.item["Attachments"]

    def _seen(self, attachment: Attachment) -> FakeAttachment:
        stored = self._stored(attachment)
        seen = FakeAttachment(
            attachment_id=attachment.attachment_id,
            name=attachment.name,
            content_type=attachment.content_type,
            size=attachment.size,
            data=b"",
            state=attachment.state,
        )
        if stored is None:
            return seen
        return replace(
            seen,
            data=stored.value,
            stored_content_type=stored.metadata.get("content-type"),
            stored_size=stored.size,
        )

    def _stored(self, attachment: Attachment) -> FakeKey | None:
        there = self.bucket in self.s3.buckets
        return self.s3.get_object(self.bucket, attachment.key) if there else None


def _metadata(headers: Mapping[str, str]) -> dict[str, str]:
    kept = ("content-", "x-amz-meta-")
    names = [name for name in headers if name.lower().startswith(kept)]
    return {name.lower(): headers[name] for name in names if name != "Content-Length"}
