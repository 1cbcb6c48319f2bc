"""DynamoDBJournal against moto's DynamoDB."""

import os
import pickle
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError, Lock

import boto3
import pytest
from moto import mock_aws
from moto.dynamodb.models import DynamoDBBackend

from attach_confirm import DynamoDBJournal, InvalidInputError, JournalEntry
from attach_confirm_stubs import check_journal

ENTRY = JournalEntry("att-1", "a.txt", 3, "text/plain")


@pytest.fixture
def table(monkeypatch):
    """Create a table as the docstring of the journal describes, and return its name."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("dynamodb").create_table(
            TableName="uploads",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
        )
        yield "uploads"


@pytest.fixture
def _atomic_writes(monkeypatch):
    """Make moto's conditional writes atomic, as DynamoDB documents them."""
    put_item, lock = DynamoDBBackend.put_item, Lock()

    def put_item_atomically(*args, **kwargs):
        with lock:
            return put_item(*args, **kwargs)

    monkeypatch.setattr(DynamoDBBackend, "put_item", put_item_atomically)


@pytest.mark.usefixtures("_atomic_writes")
def test_journal_passes_check(table):
    check_journal(lambda: DynamoDBJournal(table))


@pytest.mark.parametrize("table_name", ["", None, 3])
def test_table_name_without_name_rejected(table_name):
    with pytest.raises(InvalidInputError, match="table_name: must be a table's name"):
        DynamoDBJournal(table_name)


def test_entry_expires_after_eight_days(table):
    """A chat may last seven days, and the entry must outlive it."""
    DynamoDBJournal(table).claim("key", ENTRY)
    item = boto3.client("dynamodb").get_item(TableName=table, Key={"key": {"S": "key"}})["Item"]
    assert float(item["expires_at"]["N"]) == pytest.approx(time.time() + 8 * 86_400, abs=60)


def test_expired_entry_in_the_table_is_returned(table):
    """DynamoDB deletes expired items days later."""
    journal = DynamoDBJournal(table)
    journal.claim("key", ENTRY)
    boto3.client("dynamodb").update_item(
        TableName=table,
        Key={"key": {"S": "key"}},
        UpdateExpression="SET expires_at = :past",
        ExpressionAttributeValues={":past": {"N": "1"}},
    )
    assert journal.get("key") == ENTRY
    assert journal.claim("key", JournalEntry("att-2", "a.txt", 3, "text/plain")) == ENTRY


def test_reads_are_consistent(table):
    """An eventually consistent read could miss an entry that another machine has claimed."""
    client, sent = boto3.client("dynamodb"), []
    client.meta.events.register(
        "provide-client-params.dynamodb.GetItem", lambda params, **_: sent.append(params)
    )
    DynamoDBJournal(table, client=client).get("key")
    assert [params["ConsistentRead"] for params in sent] == [True]


def test_claim_is_repeated_if_entry_is_deleted(table):
    """Another process deletes the entry between the failed write and the read."""
    client = boto3.client("dynamodb")
    journal, other = DynamoDBJournal(table, client=client), DynamoDBJournal(table)
    other.claim("key", JournalEntry("att-0", "a.txt", 3, "text/plain"))

    def delete(**_):
        client.meta.events.unregister("before-call.dynamodb.GetItem", delete)
        other.delete("key")

    client.meta.events.register("before-call.dynamodb.GetItem", delete)
    assert journal.claim("key", ENTRY) == ENTRY


def test_pickled_journal_reads_same_table(table):
    journal = DynamoDBJournal(table, client=boto3.client("dynamodb"))
    journal.claim("key", ENTRY)
    assert pickle.loads(pickle.dumps(journal)).get("key") == ENTRY
    assert repr(journal) == "DynamoDBJournal('uploads')"


def test_pickled_journal_keeps_the_region(table):
    """A table of the same name in the default region has other entries."""
    client = boto3.client("dynamodb", region_name="eu-west-1")
    client.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
    )
    journal = DynamoDBJournal(table, client=client)
    journal.claim("key", ENTRY)
    copy = pickle.loads(pickle.dumps(journal))
    assert copy.get("key") == pickle.loads(pickle.dumps(copy)).get("key") == ENTRY


def test_pickled_journal_keeps_the_endpoint():
    client = boto3.client("dynamodb", region_name="us-east-1", endpoint_url="http://127.0.0.1:9")
    copy = pickle.loads(pickle.dumps(DynamoDBJournal("uploads", client=client)))
    assert copy._client.meta.endpoint_url == "http://127.0.0.1:9"


def test_threads_share_one_client(monkeypatch):
    """boto3's default session is not thread-safe."""
    created, barrier = [], Barrier(2)

    def create(*_):
        created.append(FakeClient())
        # A second thread that creates a client would arrive here, too.
        with suppress(BrokenBarrierError):
            barrier.wait(0.2)
        return created[-1]

    monkeypatch.setattr(boto3, "client", create)
    journal = DynamoDBJournal("uploads")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(journal.delete, ["a", "b"]))
    assert len(created) == 1


def test_client_is_created_once_per_process(table, monkeypatch):
    """A forked child must not use the connections of its parent."""
    created = []
    monkeypatch.setattr(boto3, "client", lambda *_: created.append(1) or FakeClient())
    journal = DynamoDBJournal(table)
    journal.delete("key")
    journal.delete("key")
    assert len(created) == 1
    monkeypatch.setattr(os, "getpid", lambda: -1)
    journal.delete("key")
    assert len(created) == 2


class FakeClient:
    """A client that only supports DeleteItem."""

    def delete_item(self, **_):
        """Do nothing."""
