"""The backend of each account and region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.core.base_backend import BackendDict
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import FakeKey

from attach_confirm_stubs.fake import _patterns, exceptions
from attach_confirm_stubs.fake._clock import clock
from attach_confirm_stubs.fake.models import _transcript
from attach_confirm_stubs.fake.models._attachments import AttachmentsBackend
from attach_confirm_stubs.fake.models._authentication import AuthenticationBackend
from attach_confirm_stubs.fake.models._contacts import ContactsBackend
from attach_confirm_stubs.fake.models._controls import controls_by_region
from attach_confirm_stubs.fake.models._views import ViewsBackend

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from attach_confirm_stubs.fake.models._entities import Item

DEFAULT_REGION = "us-east-1"


class ConnectParticipantBackend(
    ContactsBackend, AttachmentsBackend, ViewsBackend, AuthenticationBackend
):
    """The service in one account and region.

    Attributes:
        clock: The clock, which all backends share.
    """

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.clock = clock

    def reset(self) -> None:
        """Delete all state, and reset the clock and the controls."""
        super().reset()
        clock.reset()
        self.controls.reset()

    def get_transcript(self, params: Mapping[str, Any]) -> tuple[str, list[Item], str | None]:
        """Return the contact ID, one page of the transcript, and the token of the next page."""
        with self.lock:
            chat = self.require_connected(params["ConnectionToken"]).chat
            if params.get("ContactId", chat.contact_id) != chat.contact_id:
                code, message = self.assumptions.other_contact, "The contact was not found."
                raise exceptions.ServiceError(code, message)
            self.apply_due_verdicts()
            page, next_token = _transcript.get_page(
                chat.items, chat.past_items(), params, self.assumptions
            )
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


def get_backend(
    account_id: str = DEFAULT_ACCOUNT_ID, region_name: str | None = None
) -> ConnectParticipantBackend | None:
    """Return the backend of an account and region, or None if the region is unknown."""
    regions = connectparticipant_backends[account_id]
    name = region_name or DEFAULT_REGION
    return regions[name] if name in regions else None  # noqa: SIM401


def reset_all(*, separate_regions: bool = False) -> None:
    """Delete all chats and their files, and reset the clock and the controls.

    Other objects in moto's S3 remain.

    Args:
        separate_regions: Whether each region has its own controls from now on.
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
    controls_by_region.reset(separate_regions=separate_regions)


def _regions() -> list[str]:
    """Return every region that botocore knows, because clients can be created for each of them."""
    return [region for partition in _patterns.partitions() for region in partition["regions"]]


connectparticipant_backends = BackendDict(
    ConnectParticipantBackend,
    "connectparticipant",
    use_boto3_regions=False,
    additional_regions=_regions(),
)
