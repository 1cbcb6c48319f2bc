"""Documented limits of the service.

Sources: the API references of CreateParticipantConnection, StartChatContact, SendMessage,
SendEvent, StartAttachmentUpload and GetAuthenticationUrl, and the feature specifications in the
administrator guide.
"""

from datetime import timedelta

EVENT_PREFIX = "application/vnd.amazonaws.connect.event."

WEBSOCKET_LIFETIME = timedelta(seconds=100)
WEBSOCKETS_PER_PARTICIPANT = 5
CONNECTION_LIFETIME = timedelta(days=1)
CONNECT_TIMEOUT = timedelta(minutes=5)
AUTHENTICATION_TIMEOUT = timedelta(minutes=1)
DOWNLOAD_URL_LIFETIME = timedelta(seconds=300)
CHAT_DURATION = timedelta(hours=25)
ATTACHMENTS_PER_CHAT = 35
ATTRIBUTES_BYTES = 32_768
HEADER_VALUE_LENGTH = 256
MEBIBYTE = 1024 * 1024
MESSAGE_BYTES = 16_384
PAGE_SIZE = 10
PARTICIPANTS_WITH_RECEIPTS = 2
MESSAGE_CONTENT_TYPES = frozenset(
    {
        "text/plain",
        "text/markdown",
        "application/json",
        "application/vnd.amazonaws.connect.message.interactive.response",
    }
)
ATTACHMENT_EXTENSIONS = frozenset(
    {
        "csv",
        "doc",
        "docx",
        "heic",
        "jfif",
        "jpeg",
        "jpg",
        "mov",
        "mp4",
        "pdf",
        "png",
        "ppt",
        "pptx",
        "rtf",
        "txt",
        "wav",
        "xls",
        "xlsx",
    }
)
# The member of a message's receipt that each event sets.
RECEIPT_TIMESTAMP_BY_EVENT = {
    f"{EVENT_PREFIX}message.delivered": "DeliveredTimestamp",
    f"{EVENT_PREFIX}message.read": "ReadTimestamp",
}
EVENT_CONTENT_TYPES = frozenset(
    {
        f"{EVENT_PREFIX}typing",
        f"{EVENT_PREFIX}connection.acknowledged",
        *RECEIPT_TIMESTAMP_BY_EVENT,
    }
)
