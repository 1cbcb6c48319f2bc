"""Types that several modules use."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import IO, TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    import os

FileSource: TypeAlias = "str | os.PathLike[str] | bytes | IO[bytes]"
FileTarget: TypeAlias = "str | os.PathLike[str] | IO[bytes]"


class AttachmentStatus(str, Enum):
    """Status of an attachment in the transcript (source: the service model's ArtifactStatus)."""

    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    IN_PROGRESS = "IN_PROGRESS"


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """What a journal stores about one upload. It holds no token, URL or bytes.

    Attributes:
        attachment_id: The attachment whose bytes S3 acknowledged.
        name: The attachment's name.
        size: Its size, in bytes.
        content_type: Its MIME type.
        confirmed: Whether its confirmation is known to have succeeded.
    """

    attachment_id: str
    name: str
    size: int
    content_type: str
    confirmed: bool = False


class Journal(Protocol):
    """A durable record of uploads, shared by everything that may send the same file.

    Entries must survive a crash once a method has returned. `attach_confirm_stubs.check_journal`
    tests an implementation.
    """

    def get(self, key: str) -> JournalEntry | None:
        """Return the entry of a key, or None.

        Args:
            key: The upload's `client_token`, 1 to 500 characters.
        """

    def claim(self, key: str, entry: JournalEntry) -> JournalEntry:
        """Store an entry unless the key has one, in one atomic step, and return the stored one.

        Args:
            key: The upload's `client_token`.
            entry: The entry to store.
        """

    def mark_confirmed(self, key: str) -> None:
        """Mark the entry of a key as confirmed; an unknown key is ignored.

        Args:
            key: The upload's `client_token`.
        """

    def delete(self, key: str) -> None:
        """Delete the entry of a key, so that the file may be sent again.

        Args:
            key: The upload's `client_token`; an unknown one is ignored.
        """
