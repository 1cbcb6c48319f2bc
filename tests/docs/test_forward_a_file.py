"""Run the code in docs/forward-a-file-from-a-queue.md against moto's SQS, DynamoDB and S3."""

import json
import re
from datetime import timedelta
from types import SimpleNamespace

import boto3
import pytest

import attach_confirm
from attach_confirm_stubs import Latency, ModeledError, ReadTimeout, Throttle
from tests.docs.markdown import code_blocks, read, table_rows

PAGE = read("docs/forward-a-file-from-a-queue.md")
FUNCTION, QUEUES, JOURNAL = code_blocks(PAGE, "python")
MESSAGE, POLICY = (json.loads(block) for block in code_blocks(PAGE, "json"))
FILE = b"%PDF-1.4 a receipt"
URL_LIFETIME = 60 * int(re.search(r"expires after (\d+) minutes", PAGE)[1])
NO_FAILURES = {"batchItemFailures": []}
SETTINGS = {row[0]: row[1] for row in table_rows(PAGE, "setting")}


class ProcessDied(BaseException):
    """The function's process ended at this point."""


class Queue:
    """Delivers messages from moto's SQS to the function, as Lambda's poller does.

    Attributes:
        variables: Variables that the page's code for the queues and the journal defines.
        received: The messages that were delivered last and are not deleted.
        deletes_messages: Whether Lambda deletes the messages that the function has processed.
    """

    def __init__(self, fake, variables):
        self.fake = fake
        self.variables = variables
        self.sqs = boto3.client("sqs")
        self.received = []
        self.deletes_messages = True

    def add_chat(self, contact_id, participant_token):
        """Add a row to the table of chats."""
        item = {"contact_id": contact_id, "participant_token": participant_token}
        self.variables["dynamodb"].put_item(
            TableName="chats", Item={name: {"S": value} for name, value in item.items()}
        )

    def send(self, **changes):
        """Send the page's message, with changes."""
        body = json.dumps({**MESSAGE, **changes})
        self.sqs.send_message(QueueUrl=self.variables["queue"], MessageBody=body)

    def receive(self, name="queue"):
        """Return the visible messages of a queue, in the format of a Lambda event."""
        messages = self.sqs.receive_message(
            QueueUrl=self.variables[name], AttributeNames=["All"], MaxNumberOfMessages=10
        ).get("Messages", [])
        return [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
                "messageAttributes": {},
                "md5OfBody": message["MD5OfBody"],
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:files",
                "awsRegion": "us-east-1",
            }
            for message in messages
        ]

    def deliver(self, function, remaining_time=120):
        """Invoke the function, and delete the messages that it does not report as failed."""
        self.received = self.receive()
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: remaining_time * 1000)
        response = function.module["handler"]({"Records": self.received}, context)
        if not self.deletes_messages:
            raise ProcessDied
        failed = {failure["itemIdentifier"] for failure in response["batchItemFailures"]}
        for record in list(self.received):
            if record["messageId"] not in failed:
                self.received.remove(record)
                self.sqs.delete_message(
                    QueueUrl=self.variables["queue"], ReceiptHandle=record["receiptHandle"]
                )
        return response

    def make_visible(self, delay):
        """Advance the clock, and make the received messages visible again.

        Args:
            delay: How far to advance the clock, in seconds.
        """
        self.fake.clock.advance(delay)
        for record in self.received:
            self.sqs.change_message_visibility(
                QueueUrl=self.variables["queue"],
                ReceiptHandle=record["receiptHandle"],
                VisibilityTimeout=0,
            )

    def deliver_until_empty(self, function):
        """Deliver the messages again after the delays that the function sets."""
        for _ in range(8):
            if self.deliver(function) == NO_FAILURES:
                return
            self.make_visible(function.delays[-1])
        pytest.fail("the function reported a failure for each delivery")


@pytest.fixture(scope="module")
def boto3_clients():
    """Store clients by service, because creating one for DynamoDB takes 0.2 seconds."""
    return {}


