"""The backend of each account and region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.loaders import create_loader
from moto.core.base_backend import BackendDict
from moto.s3.models import FakeKey

from attach_confirm_stubs.fake import exceptions
from attach_confirm_stubs.fake._clock import clock
from attach_confirm_stubs.fake._faults import FaultQueue
from attach_confirm_stubs.fake._history import History
from attach_confirm_stubs.fake._quotas import Quotas
from attach_confirm_stubs.fake.models import _transcript
from attach_confirm_stubs.fake.models._attachments import AttachmentsBackend
from attach_confirm_stubs.fake.models._authentication import AuthenticationBackend
from attach_confirm_stubs.fake.models._chats import ChatsBackend
from attach_confirm_stubs.fake.models._views import ViewsBackend

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from attach_confirm_stubs.fake.models._entities import Item


class ConnectParticipantBackend(
    ChatsBackend, AttachmentsBackend, ViewsBackend, AuthenticationBackend
):
    """The service in one account and region.

    Attributes:
        faults: The injected faults.
        history: The received calls.
        quotas: The throttling quotas.
        clock: The clock, which all backends share.
    """

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.faults = FaultQueue()
        self.history = History()
        self.quotas = Quotas(clock)
        self.clock = clock

    def reset(self) -> None:
        """Delete all state, and reset the clock."""
        super().reset()
        clock.reset()

    def get_transcript(self, params: Mapping[str, Any]) -> tuple[str, list[Item], str | None]:
        """Return the contact ID, one page of the transcript, and the token of the next page."""
        with self.lock:
            chat = self.require_connected(params["ConnectionToken"]).chat
            if params.get("ContactId", chat.contact_id) != chat.contact_id:
                code, message = self.assumptions.other_contact, "The contact was not found."
                raise exceptions.ServiceError(code, message)
            self.apply_due_verdicts()
            page, next_token = _transcript.get_page(chat.items, params, self.assumptions)
            return chat.contact_id, page, next_token

    def all_items(self) -> list[Item]:
        """Return the items of all chats, oldest first."""
        with self.lock:
            self.apply_due_verdicts()
            return self.transcript


def all_backends() -> Iterator[ConnectParticipantBackend]:
    """Yield the backends that are in use, of all accounts and regions."""
    for regions in list(connectparticipant_backends.values()):
        yield from list(regions.values())


def reset_all() -> None:
    """Delete all chats and their files, and reset the clock.

    Other objects in moto's S3 remain.
    """
    buckets = set()
    for backend in all_backends():
        if backend.bucket in backend.s3.buckets:
            backend.s3.buckets[backend.bucket].keys.clear()
            backend.s3.delete_bucket(backend.bucket)
            buckets.add(backend.bucket)
    # moto's metaclass adds this list, which also holds deleted and replaced objects.
    tracked: list[FakeKey] = list(FakeKey.instances_tracked)  # type: ignore[attr-defined]
    for key in tracked:
        if key.bucket_name in buckets:
            key.dispose()
    connectparticipant_backends.clear()
    clock.reset()


def _regions() -> list[str]:
    """Return every region that botocore knows, because clients can be created for each of them."""
    partitions = create_loader().load_data("partitions")["partitions"]
    return [region for partition in partitions for region in partition["regions"]]


connectparticipant_backends = BackendDict(
    ConnectParticipantBackend,
    "connectparticipant",
    use_boto3_regions=False,
    additional_regions=_regions(),
)
