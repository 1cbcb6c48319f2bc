"""Chats, their participants and their attachments."""

from __future__ import annotations

import operator
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from threading import RLock
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl, quote, urlencode, urlsplit
from uuid import uuid4

from botocore.loaders import create_loader
from botocore.utils import parse_timestamp
from moto.core.base_backend import BackendDict, BaseBackend
from moto.s3.models import s3_backends

from attach_confirm_stubs.fake import exceptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from moto.s3.models import FakeKey, S3Backend

URL_LIFETIME = timedelta(seconds=300)
WEBSOCKET_LIFETIME = timedelta(seconds=100)
CONNECTION_LIFETIME = timedelta(days=1)
ATTACHMENTS_PER_CHAT = 35
_DEFAULT_PAGE = 10
_KEY_ID = "ASIAFAKEFAKEFAKEFAKE"

State = Literal["STARTED", "UPLOADED", "IN_PROGRESS", "APPROVED", "REJECTED"]


@dataclass
class Participant:
    """Someone in a chat.

    Attributes:
        contact_id: The chat's contact.
        role: As in the model's ParticipantRole.
        display_name: The name that the others see.
        participant_id: Their own id.
        answers: What an idempotent operation answered, by operation and ClientToken.
    """

    contact_id: str
    role: str
    display_name: str
    participant_id: str = field(default_factory=lambda: str(uuid4()))
    answers: dict[tuple[str, str], Any] = field(default_factory=dict)


@dataclass
class Connection:
    """What a connection token stands for."""

    participant: Participant
    expires_at: datetime


@dataclass
class Attachment:
    """A file that was announced.

    Attributes:
        attachment_id: Its id.
        name: As declared.
        content_type: As declared.
        size: As declared, in bytes.
        participant: Who announced it.
        bucket: Where in moto's S3 it lies.
        key: Under which key: first in `staging/`, once confirmed in `final/`.
        url: The pre-signed URL for the PUT.
        headers: What the PUT must carry.
        expires_at: When the URL stops working.
        state: STARTED until the PUT, UPLOADED until it is confirmed, then its status.
    """

    attachment_id: str
    name: str
    content_type: str
    size: int
    participant: Participant = field(repr=False)
    bucket: str
    key: str
    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    expires_at: datetime
    state: State = "STARTED"


