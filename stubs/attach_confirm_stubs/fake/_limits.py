"""What the service documents of its limits, and of what it takes."""

from datetime import timedelta

from attach_confirm_stubs.fake.models._transcript import EVENT

# Sources: the API references of CreateParticipantConnection, StartChatContact, SendMessage,
# SendEvent and GetAuthenticationUrl, and the feature specifications in the administrator guide.
WEBSOCKET_LIFETIME = timedelta(seconds=100)
CONNECTION_LIFETIME = timedelta(days=1)
TIME_TO_CONNECT = timedelta(minutes=5)
TIME_TO_AUTHENTICATE = timedelta(minutes=1)
CHAT_DURATION = timedelta(hours=25)
ATTACHMENTS_PER_CHAT = 35
MESSAGE_BYTES = 16_384
MESSAGES = frozenset(
    {
        "text/plain",
        "text/markdown",
        "application/json",
        "application/vnd.amazonaws.connect.message.interactive.response",
    }
)
RECEIPTS = {
    f"{EVENT}message.delivered": "DeliveredTimestamp",
    f"{EVENT}message.read": "ReadTimestamp",
}
EVENTS = frozenset({f"{EVENT}typing", f"{EVENT}connection.acknowledged", *RECEIPTS})