@pytest.fixture
def _shared_boto3_clients(boto3_clients, monkeypatch):
    create_client = boto3.client

    def get_client(service, **kwargs):
        if service == "connectparticipant":
            return create_client(service, **kwargs)
        if service not in boto3_clients:
            boto3_clients[service] = create_client(service, **kwargs)
        return boto3_clients[service]

    monkeypatch.setattr(boto3, "client", get_client)


@pytest.fixture
def queue(fake, monkeypatch, _shared_boto3_clients):
    """Create the resources of the page, and a chat with one participant."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    variables = {}
    exec(QUEUES, variables)
    exec(JOURNAL, variables)
    variables["dynamodb"].create_table(
        TableName="chats",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "contact_id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "contact_id", "KeyType": "HASH"}],
    )
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="amzn-s3-demo-bucket")
    s3.put_object(Bucket="amzn-s3-demo-bucket", Key=MESSAGE["key"], Body=FILE)
    monkeypatch.setenv("BUCKET", "amzn-s3-demo-bucket")
    monkeypatch.setenv("QUEUE", variables["queue"])
    monkeypatch.setenv("DEAD_LETTER_QUEUE", variables["dead_letter_queue"])
    queue = Queue(fake, variables)
    queue.add_chat(MESSAGE["contact_id"], fake.participant_token())
    return queue


class Lambda:
    """Runs the page's function in one process after another.

    Attributes:
        module: Global variables of the function's module.
        delays: The visibility timeouts that the function set.
    """

    def __init__(self):
        self.handlers = []
        self.start()

    def start(self, *, has_journal=True):
        """Start another process."""
        self.end()
        self.module, self.delays = {}, []
        exec(FUNCTION, self.module)
        if not has_journal:
            self.module["journal"] = None
        self.register(
            "sqs",
            "provide-client-params.sqs.ChangeMessageVisibility",
            lambda params, **_: self.delays.append(params["VisibilityTimeout"]),
        )

    def register(self, client, event, handler):
        """Register a botocore event handler until the process ends."""
        events = self.module[client].meta.events
        events.register(event, handler)
        self.handlers.append((events, event, handler))

    def die_at(self, client, event):
        """End the process when one of its clients emits a botocore event."""

        def die(**_):
            raise ProcessDied

        self.register(client, event, die)

    def end(self):
        """End the process."""
        while self.handlers:
            events, event, handler = self.handlers.pop()
            events.unregister(event, handler)


@pytest.fixture
def function(queue):  # noqa: ARG001
    """Start the first process of the function."""
    function = Lambda()
    yield function
    function.end()


def attachments_in_chat(fake):
    """Return the names of the attachments in the transcript."""
    return [
        attachment["AttachmentName"]
        for item in fake.transcript
        for attachment in item.get("Attachments", [])
    ]


def test_message_sends_file(fake, queue, function):
    queue.send()
    assert queue.deliver(function) == NO_FAILURES
    (attachment,) = fake.attachments
    assert (attachment.name, attachment.data, attachment.state) == (
        MESSAGE["name"],
        FILE,
        "APPROVED",
    )
    assert queue.receive() == queue.receive("dead_letter_queue") == []


@pytest.mark.parametrize("delay", [0, URL_LIFETIME + 30, URL_LIFETIME + 600])
@pytest.mark.parametrize(
    ("has_journal", "client", "event"),
    [
        (True, "chat", "after-call.connectparticipant.StartAttachmentUpload"),
        (True, "dynamodb", "before-call.dynamodb.PutItem"),
        (True, "chat", "before-call.connectparticipant.CompleteAttachmentUpload"),
        (True, "dynamodb", "before-call.dynamodb.UpdateItem"),
        (True, None, None),
        (False, "chat", "after-call.connectparticipant.StartAttachmentUpload"),
        (False, "chat", "before-call.connectparticipant.CompleteAttachmentUpload"),
        (False, "chat", "after-call.connectparticipant.CompleteAttachmentUpload"),
        (False, None, None),
    ],
)
def test_redelivery_after_process_died_leaves_one_attachment(
    *, fake, queue, function, has_journal, client, event, delay
):
    """If `event` is None, the process dies after the handler has returned.

    The delays end before the upload URL expires, shortly after, and long after.
    """
    queue.send()
    function.start(has_journal=has_journal)
    if event:
        function.die_at(client, event)
    else:
        queue.deletes_messages = False
    with pytest.raises(ProcessDied):
        queue.deliver(function)
    queue.deletes_messages = True
    queue.make_visible(delay)
    function.start(has_journal=has_journal)
    queue.deliver_until_empty(function)
    assert attachments_in_chat(fake) == [MESSAGE["name"]]
    assert queue.receive() == queue.receive("dead_letter_queue") == []


def test_only_failed_message_of_batch_is_delivered_again(fake, queue, function):
    queue.send()
    queue.send(file_id="receipt-4712", name="second.pdf")
    fake.inject("StartAttachmentUpload", *[Throttle()] * 3)
    response = queue.deliver(function)
    assert len(response["batchItemFailures"]) == 1
    assert attachments_in_chat(fake) == ["second.pdf"]
    queue.make_visible(function.delays[-1])
    assert queue.deliver(function) == NO_FAILURES
    assert sorted(attachments_in_chat(fake)) == ["receipt.pdf", "second.pdf"]


def test_visibility_timeout_is_at_least_retry_after(queue, function):
    queue.send()
    function.start(has_journal=False)
    function.die_at("chat", "after-call.connectparticipant.StartAttachmentUpload")
    with pytest.raises(ProcessDied):
        queue.deliver(function)
    queue.make_visible(URL_LIFETIME + 5)
    function.start(has_journal=False)
    queue.deliver(function)
    assert 80 <= function.delays[-1] <= 90


@pytest.mark.parametrize(
    ("operation", "faults", "action"),
    [
        ("StartAttachmentUpload", [Throttle()] * 3, "RETRY"),
        ("CompleteAttachmentUpload", [ReadTimeout()] * 3, "RETRY"),
        ("CompleteAttachmentUpload", [ModeledError("ConflictException")], "CHECK"),
        ("StartAttachmentUpload", [ModeledError("AccessDeniedException")], "RECONNECT"),
        ("PutObject", [Latency(120)], "RETRY"),
    ],
)
def test_temporary_error_delivers_message_again(
    *, fake, queue, function, caplog, operation, faults, action
):
    queue.send()
    fake.inject(operation, *faults)
    assert queue.deliver(function) != NO_FAILURES
    assert caplog.messages[-1].startswith(f"{action}, file {MESSAGE['file_id']}, attachment ")
    assert 10 <= function.delays[-1] <= 900
    queue.make_visible(function.delays[-1])
    queue.deliver_until_empty(function)
    assert attachments_in_chat(fake) == [MESSAGE["name"]]
    assert len(fake.calls("CreateParticipantConnection")) == 1 + (action == "RECONNECT")


@pytest.mark.parametrize(
    ("operation", "code", "action"),
    [
        ("StartAttachmentUpload", "ValidationException", "FIX"),
        ("CompleteAttachmentUpload", "ServiceQuotaExceededException", "STOP"),
    ],
)
def test_permanent_error_moves_message_to_dead_letter_queue(
    *, fake, queue, function, caplog, operation, code, action
):
    queue.send()
    fake.inject(operation, ModeledError(code))
    assert queue.deliver(function) == NO_FAILURES
    (dead_letter,) = queue.receive("dead_letter_queue")
    assert json.loads(dead_letter["body"]) == MESSAGE
    has_bytes = operation == "CompleteAttachmentUpload"
    attachment_id = fake.attachments[0].attachment_id if has_bytes else None
    assert f"{action}, file receipt-4711, attachment {attachment_id}: " in caplog.text
    assert attachments_in_chat(fake) == []


def test_ended_chat_moves_message_to_dead_letter_queue(fake, queue, function):
    queue.send()
    assert queue.deliver(function) == NO_FAILURES
    token = function.module["connection_tokens"][MESSAGE["contact_id"]]
    fake.client.disconnect_participant(ConnectionToken=token)
    queue.send(file_id="receipt-4712")
    queue.deliver_until_empty(function)
    assert len(queue.receive("dead_letter_queue")) == 1


def test_unrelated_error_returns_whole_batch(fake, queue, function):
    queue.send()
    queue.send(file_id="receipt-4712", key="missing.pdf")
    with pytest.raises(function.module["s3"].exceptions.NoSuchKey):
        queue.deliver(function)
    assert attachments_in_chat(fake) == [MESSAGE["name"]]
    queue.make_visible(720)
    with pytest.raises(function.module["s3"].exceptions.NoSuchKey):
        queue.deliver(function)
    assert attachments_in_chat(fake) == [MESSAGE["name"]]


def test_file_is_not_sent_again_for_new_message_id(fake, queue, function):
    """A redrive from the dead-letter queue sends the same body with another message ID."""
    for delay in 0, 3600:
        fake.clock.advance(delay)
        queue.send()
        assert queue.deliver(function) == NO_FAILURES
    assert attachments_in_chat(fake) == [MESSAGE["name"]]


def test_same_file_is_sent_to_each_chat(fake, queue, function):
    queue.add_chat("another-contact", fake.participant_token())
    queue.send()
    queue.send(contact_id="another-contact")
    assert queue.deliver(function) == NO_FAILURES
    assert [attachment.data for attachment in fake.attachments] == [FILE, FILE]


def test_insufficient_time_delivers_message_again(fake, queue, function):
    queue.send()
    assert queue.deliver(function, remaining_time=20) != NO_FAILURES
    assert fake.calls("StartAttachmentUpload") == []


def test_message_moves_to_dead_letter_queue_after_max_receive_count(fake, queue, function):
    queue.send()
    fake.inject("StartAttachmentUpload", *[Throttle()] * 100)
    deliveries = 0
    while queue.deliver(function) != NO_FAILURES:
        deliveries += 1
        queue.make_visible(function.delays[-1])
    assert deliveries == int(SETTINGS["`maxReceiveCount`"])
    (dead_letter,) = queue.receive("dead_letter_queue")
    assert json.loads(dead_letter["body"]) == MESSAGE
    fake.reset_faults()


def test_function_needs_exactly_documented_permissions(fake, queue, function):
    """Lambda's poller, which receives and deletes messages, has the managed policy."""
    used = set()
    for client in ("dynamodb", "s3", "sqs"):
        function.register(
            client,
            "request-created",
            lambda operation_name, service=client, **_: used.add(f"{service}:{operation_name}"),
        )
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 120_000)
    faults = {
        "sent": [],
        "throttled": [Throttle()] * 3,
        "wrong": [ModeledError("ValidationException")],
    }
    for file_id, injected in faults.items():
        queue.send(file_id=file_id)
        fake.inject("CompleteAttachmentUpload", *injected)
        function.module["handler"]({"Records": queue.receive()}, context)
    documented = set()
    for statement in POLICY["Statement"]:
        actions = statement["Action"]
        documented |= {actions} if isinstance(actions, str) else set(actions)
    assert used - {"sqs:ReceiveMessage"} == documented


def test_queues_match_settings_table(queue):
    attributes = queue.sqs.get_queue_attributes(
        QueueUrl=queue.variables["queue"], AttributeNames=["All"]
    )["Attributes"]
    assert SETTINGS["`VisibilityTimeout`"] == f"{attributes['VisibilityTimeout']} seconds"
    function_timeout = int(SETTINGS["function timeout"].split()[0])
    assert int(attributes["VisibilityTimeout"]) == 6 * function_timeout


def test_journal_table_deletes_expired_entries(queue):
    response = queue.variables["dynamodb"].describe_time_to_live(TableName="uploads")
    assert response["TimeToLiveDescription"]["AttributeName"] == "expires_at"


def test_upload_url_expires_as_documented(fake):
    assert fake.assumptions.upload_url_lifetime == timedelta(seconds=URL_LIFETIME)


def test_action_table_lists_each_action():
    documented = [row[0] for row in table_rows(PAGE, "action")]
    assert sorted(documented) == sorted(action.value for action in attach_confirm.Action)
