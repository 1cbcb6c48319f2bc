"""Chats, their participants and their attachments."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode
from uuid import uuid4

from botocore.loaders import create_loader
from moto.core.base_backend import BackendDict, BaseBackend
from moto.s3.models import s3_backends

from attach_confirm_stubs._attachment import FakeAttachment
from attach_confirm_stubs._clock import Clock
from attach_confirm_stubs._faults import Faults
from attach_confirm_stubs._quotas import Quotas
from attach_confirm_stubs._scanner import Scanner
from attach_confirm_stubs.fake import _limits, _transcript, exceptions
from attach_confirm_stubs.fake._assumptions import Assumptions
from attach_confirm_stubs.fake._chat import (
    Answered,
    Attachment,
    Chat,
    Connection,
    Participant,
    new_token,
)
from attach_confirm_stubs.fake._history import History
from attach_confirm_stubs.fake._transcript import EVENT, Item
from attach_confirm_stubs.fake._urls import Signed, SignedUrls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from moto.s3.models import FakeKey, S3Backend

    from attach_confirm_stubs.fake._http import Request

T = TypeVar("T")

# Time is one for all accounts and regions, as it is for botocore's pauses.
clock = Clock()


class ConnectParticipantBackend(BaseBackend):
    """The service in one account and region."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.lock = RLock()
        self.clock = clock
        self.instance_id = str(uuid4())
        self.bucket = f"connect-attachments-{account_id}-{region_name}"
        self.chats: dict[str, Chat] = {}
        self.participants: dict[str, Participant] = {}
        self.connections: dict[str, Connection] = {}
        self.attachments: dict[str, Attachment] = {}
        self.chats_started: dict[tuple[str, str], Participant] = {}
        self.views: dict[str, dict[str, Any]] = {}
        self.sessions: dict[str, tuple[Participant, datetime]] = {}
        self.transcript: list[Item] = []
        self.urls_given = SignedUrls()
        self.assumptions = Assumptions()
        self.faults = Faults()
        self.history = History()
        self.quotas = Quotas(clock)
        self.scanner = Scanner()

    def reset(self) -> None:
        """Forget everything, and go back to the machine's time."""
        super().reset()
        clock.reset()

    @property
    def s3(self) -> S3Backend:
        """The S3 of moto in the same account."""
        return s3_backends[self.account_id][self.partition]

    def start_chat(
        self,
        *,
        instance_id: str | None = None,
        duration: timedelta = _limits.CHAT_DURATION,
        content_types: frozenset[str] = _limits.MESSAGES,
    ) -> Chat:
        """Start a chat."""
        chat = Chat(
            str(uuid4()),
            instance_id or self.instance_id,
            clock.now() + duration,
            content_types,
        )
        self.chats[chat.contact_id] = chat
        return chat

    def chat(self, contact_id: str) -> Chat:
        """Return the chat of a contact.

        Raises:
            ValueError: There is none.
        """
        if contact_id not in self.chats:
            raise ValueError(f"there is no chat of the contact {contact_id!r}")
        return self.chats[contact_id]

    def add_participant(
        self, chat: Chat, role: str = "CUSTOMER", display_name: str = "Customer"
    ) -> Participant:
        """Add a participant to a chat."""
        participant = Participant(chat, role, display_name, new_token(), clock.now())
        self.participants[participant.token] = participant
        return participant

    def create_participant_connection(
        self, participant_token: str, *, join: bool = False
    ) -> tuple[str, datetime]:
        """Connect a participant, and return the connection token and when it expires.

        Args:
            participant_token: Theirs.
            join: Whether to tell the chat.
        """
        with self.lock:
            now, participant = clock.now(), self.participants.get(participant_token)
            if participant is None or participant.left or participant.chat.ends_at <= now:
                raise exceptions.AccessDenied
            if (
                not participant.connected
                and participant.created_at + _limits.TIME_TO_CONNECT <= now
            ):
                raise exceptions.AccessDenied
            participant.connected = True
            if join and not participant.joined and self.assumptions.joined_item:
                participant.joined = True
                self.say(participant, "EVENT", ContentType=f"{EVENT}participant.joined")
            token, expires_at = new_token(), now + _limits.CONNECTION_LIFETIME
            self.connections[token] = Connection(participant, expires_at)
            return token, expires_at

    def websocket(self, connection_token: str) -> tuple[str, datetime]:
        """Return the URL of a connection's websocket, and until when it can be opened."""
        host = f"chat.transport.connect.{self.region_name}.amazonaws.com"
        return (
            f"wss://{host}/chat?token={connection_token}",
            clock.now() + _limits.WEBSOCKET_LIFETIME,
        )

    def disconnect_participant(self, params: Mapping[str, Any]) -> None:
        """Let a participant leave their chat."""

        def leave(participant: Participant) -> None:
            participant.left = True
            self.say(participant, "EVENT", ContentType=f"{EVENT}participant.left")
            if participant.role == "CUSTOMER" and self.assumptions.chat_ends_with_customer:
                self.say(participant, "EVENT", ContentType=f"{EVENT}chat.ended")
                participant.chat.ends_at = clock.now()

        self._once("DisconnectParticipant", params, leave)

    def say(self, participant: Participant, kind: str, **members: Any) -> Item:
        """Add an item to the transcript of a participant's chat."""
        said = _transcript.item(participant, kind, clock.now(), **members)
        participant.chat.items.append(said)
        self.transcript.append(said)
        return said

    def send_message(self, params: Mapping[str, Any]) -> Item:
        """Say something."""

        def say(participant: Participant) -> Item:
            kind, content = params["ContentType"], params["Content"]
            if kind not in participant.chat.content_types:
                raise exceptions.Invalid(f"The chat does not support the ContentType {kind}.")
            if len(content.encode("utf-8", "replace")) > _limits.MESSAGE_BYTES:
                raise exceptions.Invalid(f"Content must not exceed {_limits.MESSAGE_BYTES} bytes.")
            return self.say(participant, "MESSAGE", ContentType=kind, Content=content)

        return self._once("SendMessage", params, say)

    def send_event(self, params: Mapping[str, Any]) -> Item:
        """Tell the others that someone types, or got or read a message."""

        def tell(participant: Participant) -> Item:
            kind = params["ContentType"]
            if kind not in _limits.EVENTS:
                raise exceptions.Invalid(f"There is no event of the ContentType {kind}.")
            if kind in _limits.RECEIPTS:
                self._receive(participant, params.get("Content") or "", _limits.RECEIPTS[kind])
            if kind == f"{EVENT}typing" and self.assumptions.typing_item:
                return self.say(participant, "EVENT", ContentType=kind)
            return _transcript.item(participant, "EVENT", clock.now(), ContentType=kind)

        return self._once("SendEvent", params, tell)

    def get_transcript(self, params: Mapping[str, Any]) -> tuple[str, list[Item], str | None]:
        """Return the contact id, one page of the transcript, and the next page's token."""
        with self.lock:
            chat = self._connected(params["ConnectionToken"]).chat
            if params.get("ContactId", chat.contact_id) != chat.contact_id:
                _refuse(self.assumptions.other_contact, "There is no such contact in this chat.")
            self._settle()
            page = _transcript.page(chat.items, params, self.assumptions)
            return chat.contact_id, *page

    def start_attachment_upload(
        self, params: Mapping[str, Any], served_at: str | None
    ) -> Attachment:
        """Announce a file; the same ClientToken gives the same attachment."""

        def announce(participant: Participant) -> Attachment:
            self._count(participant.chat, "started")
            attachment = self._announced(participant, params, served_at)
            self.attachments[attachment.attachment_id] = attachment
            return attachment

        return self._once("StartAttachmentUpload", params, announce)

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
                _refuse(
                    self.assumptions.complete_again,
                    "An attachment with that identifier is already being uploaded.",
                )
                return
            if self._stored(attachment) is None:
                _refuse(
                    self.assumptions.complete_before_put, "The attachment has not been uploaded."
                )
            self._count(participant.chat, "completed")
            self._complete(attachment)

        self._once("CompleteAttachmentUpload", params, complete)

    def get_attachment(
        self, params: Mapping[str, Any], served_at: str | None
    ) -> tuple[Signed, Attachment]:
        """Return the URL of an approved attachment, and the attachment."""
        with self.lock:
            participant = self._connected(params["ConnectionToken"])
            if participant.role == "CUSTOM_BOT":
                raise exceptions.AccessDenied
            self._settle()
            attachment = self._of_chat(participant, params["AttachmentId"])
            if attachment.state != "APPROVED" or self._stored(attachment) is None:
                _refuse(self.assumptions.not_available, "The attachment is not available.")
            lifetime = timedelta(seconds=params.get("UrlExpiryInSeconds", 300))
            return self._signed("GET", attachment.key, {}, lifetime, served_at), attachment

    def create_view(self, content: Mapping[str, Any]) -> str:
        """Show a view, and return its token."""
        token = new_token()
        self.views[token] = dict(content)
        return token

    def describe_view(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return a view."""
        self._connected(params["ConnectionToken"])
        view = self.views.get(params["ViewToken"])
        if view is None:
            raise exceptions.ServiceError("ResourceNotFoundException", "The view was not found.")
        return view

    def start_authentication(self, connection_token: str) -> str:
        """Ask a customer to sign in, and return the session's id."""
        with self.lock:
            participant, session_id = self._connected(connection_token), str(uuid4())
            self.sessions[session_id] = participant, clock.now()
            self._authentication(participant, "initiated", session_id)
            return session_id

    def get_authentication_url(self, params: Mapping[str, Any]) -> str:
        """Return where the customer signs in."""
        with self.lock:
            _, started_at = self._session(params)
            if started_at + _limits.TIME_TO_AUTHENTICATE <= clock.now():
                raise exceptions.Invalid("The session has expired.")
        query = {"redirect_uri": params["RedirectUri"], "state": params["SessionId"]}
        host = f"connect-{self.account_id}.auth.{self.region_name}.amazoncognito.com"
        return f"https://{host}/oauth2/authorize?{urlencode(query)}"

    def cancel_participant_authentication(self, params: Mapping[str, Any]) -> None:
        """End a session."""
        with self.lock:
            participant, _ = self._session(params)
            del self.sessions[params["SessionId"]]
            self._authentication(participant, "cancelled", params["SessionId"])

    def instance_of(self, token: str | None) -> str | None:
        """Return the instance that a token is of, or None where it is not of this service."""
        if token in self.connections:
            return self.connections[token].participant.chat.instance_id
        participant = self.participants.get(token or "")
        return participant.chat.instance_id if participant else None

    def look(self) -> list[FakeAttachment]:
        """Return the attachments as a test sees them, the oldest first."""
        with self.lock:
            self._settle()
            return [self._seen(attachment) for attachment in self.attachments.values()]

    def read_transcript(self) -> list[Item]:
        """Return the items of all chats, the oldest first."""
        with self.lock:
            self._settle()
            return self.transcript

    def _connection(self, connection_token: str) -> Participant:
        connection = self.connections.get(connection_token)
        if connection is None or connection.expires_at <= clock.now():
            raise exceptions.AccessDenied
        return connection.participant

    def _connected(self, connection_token: str) -> Participant:
        """Return the participant of a connection that may still do something."""
        participant = self._connection(connection_token)
        if participant.left or participant.chat.ends_at <= clock.now():
            raise exceptions.AccessDenied
        return participant

    def _once(
        self, operation: str, params: Mapping[str, Any], act: Callable[[Participant], T]
    ) -> T:
        """Do what a request asks for, unless one with its ClientToken was answered already."""
        asked = {n: v for n, v in params.items() if n not in {"ClientToken", "ConnectionToken"}}
        request = operation, params.get("ClientToken") or str(uuid4())
        with self.lock:
            participant, now = self._connection(params["ConnectionToken"]), clock.now()
            known, assumptions = participant.answered.get(request), self.assumptions
            remembered = assumptions.client_token_lifetime
            if known and (remembered is None or now < known.time + remembered):
                if known.params != asked:
                    _refuse(assumptions.client_token_reused, "The ClientToken was used before.")
                answer: T = known.answer
                return answer
            answer = act(self._connected(params["ConnectionToken"]))
            participant.answered[request] = Answered(answer, asked, now)
            return answer

    def _receive(self, participant: Participant, content: str, time: str) -> None:
        """Note in a message's item that a participant got or read it."""
        try:
            message_id = json.loads(content)["messageId"]
        except (ValueError, TypeError, KeyError):
            raise exceptions.Invalid('Content must be {"messageId": "..."}.') from None
        for said in participant.chat.items:
            if said["Id"] == message_id and said["Type"] == "MESSAGE":
                receipts = said.setdefault("MessageMetadata", {"MessageId": message_id})
                receipt = {"RecipientParticipantId": participant.participant_id}
                theirs = receipts.setdefault("Receipts", [])
                known = [r for r in theirs if r.items() >= receipt.items()]
                if not known:
                    theirs.append(receipt)
                (known or [receipt])[0][time] = _transcript.timestamp(clock.now())
                return
        raise exceptions.Invalid("There is no message of that Id.")

    def _count(self, chat: Chat, when: str) -> None:
        """Count an attachment, if now is when it counts."""
        if self.assumptions.quota_counts == when:
            if chat.attachments >= _limits.ATTACHMENTS_PER_CHAT:
                raise exceptions.QuotaExceeded
            chat.attachments += 1

    def _announced(
        self, participant: Participant, params: Mapping[str, Any], served_at: str | None
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
            upload=self._signed("PUT", key, headers, lifetime, served_at),
        )

    def _signed(
        self,
        method: str,
        key: str,
        headers: Mapping[str, str],
        lifetime: timedelta,
        served_at: str | None,
    ) -> Signed:
        suffix = "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"
        real = f"https://{self.bucket}.s3.{self.region_name}.{suffix}/{key}"
        place, now = f"{served_at}/{self.bucket}/{key}" if served_at else real, clock.now()
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

    def _session(self, params: Mapping[str, Any]) -> tuple[Participant, datetime]:
        participant = self._connected(params["ConnectionToken"])
        session = self.sessions.get(params["SessionId"])
        if session is None or session[0] is not participant:
            raise exceptions.ServiceError(self.assumptions.unknown_session, "No such session.")
        return session

    def _authentication(self, participant: Participant, what: str, session_id: str) -> None:
        content = json.dumps({"SessionId": session_id})
        kind = f"{EVENT}authentication.{what}"
        self.say(participant, "EVENT", ContentType=kind, Content=content)


def backends() -> Iterator[ConnectParticipantBackend]:
    """Yield the service of each account and region where it is in use."""
    for regions in list(connectparticipant_backends.values()):
        yield from list(regions.values())


def _refuse(code: str | None, message: str) -> None:
    if code is not None:
        raise exceptions.ServiceError(code, message)


def _metadata(headers: Mapping[str, str]) -> dict[str, str]:
    kept = ("content-", "x-amz-meta-")
    names = [name for name in headers if name.lower().startswith(kept)]
    return {name.lower(): headers[name] for name in names if name != "Content-Length"}


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
