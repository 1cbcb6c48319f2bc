"""A journal in a DynamoDB table, which many machines share."""

from __future__ import annotations

import os
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3

from attach_confirm._exceptions import InvalidInputError
from attach_confirm._types import JournalEntry

if TYPE_CHECKING:
    from collections.abc import Mapping

# A chat may last 7 days (source: the API reference of StartChatContact).
_LIFETIME = timedelta(days=8)

# boto3's default session must not create two clients at once. Each process needs its own lock,
# because another thread may hold the parent's lock when a child is forked.
_locks: dict[int, threading.Lock] = {}


class DynamoDBJournal:
    r"""A `Journal` in a DynamoDB table, shared by any number of machines.

    The table's partition key is the string attribute `key`, and it has no sort key. Enable its
    time to live on the attribute `expires_at`, which is 8 days ahead, because a chat may last 7.
    An entry that has expired but is still in the table is valid. Reads are consistent.

    Do not use a global table: its replicas can accept two claims of one key.

        aws dynamodb create-table --table-name uploads --billing-mode PAY_PER_REQUEST \
          --attribute-definitions AttributeName=key,AttributeType=S \
          --key-schema AttributeName=key,KeyType=HASH
        aws dynamodb update-time-to-live --table-name uploads \
          --time-to-live-specification Enabled=true,AttributeName=expires_at

    Every method raises what boto3 raises. The role needs `dynamodb:GetItem`, `PutItem`,
    `UpdateItem` and `DeleteItem`.

    Args:
        table_name: The table's name or ARN.
        client: A boto3 `dynamodb` client. None creates a client from boto3's default session when
            it is first needed, and another client after a fork. A pickled journal keeps the region
            and the endpoint of `client`, but not its credentials and its other settings.

    Raises:
        InvalidInputError: `table_name` is not a string, or is empty.
    """

    def __init__(self, table_name: str, *, client: Any = None) -> None:
        if not isinstance(table_name, str) or not table_name:
            raise InvalidInputError("table_name", f"must be a table's name, not {table_name!r}")
        self._table_name = table_name
        self._given_client = client
        self._own_client: Any = None
        self._client_options: dict[str, Any] = {}
        self._pid: int | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        options = self._client_options
        if self._given_client is not None:
            meta = self._given_client.meta
            options = {"region_name": meta.region_name, "endpoint_url": meta.endpoint_url}
        return type(self), (self._table_name,), {"_client_options": options}

    def __repr__(self) -> str:
        return f"DynamoDBJournal({self._table_name!r})"

    def get(self, key: str) -> JournalEntry | None:
        """Return the entry of a key, or None."""
        item = self._client.get_item(
            TableName=self._table_name, Key={"key": {"S": key}}, ConsistentRead=True
        ).get("Item")
        return None if item is None else _entry(item)

    def claim(self, key: str, entry: JournalEntry) -> JournalEntry:
        """Store an entry unless the key has one, and return the stored one."""
        client = self._client
        while True:
            try:
                client.put_item(
                    TableName=self._table_name,
                    Item=_item(key, entry),
                    ConditionExpression="attribute_not_exists(#key)",
                    ExpressionAttributeNames={"#key": "key"},
                )
            except client.exceptions.ConditionalCheckFailedException:  # noqa: PERF203
                # The stored entry may be this one, if boto3 retried after a lost response.
                stored = self.get(key)
                if stored is not None:
                    return stored
            else:
                return entry

    def mark_confirmed(self, key: str) -> None:
        """Mark the entry of a key as confirmed; an unknown key is ignored."""
        client = self._client
        try:
            client.update_item(
                TableName=self._table_name,
                Key={"key": {"S": key}},
                UpdateExpression="SET confirmed = :true",
                ConditionExpression="attribute_exists(#key)",
                ExpressionAttributeNames={"#key": "key"},
                ExpressionAttributeValues={":true": {"BOOL": True}},
            )
        except client.exceptions.ConditionalCheckFailedException:
            return

    def delete(self, key: str) -> None:
        """Delete the entry of a key; an unknown key is ignored."""
        self._client.delete_item(TableName=self._table_name, Key={"key": {"S": key}})

    @property
    def _client(self) -> Any:
        if self._given_client is not None:
            return self._given_client
        pid = os.getpid()
        if self._pid != pid:
            with _locks.setdefault(pid, threading.Lock()):
                if self._pid != pid:
                    self._own_client = boto3.client("dynamodb", **self._client_options)
                    self._pid = pid
        return self._own_client


def _item(key: str, entry: JournalEntry) -> dict[str, dict[str, Any]]:
    return {
        "key": {"S": key},
        "attachment_id": {"S": entry.attachment_id},
        "name": {"S": entry.name},
        "size": {"N": str(entry.size)},
        "content_type": {"S": entry.content_type},
        "confirmed": {"BOOL": entry.confirmed},
        "expires_at": {"N": str(round(time.time() + _LIFETIME.total_seconds()))},
    }


def _entry(item: Mapping[str, Any]) -> JournalEntry:
    return JournalEntry(
        attachment_id=item["attachment_id"]["S"],
        name=item["name"]["S"],
        size=int(item["size"]["N"]),
        content_type=item["content_type"]["S"],
        confirmed=item["confirmed"]["BOOL"],
    )
