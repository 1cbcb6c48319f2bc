"""Send files to an Amazon Connect chat and confirm that they arrived.

    import attach_confirm

    client = attach_confirm.client("us-west-2")
    connection = attach_confirm.connect(client, participant_token)
    sent = attach_confirm.upload(client, "receipt.pdf", connection.token)
    attach_confirm.wait(client, sent.attachment_id, connection.token)

`upload` runs three steps, which are public functions as well. `start` starts the upload and returns
a presigned URL, `put` sends the bytes to that URL, and `confirm` confirms the upload. `wait` polls
`status` until the service approves or rejects the attachment. `attachments` lists the files of a
chat, and `download` fetches one. `advise` returns what to do about an error that any of these
functions raised.

The logger `attach_confirm` reports each step at INFO and each retry at WARNING.
"""

import logging
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from attach_confirm._advice import Action, Advice, advise
    from attach_confirm._attachments import ChatAttachment, attachments
    from attach_confirm._client import client
    from attach_confirm._confirm import Confirmation, confirm
    from attach_confirm._connect import Connection, connect
    from attach_confirm._download import Download, download
    from attach_confirm._put import put
    from attach_confirm._start import PendingUpload, start
    from attach_confirm._transcript import status
    from attach_confirm._types import AttachmentStatus, Journal, JournalEntry
    from attach_confirm._upload import upload
    from attach_confirm._uploader import Upload
    from attach_confirm._wait import wait
    from attach_confirm.bulk._dynamodb_journal import DynamoDBJournal
    from attach_confirm.bulk._sqlite_journal import SQLiteJournal

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

# A module is imported when one of its names is first used, so that importing the package takes
# little time. The exceptions are imported at once, because the modules raise them by themselves.
_MODULE_OF = {
    "Action": "_advice",
    "Advice": "_advice",
    "AttachmentStatus": "_types",
    "ChatAttachment": "_attachments",
    "Confirmation": "_confirm",
    "Connection": "_connect",
    "Download": "_download",
    "DynamoDBJournal": "bulk._dynamodb_journal",
    "Journal": "_types",
    "JournalEntry": "_types",
    "PendingUpload": "_start",
    "SQLiteJournal": "bulk._sqlite_journal",
    "Upload": "_uploader",
    "advise": "_advice",
    "attachments": "_attachments",
    "client": "_client",
    "confirm": "_confirm",
    "connect": "_connect",
    "download": "_download",
    "put": "_put",
    "start": "_start",
    "status": "_transcript",
    "upload": "_upload",
    "wait": "_wait",
}

# Without a handler, Python would print warnings to standard error.
logging.getLogger(__name__).addHandler(logging.NullHandler())


def _set_module(value: Any) -> None:
    """Make tracebacks and reprs show the name that users import."""
    value.__module__ = __name__


for _name in set(__all__) - set(_MODULE_OF):
    _set_module(globals()[_name])


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import_module(f"{__name__}.{_MODULE_OF[name]}")
    # This module may have imported others that have public names, too.
    for public_name, module_name in _MODULE_OF.items():
        module = sys.modules.get(f"{__name__}.{module_name}")
        if module is not None and public_name not in globals() and hasattr(module, public_name):
            globals()[public_name] = getattr(module, public_name)
            _set_module(globals()[public_name])
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