class ConnectParticipantBackend(BaseBackend):
    """The service in one account and region."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.lock = RLock()
        self.instance_id = str(uuid4())
        self.bucket = f"connect-attachments-{account_id}-{region_name}"
        self.participants: dict[str, Participant] = {}
        self.connections: dict[str, Connection] = {}
        self.attachments: dict[str, Attachment] = {}
        self.transcript: list[dict[str, Any]] = []

    @property
    def s3(self) -> S3Backend:
        """The S3 of moto in the same account."""
        return s3_backends[self.account_id][self.partition]

    def create_participant(
        self, contact_id: str, role: str = "CUSTOMER", display_name: str = "Customer"
    ) -> str:
        """Add a participant to a chat, and return their token."""
        token = _token()
        self.participants[token] = Participant(contact_id, role, display_name)
        return token

    def create_participant_connection(self, participant_token: str) -> tuple[str, datetime]:
        """Connect a participant, and return the connection token and when it expires."""
        participant = self.participants.get(participant_token)
        if participant is None:
            raise exceptions.AccessDenied
        token, expires_at = _token(), _now() + CONNECTION_LIFETIME
        self.connections[token] = Connection(participant, expires_at)
        return token, expires_at

    def start_attachment_upload(
        self, connection_token: str, name: str, size: int, content_type: str, client_token: str
    ) -> Attachment:
        """Announce a file; the same ClientToken gives the same attachment."""
        with self.lock:
            participant = self.connected(connection_token)
            request = ("StartAttachmentUpload", client_token)
            if request not in participant.answers:
                chats = [a.participant.contact_id for a in self.attachments.values()]
                if chats.count(participant.contact_id) >= ATTACHMENTS_PER_CHAT:
                    raise exceptions.QuotaExceeded
                attachment = self._announce(participant, name, size, content_type)
                self.attachments[attachment.attachment_id] = attachment
                participant.answers[request] = attachment
            started: Attachment = participant.answers[request]
            return started

    def check_put(
        self, attachment_id: str, url: str, headers: Mapping[str, str], size: int
    ) -> Attachment:
        """Return the attachment of a PUT.

        Refuse what S3 would: late, or not as it was signed, its length included.

        Args:
            attachment_id: The id in its path.
            url: Its URL.
            headers: Its headers, by `folded` names.
            size: The length of its body in bytes.
        """
        attachment, now = self.attachments.get(attachment_id), _now()
        if attachment is None or _spelled(url) != _spelled(attachment.url):
            raise exceptions.SignatureDoesNotMatch
        signed = {folded(name): value for name, value in attachment.headers.items()}
        if attachment.expires_at <= now:
            raise exceptions.RequestExpired(attachment.expires_at, now)
        changed = any(headers.get(name) != value for name, value in signed.items())
        if changed or size != attachment.size:
            raise exceptions.SignatureDoesNotMatch
        # S3 lets the hash of the body pass unsigned.
        unsigned = headers.keys() - signed.keys() - {"x-amz-content-sha256"}
        surplus = sorted(name for name in unsigned if name.startswith("x-amz-"))
        if surplus:
            raise exceptions.HeadersNotSigned(surplus)
        return attachment

    def complete_attachment_upload(
        self, connection_token: str, attachment_id: str, client_token: str
    ) -> None:
        """Confirm an attachment: move its bytes to their place and tell the chat."""
        with self.lock:
            participant = self.connected(connection_token)
            request = ("CompleteAttachmentUpload", client_token)
            if request in participant.answers:
                return
            attachment = self._known(participant, attachment_id)
            if attachment.state not in ("STARTED", "UPLOADED"):
                raise exceptions.Conflict
            staged, final = self._stored(attachment), f"final/{attachment_id}"
            if attachment.state == "STARTED" or staged is None:
                raise exceptions.Invalid("The attachment has not been uploaded.")
            self.s3.copy_object(staged, self.bucket, final)
            self.s3.delete_object(self.bucket, attachment.key)
            attachment.key, attachment.state = final, "APPROVED"
            self.transcript.append(_item(attachment))
            participant.answers[request] = None

    def get_transcript(
        self,
        connection_token: str,
        *,
        max_results: int,
        next_token: str | None,
        scan_direction: str,
        sort_order: str,
        start_position: dict[str, Any],
    ) -> tuple[str, list[dict[str, Any]], str | None]:
        """Return the contact id, one page of the transcript, and the next page's token."""
        contact_id = self.connected(connection_token).contact_id
        forward, ascending = scan_direction == "FORWARD", sort_order == "ASCENDING"
        theirs = [item for item in self.transcript if item["ContactId"] == contact_id]
        items = _window(theirs, start_position, forward=forward)
        first = _place(items, next_token) if next_token else 0
        last = first + (max_results or _DEFAULT_PAGE)
        page = items[first:last]
        following = items[last]["Id"] if last < len(items) else None
        return contact_id, page if forward is ascending else page[::-1], following

    def get_attachment(
        self, connection_token: str, attachment_id: str, lifetime: int
    ) -> tuple[str, datetime, int]:
        """Return the URL of a confirmed attachment, when it expires, and the size in bytes."""
        attachment = self._known(self.connected(connection_token), attachment_id)
        if attachment.state != "APPROVED":
            raise exceptions.Invalid("The attachment is not available.")
        url = self._presigned(attachment.key, (), lifetime)
        return url, _now() + timedelta(seconds=lifetime), attachment.size

    def websocket(self, connection_token: str) -> tuple[str, datetime]:
        """Return the URL of a connection's websocket, and until when it can be opened."""
        host = f"chat.transport.connect.{self.region_name}.amazonaws.com"
        return f"wss://{host}/chat?token={connection_token}", _now() + WEBSOCKET_LIFETIME

    def knows(self, token: str) -> bool:
        """Tell whether a participant or connection token is of this service."""
        return token in self.participants or token in self.connections

    def connected(self, connection_token: str) -> Participant:
        """Return the participant whose connection token this is."""
        connection = self.connections.get(connection_token)
        if connection is None or connection.expires_at <= _now():
            raise exceptions.AccessDenied
        return connection.participant

    def read(self, attachment: Attachment) -> bytes:
        """Return an attachment's bytes from moto's S3."""
        with self.lock:
            stored = self._stored(attachment)
            return stored.value if stored else b""

    def _stored(self, attachment: Attachment) -> FakeKey | None:
        return self.s3.get_object(attachment.bucket, attachment.key)

    def _known(self, participant: Participant, attachment_id: str) -> Attachment:
        attachment = self.attachments.get(attachment_id)
        if attachment is None:
            raise exceptions.Invalid("There is no attachment with that identifier.")
        if attachment.participant.contact_id != participant.contact_id:
            raise exceptions.AccessDenied
        return attachment

    def _announce(
        self, participant: Participant, name: str, size: int, content_type: str
    ) -> Attachment:
        if self.bucket not in self.s3.buckets:
            self.s3.create_bucket(self.bucket, self.region_name)
        attachment_id = str(uuid4())
        key = f"staging/{attachment_id}"
        headers = {
            "x-amz-meta-contact_id": participant.contact_id,
            "x-amz-meta-initial_contact_id": participant.contact_id,
            "x-amz-acl": "bucket-owner-full-control",
            "Content-Disposition": _disposition(name),
            "x-amz-meta-account_id": self.account_id,
            "Content-Length": str(size),
            "Content-Type": content_type,
            "x-amz-meta-organization_id": self.instance_id,
        }
        lifetime = int(URL_LIFETIME.total_seconds())
        return Attachment(
            attachment_id=attachment_id,
            name=name,
            content_type=content_type,
            size=size,
            participant=participant,
            bucket=self.bucket,
            key=key,
            url=self._presigned(key, headers, lifetime),
            headers=headers,
            expires_at=_now() + URL_LIFETIME,
        )

    def _presigned(self, key: str, headers: Iterable[str], lifetime: int) -> str:
        """Return a URL like S3's. Its signature is made up: the fake knows what it gave out."""
        suffix = "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"
        time = _now().strftime("%Y%m%dT%H%M%SZ")
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{_KEY_ID}/{time[:8]}/{self.region_name}/s3/aws4_request",
            "X-Amz-Date": time,
            "X-Amz-Expires": lifetime,
            "X-Amz-SignedHeaders": ";".join(sorted({"host", *(name.lower() for name in headers)})),
            "X-Amz-Signature": secrets.token_hex(32),
        }
        host = f"{self.bucket}.s3.{self.region_name}.{suffix}"
        return f"https://{host}/{key}?{urlencode(query)}"


