"""Send files to an Amazon Connect chat and confirm that they arrived.

    import attach_confirm

    client = attach_confirm.client("us-west-2")
    connection = attach_confirm.connect(client, participant_token)
    sent = attach_confirm.upload(client, "receipt.pdf", connection.token)
    attach_confirm.wait(client, sent.attachment_id, connection.token)

`upload` runs three steps, which are public functions as well. `start` starts the upload and returns
a presigned URL, `put` sends the bytes to that URL, and `confirm` confirms the upload. `wait` polls
`status` until the service approves or rejects the attachment. `advise` returns what to do about an
error that any of these functions raised.

The logger `attach_confirm` reports each step at INFO and each retry at WARNING.
"""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from attach_confirm._advice import Action, Advice, advise
from attach_confirm._attachments import ChatAttachment, attachments
from attach_confirm._client import client
from attach_confirm._confirm import Confirmation, confirm
from attach_confirm._connect import Connection, connect
from attach_confirm._download import Download, download
from attach_confirm._exceptions import (
    AttachConfirmError,
    AttachmentRejectedError,
    DownloadFailedError,
    InvalidInputError,
    PutFailedError,
    SourceReadError,
    UnexpectedResponseError,
    UploadTimeoutError,
    UploadUrlExpiredError,
    WaitTimeoutError,
)
from attach_confirm._put import put
from attach_confirm._start import PendingUpload, start
from attach_confirm._transcript import status
from attach_confirm._types import AttachmentStatus, Journal, JournalEntry
from attach_confirm._upload import upload
from attach_confirm._uploader import Upload
from attach_confirm._wait import wait

if TYPE_CHECKING:
    from attach_confirm.bulk._dynamodb_journal import DynamoDBJournal as DynamoDBJournal
    from attach_confirm.bulk._sqlite_journal import SQLiteJournal as SQLiteJournal

__all__ = [
    "Action",
    "Advice",
    "AttachConfirmError",
    "AttachmentRejectedError",
    "AttachmentStatus",
    "ChatAttachment",
    "Confirmation",
    "Connection",
    "Download",
    "DownloadFailedError",
    "DynamoDBJournal",
    "InvalidInputError",
    "Journal",
    "JournalEntry",
    "PendingUpload",
    "PutFailedError",
    "SQLiteJournal",
    "SourceReadError",
    "UnexpectedResponseError",
    "Upload",
    "UploadTimeoutError",
    "UploadUrlExpiredError",
    "WaitTimeoutError",
    "advise",
    "attachments",
    "client",
    "confirm",
    "connect",
    "download",
    "put",
    "start",
    "status",
    "upload",
    "wait",
]

__version__ = "0.1.0"

_LAZY_IMPORTS = {
    "DynamoDBJournal": "attach_confirm.bulk._dynamodb_journal",
    "SQLiteJournal": "attach_confirm.bulk._sqlite_journal",
}

# Without a handler, Python would print warnings to standard error.
logging.getLogger(__name__).addHandler(logging.NullHandler())

# Tracebacks and reprs show the names that users import.
for _name in set(__all__) - set(_LAZY_IMPORTS):
    globals()[_name].__module__ = __name__


def __getattr__(name: str) -> Any:
    if name not in _LAZY_IMPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_LAZY_IMPORTS[name]), name)
    value.__module__ = __name__
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
