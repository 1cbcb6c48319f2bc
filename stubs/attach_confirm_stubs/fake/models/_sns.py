"""Records of a chat's items in SNS."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from moto.core.exceptions import ServiceException
from moto.sns.models import sns_backends
from werkzeug.exceptions import HTTPException

from attach_confirm_stubs.fake._clock import clock
from attach_confirm_stubs.fake.models import _transcript

if TYPE_CHECKING:
    from attach_confirm_stubs.fake.models._events import ChatEvent

_TOPIC_ARN = re.compile(r"arn:aws[a-z-]*:sns:([a-z0-9-]+):([0-9]{12}):[A-Za-z0-9_-]{1,256}")


def new_record(
    topic_arn: str, event: ChatEvent, account_id: str, attachment_type: str | None
) -> dict[str, Any]:
    """Return the record of an item, as SNS passes it to Lambda.

    Args:
        topic_arn: ARN of the topic.
        event: The event with the item.
        account_id: The account of the Connect instance.
        attachment_type: The attribute ContentType of an attachment's record, or None for none.
    """
    item, contact_id = event.item, event.chat.contact_id
    default_type = attachment_type if item["Type"] == "ATTACHMENT" else None
    attributes = {
        "AccountId": account_id,
        "ContactId": contact_id,
        "ContentType": item.get("ContentType", default_type),
        "InitialContactId": contact_id,
        "InstanceId": event.chat.instance_id,
        "MessageVisibility": "ALL",
        "ParticipantRole": item.get("ParticipantRole"),
        "Type": item["Type"],
    }
    region = topic_arn.split(":")[3]
    subscription_arn = f"{topic_arn}:{uuid4()}"
    query = f"Action=Unsubscribe&SubscriptionArn={subscription_arn}"
    return {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription_arn,
        "Sns": {
            "Type": "Notification",
            "MessageId": str(uuid4()),
            "TopicArn": topic_arn,
            "Subject": None,
            "Message": json.dumps(item),
            "Timestamp": _transcript.format_timestamp(clock.now()),
            "SignatureVersion": "1",
            "Signature": "EXAMPLE",
            "SigningCertUrl": f"https://sns.{region}.amazonaws.com/EXAMPLE.pem",
            "UnsubscribeUrl": f"https://sns.{region}.amazonaws.com/?{query}",
            "MessageAttributes": {
                name: {"Type": "String", "Value": value}
                for name, value in attributes.items()
                if value
            },
        },
    }


def parse_topic_arn(arn: str) -> tuple[str, str] | None:
    """Return the region and account of a standard topic's ARN, or None if it is not valid."""
    match = _TOPIC_ARN.fullmatch(arn)
    return (match[1], match[2]) if match else None


def publish_to_moto(record: dict[str, Any]) -> str | None:
    """Publish a record to the topic in moto's SNS. Return why that failed, or None."""
    sns = record["Sns"]
    region, account_id = sns["TopicArn"].split(":")[3:5]
    try:
        backend = sns_backends[account_id][region]
        if sns["TopicArn"] not in backend.topics:
            return "the topic does not exist"
        backend.publish(
            sns["Message"], sns["TopicArn"], message_attributes=sns["MessageAttributes"]
        )
    except (
        HTTPException,
        ServiceException,
        OSError,
        LookupError,
        ValueError,
        ImportError,
    ) as error:
        return f"{type(error).__name__}: {error}"
    return None