def folded(name: str) -> str:
    """Return a header's name as the gateways that moto goes through may spell it."""
    return name.lower().replace("_", "-")


def timestamp(time: datetime) -> str:
    """Return a time as the service writes it, with milliseconds."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _token() -> str:
    return secrets.token_urlsafe(96)


def _disposition(name: str) -> str:
    if name.isascii() and name.isprintable() and not set(name) & set('"\\'):
        return f'attachment; filename="{name}"'
    return f"attachment; filename*=UTF-8''{quote(name, safe='', errors='replace')}"


def _item(attachment: Attachment) -> dict[str, Any]:
    participant = attachment.participant
    return {
        "AbsoluteTime": timestamp(_now()),
        "Attachments": [
            {
                "AttachmentId": attachment.attachment_id,
                "AttachmentName": attachment.name,
                "ContentType": attachment.content_type,
                "Status": attachment.state,
            }
        ],
        "ContactId": participant.contact_id,
        "DisplayName": participant.display_name,
        "Id": str(uuid4()),
        "ParticipantId": participant.participant_id,
        "ParticipantRole": participant.role,
        "Type": "ATTACHMENT",
    }


def _window(
    transcript: list[dict[str, Any]], position: dict[str, Any], *, forward: bool
) -> list[dict[str, Any]]:
    """Return the items from the start position on, in the order in which they are scanned."""
    items = transcript[-position["MostRecent"] :] if position.get("MostRecent") else transcript[:]
    if not forward:
        items.reverse()
    if "AbsoluteTime" in position:
        time, within = _time(position["AbsoluteTime"]), operator.ge if forward else operator.le
        items = [item for item in items if within(_time(item["AbsoluteTime"]), time)]
    return items[_place(items, position["Id"]) :] if "Id" in position else items


def _time(text: str) -> datetime:
    try:
        time = parse_timestamp(text)
    except (ValueError, OverflowError):
        time = datetime.min  # noqa: DTZ901
    if time.tzinfo is None:
        raise exceptions.Invalid("AbsoluteTime must be an ISO 8601 time in UTC.")
    return time


def _spelled(url: str) -> tuple[str, str, list[tuple[str, str]]]:
    """Return what counts of a URL, however its query's characters are escaped."""
    parts = urlsplit(url)
    return parts.netloc, parts.path, sorted(parse_qsl(parts.query))


def _place(items: list[dict[str, Any]], item_id: str) -> int:
    for place, item in enumerate(items):
        if item["Id"] == item_id:
            return place
    raise exceptions.Invalid("There is no such place in the transcript.")


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


def backends() -> Iterator[ConnectParticipantBackend]:
    """Yield the service of each account and region where it is in use."""
    for regions in list(connectparticipant_backends.values()):
        yield from list(regions.values())
