"""What follows a committed item: streams publish it, and rules reply to it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from attach_confirm_stubs.fake import exceptions
from attach_confirm_stubs.fake._clock import clock
from attach_confirm_stubs.fake.models import _sns, _transcript
from attach_confirm_stubs.fake.models._base import ParticipantsBackend
from attach_confirm_stubs.fake.models._entities import Stream
from attach_confirm_stubs.fake.models._snapshot import FakeStream, StreamFailure

if TYPE_CHECKING:
    from attach_confirm_stubs.fake.models._entities import Chat, Participant
    from attach_confirm_stubs.fake.models._events import ChatEvent

_MAX_STREAMS = 2


class StreamsBackend(ParticipantsBackend):
    """The streams and the replies of one account and region."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.listeners.append(self._defer_follow_up)

    def check_topic_arn(self, topic_arn: str) -> None:
        """Raise if a stream cannot publish to a topic. The topic does not have to exist.

        Raises:
            exceptions.ServiceError: The ARN is not that of a standard topic in this region.
        """
        topic = _sns.parse_topic_arn(topic_arn)
        if topic is None or topic[0] != self.region_name:
            raise exceptions.ServiceError(
                self.assumptions.invalid_request,
                "StreamingEndpointArn must be the ARN of a standard SNS topic in the same region.",
            )

    def start_stream(self, chat: Chat, topic_arn: str) -> Stream:
        """Publish a chat's items to a topic from now on.

        Raises:
            exceptions.ServiceError: The ARN is invalid, or the chat has two streams.
        """
        self.check_topic_arn(topic_arn)
        if sum(stream.active for stream in chat.streams) >= _MAX_STREAMS:
            raise exceptions.ServiceError(
                "LimitExceededException", f"A contact can have {_MAX_STREAMS} streams."
            )
        stream = Stream(topic_arn)
        chat.streams.append(stream)
        return stream

    def list_streams(self) -> list[FakeStream]:
        """Return snapshots of all streams, oldest chat first."""
        with self.lock:
            return [
                FakeStream(
                    streaming_id=stream.streaming_id,
                    contact_id=chat.contact_id,
                    topic_arn=stream.topic_arn,
                    active=stream.active,
                    records=tuple(stream.records),
                    failures=tuple(stream.failures),
                )
                for chat in self.chats.values()
                for stream in chat.streams
            ]

    def _defer_follow_up(self, event: ChatEvent) -> None:
        self.lock.defer(partial(self._follow_up, event))

    def _follow_up(self, event: ChatEvent) -> None:
        """Publish an item, and reply to it, without the lock: both run code of other services."""
        item_type = event.item["Type"]
        if item_type != "MESSAGEMETADATA" or self.assumptions.streamed_receipts:
            for stream in list(event.chat.streams):
                if stream.active:
                    self._publish(stream, event)
        is_customers = event.item.get("ParticipantRole") == "CUSTOMER"
        if is_customers and item_type in {"MESSAGE", "ATTACHMENT"} and not event.is_reply:
            self._reply(event)

    def _publish(self, stream: Stream, event: ChatEvent) -> None:
        attachment_type = self.assumptions.streamed_attachment_type
        record = _sns.new_record(stream.topic_arn, event, self.account_id, attachment_type)
        reason = _sns.publish_to_moto(record)
        with self.lock:
            stream.records.append(record)
            if reason:
                stream.failures.append(StreamFailure(record, reason))

    def _reply(self, event: ChatEvent) -> None:
        item = {"Content": "", **event.item}
        rule = self.controls.replies.find(item)
        content = rule.content(item) if rule else None
        if rule is None or content is None:
            return
        with self.lock:
            chat, now = event.chat, clock.now()
            if chat.is_active(now):
                members = {"ContentType": "text/plain", "Content": content}
                replier = self._replier(chat, rule.role)
                reply = _transcript.new_item(chat, "MESSAGE", now, replier, **members)
                self.append(chat, reply, is_reply=True)

    def _replier(self, chat: Chat, role: str) -> Participant:
        """Return the chat's first participant with a role. Add one if there is none."""
        for participant in chat.participants:
            if participant.role == role and not participant.disconnected:
                return participant
        replier = self.add_participant(chat, role, role.replace("_", " ").capitalize())
        replier.connected = True
        return replier
