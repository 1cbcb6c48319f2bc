"""Types that several modules use."""

from __future__ import annotations

from enum import Enum
from typing import IO, TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import os

FileSource: TypeAlias = "str | os.PathLike[str] | bytes | IO[bytes]"


class AttachmentStatus(str, Enum):
    """Status of an attachment in the transcript (source: the service model's ArtifactStatus)."""

    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    IN_PROGRESS = "IN_PROGRESS"
