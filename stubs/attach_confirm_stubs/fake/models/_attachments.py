"""Attachments, from the start of the upload to the scanner's verdict."""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from attach_confirm_stubs.fake import _limits, _patterns, exceptions
from attach_confirm_stubs.fake._clock import clock
from attach_confirm_stubs.fake._presigned_urls import PresignedUrl, PresignedUrls
from attach_confirm_stubs.fake.models._entities import Attachment, Chat, Participant
from attach_confirm_stubs.fake.models._idempotency import raise_if_set
from attach_confirm_stubs.fake.models._verdicts import VerdictsBackend

if TYPE_CHECKING:
    from collections.abc import Mapping

    from moto.s3.models import FakeKey

    from attach_confirm_stubs.fake._http import Request
    from attach_confirm_stubs.fake.models._snapshot import FakeAttachment


class AttachmentsBackend(VerdictsBackend):
    """The attachments of one account and region. moto's S3 stores their bytes.

    Attributes:
        attachments: The attachments, by attachment ID.
        presigned_urls: The presigned URLs of uploads and downloads.
    """

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.attachments: dict[str, Attachment] = {}
        self.presigned_urls = PresignedUrls()

    def start_attachment_upload(
        self, params: Mapping[str, Any], base_url: str | None
    ) -> Attachment:
        """Start an upload.

        Args:
            params: The request's parameters.
            base_url: The URL of the served fake, or None for URLs at AWS.
        """

        def start(participant: Participant) -> Attachment:
            if not self.assumptions.allows_attachment(
                params["AttachmentName"], params["AttachmentSizeInBytes"]
            ):
                raise_if_set(
                    self.assumptions.invalid_attachment,
                    "The instance does not allow the attachment's size or extension.",
                )
            self._count_against_quota(participant.chat, "started")
            attachment = self._new_attachment(participant, params, base_url)
            self.attachments[attachment.attachment_id] = attachment
            participant.chat.attachments.append(attachment)
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

    def get_object(self, key: str, request: Request) -> tuple[FakeKey, dict[str, str]]:
        """Return the object of a presigned GET, and the headers of the response.

        Raises:
            exceptions.S3Error: S3 rejects the request, or the object was deleted.
        """
        url = self.presigned_urls.get(request.url)
        url.verify(request, clock.now())
        stored = self.s3.get_object(self.bucket, key)
        if stored is None:
            raise exceptions.S3Error("NoSuchKey", "The specified key does not exist.", Key=key)
        return stored, {**dict(stored.metadata.items()), **url.response_headers}

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
            if self.get_stored_object(attachment) is None:
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
            if attachment.state != "APPROVED" or self.get_stored_object(attachment) is None:
                code, message = self.assumptions.not_available, "The attachment is not available."
                raise exceptions.ServiceError(code, message)
            seconds = params.get("UrlExpiryInSeconds")
            lifetime = timedelta(seconds=seconds) if seconds else _limits.DOWNLOAD_URL_LIFETIME
            download_url = self._presign(
                "GET",
                attachment.key,
                {},
                lifetime,
                base_url,
                response_headers=_download_headers(params, attachment),
            )
            return download_url, attachment

    def list_attachments(
        self, chat: Chat | None = None, *, with_data: bool = True
    ) -> list[FakeAttachment]:
        """Return snapshots of the attachments, oldest first.

        Args:
            chat: The chat, or None for all chats.
            with_data: Whether to read the stored bytes; otherwise `data` is empty.
        """
        with self.lock:
            self.apply_due_verdicts()
            attachments = self.attachments.values() if chat is None else chat.attachments
            return [self.snapshot(attachment, with_data=with_data) for attachment in attachments]

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
            started_at=clock.now(),
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
        *,
        response_headers: Mapping[str, str] = MappingProxyType({}),
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
            response_headers,
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
        staged = self.get_stored_object(attachment)
        final_key = _patterns.final_key(attachment.attachment_id)
        if staged is not None:
            self.s3.copy_object(staged, self.bucket, final_key)
            self.s3.delete_object(self.bucket, attachment.key)
        attachment.key = final_key
        self.request_verdict(attachment)


def _download_headers(params: Mapping[str, Any], attachment: Attachment) -> dict[str, str]:
    """Return the headers that a download URL sets in S3's response."""
    if params.get("UrlContentDisposition") != "INLINE":
        return {}
    _, _, file_name = attachment.upload_url.headers["Content-Disposition"].partition(";")
    return {"content-disposition": f"inline;{file_name}"}


def _object_metadata(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that S3 stores with an object."""
    prefixes = ("content-", "x-amz-meta-")
    names = [name for name in headers if name.lower().startswith(prefixes)]
    return {name.lower(): headers[name] for name in names if name != "Content-Length"}
