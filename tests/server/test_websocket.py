"""Websockets, with real clients over ws and wss."""

import base64
import json
import logging
import socket
import ssl
import threading
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import pytest
import requests
import websockets.exceptions
from websockets.sync.client import connect as connect_websocket

import attach_confirm
from attach_confirm_stubs import ConnectionReset, serve_connectparticipant
from attach_confirm_stubs.fake.models import _websockets, get_backend
from attach_confirm_stubs.server import _connection

EVENT = "application/vnd.amazonaws.connect.event."
SUBSCRIBE = {"topic": "aws/subscribe", "content": {"topics": ["aws/chat"]}}
SUBSCRIBED = {"topic": "aws/subscribe", "content": {"status": "success", "topics": ["aws/chat"]}}
AWS_URL = "wss://chat.transport.connect.us-east-1.amazonaws.com/chat"


class WebsocketsClient:
    """A websocket of the library websockets."""

    def __init__(self, url, context):
        self._stack = ExitStack()
        # Older versions wait for the reply to a Close frame if there are unread messages.
        self.connection = self._stack.enter_context(
            connect_websocket(url, ssl=context, close_timeout=0.5)
        )

    def send(self, text):
        self.connection.send(text)

    def receive(self):
        return json.loads(self.connection.recv(timeout=20))

    def close(self):
        self._stack.close()


class WebsocketClientClient:
    """A websocket of the library websocket-client."""

    def __init__(self, url, context):
        websocket_client = pytest.importorskip("websocket")
        self.connection = websocket_client.create_connection(
            url, timeout=20, sslopt={"context": context} if context else None
        )

    def send(self, text):
        self.connection.send(text)

    def receive(self):
        return json.loads(self.connection.recv())

    def close(self):
        self.connection.close()


class Participant:
    """A participant with a connection, and the websockets of the participant."""

    def __init__(self, server, stack, client_class=WebsocketsClient, scheme="ws", **kwargs):
        self._server, self._stack = server, stack
        self._client_class, self._scheme = client_class, scheme
        self.participant_token = server.participant_token(**kwargs)
        self.socket = None
        self.connect()

    def connect(self):
        """Call CreateParticipantConnection as chatjs does."""
        response = self._server.client.create_participant_connection(
            Type=["WEBSOCKET", "CONNECTION_CREDENTIALS"], ParticipantToken=self.participant_token
        )
        self.token = response["ConnectionCredentials"]["ConnectionToken"]
        self.url = response["Websocket"]["Url"].replace("ws:", f"{self._scheme}:")

    def open(self, *, subscribe=True):
        """Open a websocket, and return it."""
        context = None
        if self._scheme == "wss":
            context = ssl.create_default_context(cafile=self._server.ca_bundle)
        self.socket = self._client_class(self.url, context)
        self._stack.callback(self.socket.close)
        if subscribe:
            self.socket.send(json.dumps(SUBSCRIBE))
            assert self.socket.receive() == SUBSCRIBED
        return self.socket

    def receive_item(self):
        """Return the item of the next message."""
        message = self.socket.receive()
        assert message.keys() == {"topic", "contentType", "content"}
        assert (message["topic"], message["contentType"]) == ("aws/chat", "application/json")
        return json.loads(message["content"])

    def assert_nothing_received(self):
        """Fail if there is a message before the reply to a ping."""
        self.socket.send('{"topic": "aws/ping"}')
        assert self.socket.receive()["topic"] == "aws/ping"

    def call(self, operation, **params):
        """Call an operation with the connection token."""
        return getattr(self._server.client, operation)(ConnectionToken=self.token, **params)

    def send_message(self, content):
        """Send a message, and return its Id."""
        return self.call("send_message", Content=content, ContentType="text/plain")["Id"]


@pytest.fixture(params=["ws", "wss"])
def scheme(request):
    """Return the scheme of the websockets' URLs."""
    return request.param


@pytest.fixture
def stack():
    """Return an ExitStack, which closes the websockets."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def join(server, stack):
    """Return a function that adds a participant to a chat."""

    def join(*args, **kwargs):
        return Participant(server, stack, *args, **kwargs)

    return join


@pytest.fixture
def customer(join):
    """Return a customer with an open websocket."""
    customer = join()
    customer.open()
    return customer


def get_status(url):
    """Return the status of the response to a handshake."""
    with pytest.raises(websockets.exceptions.InvalidStatus) as raised:
        WebsocketsClient(url, None)
    return raised.value.response.status_code


@pytest.mark.parametrize("client_class", [WebsocketsClient, WebsocketClientClient])
def test_participants_receive_items_and_receipts(server, join, client_class, scheme):
    """Both participants receive each item as GetTranscript lists it."""
    customer = join(client_class, scheme)
    customer.open()
    contact_id = server.chats[0].contact_id
    agent = join(client_class, scheme, contact_id=contact_id, role="AGENT", display_name="Ann")
    assert customer.receive_item()["ContentType"] == f"{EVENT}participant.joined"
    agent.open()
    message_id = agent.send_message("Hello")
    for participant in (customer, agent):
        item = participant.receive_item()
        assert item == server.transcript[-1]
        assert item["Id"] == message_id
        assert (item["ContactId"], item["InitialContactId"]) == (contact_id, contact_id)
        assert (item["ParticipantRole"], item["DisplayName"]) == ("AGENT", "Ann")
        assert (item["Type"], item["Content"]) == ("MESSAGE", "Hello")
    receipt = json.dumps({"messageId": message_id})
    customer.call("send_event", ContentType=f"{EVENT}message.read", Content=receipt)
    for participant in (customer, agent):
        item = participant.receive_item()
        assert (item["Type"], item["ContentType"]) == (
            "MESSAGEMETADATA",
            f"{EVENT}message.metadata",
        )
        assert item["MessageMetadata"]["MessageId"] == message_id
        assert "ReadTimestamp" in item["MessageMetadata"]["Receipts"][0]
    customer.call("disconnect_participant")
    for participant in (customer, agent):
        types = [participant.receive_item()["ContentType"] for _ in range(2)]
        assert types == [f"{EVENT}participant.left", f"{EVENT}chat.ended"]


def test_other_chats_receive_nothing(join, customer):
    other = join()
    other.open()
    other.send_message("Hello")
    assert other.receive_item()["Content"] == "Hello"
    customer.assert_nothing_received()


def test_participant_who_has_left_receives_nothing_more(server, join, customer):
    agent = join(contact_id=server.chats[0].contact_id, role="AGENT")
    agent.open()
    agent.call("disconnect_participant")
    assert agent.receive_item()["ContentType"] == f"{EVENT}participant.left"
    customer.send_message("Hello")
    agent.assert_nothing_received()


def test_ping_and_heartbeat_get_replies(customer):
    customer.socket.send('{"topic":"aws/ping"}')
    assert customer.socket.receive() == {
        "topic": "aws/ping",
        "statusCode": 200,
        "statusContent": "OK",
    }
    customer.socket.send('{"topic":"aws/heartbeat"}')
    assert customer.socket.receive() == {"topic": "aws/heartbeat"}


@pytest.mark.parametrize(
    "text", ['{"topic": "aws/other"}', "{}", "[]", "1", "nonsense", "", "[" * 100_000]
)
def test_unknown_message_is_forbidden(customer, text):
    customer.socket.send(text)
    message = customer.socket.receive()
    assert message.keys() == {"message", "connectionId", "requestId"}
    assert message["message"] == "Forbidden"


def test_message_with_stray_parenthesis_is_accepted(join):
    """Amazon's client for iOS sends this."""
    socket = join().open(subscribe=False)
    socket.send(f" {json.dumps(SUBSCRIBE)})")
    assert socket.receive() == SUBSCRIBED


@pytest.mark.parametrize("content", [{"topics": ["aws/agent"]}, {}, None, "aws/chat"])
def test_subscription_to_other_topics_fails(join, content):
    socket = join().open(subscribe=False)
    socket.send(json.dumps({"topic": "aws/subscribe", "content": content}))
    reply = socket.receive()
    assert (reply["topic"], reply["content"]["status"]) == ("aws/subscribe", "failure")


def test_fragments_and_binary_messages_are_accepted(customer):
    customer.socket.send(iter(['{"topic": "aws', "/heart", 'beat"}']))
    assert customer.socket.receive() == {"topic": "aws/heartbeat"}
    customer.socket.send(b'{"topic": "aws/heartbeat"}')
    assert customer.socket.receive() == {"topic": "aws/heartbeat"}


def test_oversized_message_closes_websocket(customer):
    customer.socket.send(" " * 2**21)
    with pytest.raises(websockets.exceptions.ConnectionClosedError) as raised:
        customer.socket.receive()
    assert raised.value.rcvd.code == 1009


def test_client_can_close_websocket(customer):
    customer.socket.connection.close(1000, "bye")
    assert customer.socket.connection.protocol.close_code == 1000


def test_control_frames_get_replies(customer):
    assert customer.socket.connection.ping("a").wait(20)


@pytest.mark.parametrize("own_typing", [True, False])
def test_typing_event_is_pushed(server, join, customer, own_typing):
    server.assumptions.own_typing = own_typing
    agent = join(contact_id=server.chats[0].contact_id, role="AGENT")
    customer.receive_item()
    agent.open()
    agent.call("send_event", ContentType=f"{EVENT}typing")
    assert customer.receive_item()["ContentType"] == f"{EVENT}typing"
    if own_typing:
        assert agent.receive_item()["ContentType"] == f"{EVENT}typing"
    agent.assert_nothing_received()


@pytest.mark.parametrize("before_subscription", ["dropped", "queued"])
def test_items_before_subscription(server, join, before_subscription):
    server.assumptions.before_subscription = before_subscription
    customer = join()
    socket = customer.open(subscribe=False)
    customer.send_message("Hello")
    customer.assert_nothing_received()
    socket.send(json.dumps(SUBSCRIBE))
    assert socket.receive() == SUBSCRIBED
    if before_subscription == "queued":
        assert customer.receive_item()["Content"] == "Hello"
    customer.assert_nothing_received()


@pytest.mark.parametrize("joined_early", [True, False])
def test_joined_item_is_added_by_connection_or_websocket(server, join, joined_early):
    server.assumptions.joined_early = joined_early
    server.assumptions.before_subscription = "queued"
    customer = join()
    assert len(server.transcript) == int(joined_early)
    customer.open()
    if not joined_early:
        assert customer.receive_item()["ContentType"] == f"{EVENT}participant.joined"
    customer.open()
    customer.assert_nothing_received()
    assert len(server.transcript) == 1


def upload(customer, server):
    """Upload a file, and return its attachment ID."""
    return attach_confirm.upload(server.client, b"1", customer.token, name="a.txt").attachment_id


@pytest.mark.parametrize("status", ["APPROVED", "REJECTED"])
def test_verdict_is_pushed_without_request(server, customer, status):
    """The verdict comes in real time."""
    getattr(server.scanner, "approve" if status == "APPROVED" else "reject")(after=0.3)
    started_at = monotonic()
    attachment_id = upload(customer, server)
    item = customer.receive_item()
    assert monotonic() - started_at >= 0.3
    assert item["Type"] == "ATTACHMENT"
    (attachment,) = item["Attachments"]
    assert (attachment["AttachmentId"], attachment["Status"]) == (attachment_id, status)


def test_verdict_is_pushed_when_clock_is_advanced(server, customer):
    server.scanner.approve(after=50)
    upload(customer, server)
    server.clock.advance(49)
    customer.assert_nothing_received()
    server.clock.advance(1)
    assert customer.receive_item()["Attachments"][0]["Status"] == "APPROVED"


def test_verdict_is_pushed_when_rule_changes(server, customer):
    server.scanner.hold()
    upload(customer, server)
    customer.assert_nothing_received()
    server.scanner.reject()
    assert customer.receive_item()["Attachments"][0]["Status"] == "REJECTED"
    server.scanner.hold()
    upload(customer, server)
    customer.assert_nothing_received()
    server.scanner.reset()
    assert customer.receive_item()["Attachments"][0]["Status"] == "APPROVED"


def test_reply_is_pushed(server, customer):
    server.replies.when("Hello", "Hi")
    customer.send_message("Hello")
    assert [customer.receive_item()["Content"] for _ in range(2)] == ["Hello", "Hi"]


def test_url_has_ticket_that_expires_after_100_seconds(server, join):
    customer = join()
    response = server.client.create_participant_connection(
        Type=["WEBSOCKET"], ParticipantToken=customer.participant_token
    )["Websocket"]
    expires_at = datetime.fromisoformat(response["ConnectionExpiry"].replace("Z", "+00:00"))
    assert 99 < (expires_at - datetime.now(timezone.utc)).total_seconds() <= 100
    assert customer.token not in customer.url
    assert customer.participant_token not in customer.url
    assert response["Url"] != customer.url
    server.clock.advance(99)
    customer.open()
    server.clock.advance(1)
    assert get_status(customer.url) == 403
    customer.assert_nothing_received()
    customer.connect()
    customer.open()


def test_invalid_ticket_is_forbidden(server, join):
    customer = join()
    base_url = customer.url.partition("?")[0]
    for url in (base_url, f"{base_url}?ticket=", f"{base_url}?ticket={customer.token}"):
        assert get_status(url) == 403
    customer.call("disconnect_participant")
    assert get_status(customer.url) == 403
    assert server.calls("DisconnectParticipant")


def test_request_without_handshake_is_rejected(join):
    url = join().url.replace("ws:", "http:")
    response = requests.get(url, timeout=20)
    assert (response.status_code, response.headers["upgrade"]) == (426, "websocket")
    headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
    response = requests.get(url, headers=headers, timeout=20)
    assert response.status_code == 400
    response = requests.get(f"{url}{'a' * 9000}", headers=headers, timeout=20)
    assert response.status_code == 400


def test_sixth_websocket_of_participant_is_rejected(server, join, customer):
    for _ in range(4):
        customer.open()
    assert get_status(customer.url) == 403
    server.assumptions.too_many_websockets = 429
    assert get_status(customer.url) == 429
    other = join(contact_id=server.chats[0].contact_id, role="AGENT")
    other.open()
    customer.socket.close()
    customer.open()
    customer.send_message("Hello")
    assert customer.receive_item()["Content"] == "Hello"


def test_fault_drops_oldest_websocket(server, join, customer):
    """The client reconnects, and misses what was sent in between."""
    agent = join(contact_id=server.chats[0].contact_id, role="AGENT")
    customer.receive_item()
    agent.open()
    server.inject("Websocket", ConnectionReset())
    with pytest.raises(websockets.exceptions.ConnectionClosedError) as raised:
        customer.socket.receive()
    assert isinstance(raised.value.__cause__, ConnectionResetError)
    agent.send_message("missed")
    customer.connect()
    customer.open()
    agent.send_message("Hello")
    assert customer.receive_item()["Content"] == "Hello"
    assert [agent.receive_item()["Content"] for _ in range(2)] == ["missed", "Hello"]


def test_fault_refuses_handshake_if_no_websocket_is_open(server, join):
    customer = join()
    server.inject("Websocket", ConnectionReset())
    with pytest.raises((ConnectionError, websockets.exceptions.InvalidMessage)):
        customer.open()
    customer.open()


def test_handshake_is_not_refused_by_fault_for_open_websocket(server, customer):
    first = customer.socket
    server.inject("Websocket", ConnectionReset())
    customer.open()
    with pytest.raises(websockets.exceptions.ConnectionClosedError):
        first.receive()


def test_reset_of_state_closes_websockets(server, customer):
    url = f"{server.endpoint_url}/_fake/reset"
    requests.post(url, json={}, timeout=20).raise_for_status()
    with pytest.raises(websockets.exceptions.ConnectionClosedOK) as raised:
        customer.socket.receive()
    assert raised.value.rcvd.code == 1001
    assert get_status(customer.url) == 403


def test_client_that_ignores_close_is_disconnected(server, join, monkeypatch):
    monkeypatch.setattr(_connection.Connection, "timeout", 0.3)
    with connect_raw(join().url) as client:
        assert receive_until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 101 ")
        requests.post(f"{server.endpoint_url}/_fake/reset", json={}, timeout=20)
        assert receive_until(client, b"never")[:1] == b"\x88"


def connect_raw(url, **options):
    """Return a socket that has sent a handshake."""
    parts = urlsplit(url)
    client = socket.socket()
    for option, value in options.items():
        client.setsockopt(socket.SOL_SOCKET, getattr(socket, option), value)
    client.settimeout(20)
    client.connect((parts.hostname, parts.port))
    client.sendall(
        f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}\r\n\r\n".encode()
    )
    return client


def receive_until(client, end):
    """Return the bytes that a socket receives until some bytes, or until the end."""
    received = b""
    while not received.endswith(end) and (data := client.recv(64 * 1024)):
        received += data
    return received


def make_frame(message):
    """Return the frame of a short message, with a masking key of zeros."""
    data = json.dumps(message).encode()
    return bytes([0x81, 0x80 | len(data)]) + bytes(4) + data


def test_slow_client_does_not_block_others(server, join, customer, monkeypatch):
    """A client that does not read is disconnected after a timeout."""
    monkeypatch.setattr(_connection.Connection, "timeout", 0.3)
    agent = join(contact_id=server.chats[0].contact_id, role="AGENT")
    customer.receive_item()
    with connect_raw(agent.url, SO_RCVBUF=4096) as slow:
        receive_until(slow, b"\r\n\r\n")
        slow.sendall(make_frame(SUBSCRIBE))
        assert b"success" in receive_until(slow, b"}}")
        content = "a" * 16_000
        for number in range(600):
            customer.send_message(f"{number} {content}")
            assert customer.receive_item()["Content"].startswith(f"{number} ")
        received = receive_until(slow, b"never")
    assert 0 < received.count(b'"topic": "aws/chat"') < 600


def test_client_with_full_queue_is_disconnected(customer, monkeypatch):
    """The test holds the backend's lock, so that the queue is not emptied in between."""
    monkeypatch.setattr(_websockets, "MAX_QUEUED_MESSAGES", 5)
    backend = get_backend()
    (participant,) = backend.participants.values()
    with backend.lock:
        for _ in range(6):
            backend.add_item(participant, "MESSAGE", ContentType="text/plain", Content="Hello")
    with pytest.raises(websockets.exceptions.ConnectionClosedError):
        customer.socket.receive()
    customer.open()
    with backend.lock:
        for _ in range(5):
            backend.add_item(participant, "MESSAGE", ContentType="text/plain", Content="Hello")
    assert [customer.receive_item()["Content"] for _ in range(5)] == ["Hello"] * 5


def test_many_participants_receive_all_items_in_order(server, join, customer):
    contact_id = server.chats[0].contact_id
    participants = [join(contact_id=contact_id, role="AGENT") for _ in range(8)]
    for _ in participants:
        customer.receive_item()
    for participant in participants:
        participant.open()

    def send(participant):
        for _ in range(10):
            participant.send_message("Hello")

    threads = [threading.Thread(target=send, args=(p,)) for p in participants]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = [item["Id"] for item in server.transcript if item["Type"] == "MESSAGE"]
    assert len(expected) == 80
    for participant in [customer, *participants]:
        assert [participant.receive_item()["Id"] for _ in expected] == expected


def count_threads_and_files():
    """Return the number of threads and the number of open file descriptors."""
    return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="requires /proc")
def test_stop_ends_open_websockets(scheme):
    with serve_connectparticipant():
        pass
    counts_before, threads_before = count_threads_and_files(), {*threading.enumerate()}
    with ExitStack() as stack:
        with serve_connectparticipant() as server:
            customer = Participant(server, stack, scheme=scheme)
            opened = [customer.open(subscribe=bool(number)) for number in range(3)]
            started_at = monotonic()
        assert monotonic() - started_at < 1
        for client in opened:
            with pytest.raises(websockets.exceptions.ConnectionClosed):
                client.receive()
    # The client's threads may end after the server.
    for thread in {*threading.enumerate()} - threads_before:
        thread.join(10)
    assert count_threads_and_files() == counts_before


def get_url(server, host, **headers):
    """Request the URL of a websocket with a Host header, and return it without its query."""
    response = requests.post(
        f"{server.endpoint_url}/participant/connection",
        json={"Type": ["WEBSOCKET"]},
        headers={"X-Amz-Bearer": server.participant_token(), "Host": host, **headers},
        timeout=20,
        verify=server.ca_bundle,
    )
    url, query = response.json()["Websocket"]["Url"].split("?")
    assert query.startswith("ticket=")
    return url


@pytest.mark.parametrize(
    ("host", "http_url", "page_url", "https_url"),
    [
        ("127.0.0.1:1", "ws://127.0.0.1:1/chat", "ws://127.0.0.1:1/chat", "ws://127.0.0.1:1/chat"),
        ("LocalHost:1", "ws://127.0.0.1:1/chat", "ws://127.0.0.1:1/chat", "ws://127.0.0.1:1/chat"),
        ("[::1]:1", "ws://[::1]:1/chat", "ws://[::1]:1/chat", "ws://[::1]:1/chat"),
        ("192.0.2.1", "ws://192.0.2.1/chat", "wss://192.0.2.1/chat", "wss://192.0.2.1/chat"),
        ("fake:80", "ws://fake:80/chat", "wss://fake:80/chat", "wss://fake:80/chat"),
        ("participant.connect.us-east-1.amazonaws.com", AWS_URL, AWS_URL, AWS_URL),
    ],
)
def test_url_depends_on_host_and_origin(host, http_url, page_url, https_url):
    """A browser's client accepts only wss, and ws on 127.0.0.1."""
    with serve_connectparticipant() as server:
        assert get_url(server, host) == http_url
        assert get_url(server, host, Origin="https://shop.example") == page_url
    with serve_connectparticipant(tls=True) as server:
        assert get_url(server, host) == https_url


@pytest.mark.parametrize(
    ("region", "suffix"),
    [("us-gov-west-1", "amazonaws.com"), ("cn-north-1", "amazonaws.com.cn")],
)
def test_url_at_aws_has_domain_of_partition(region, suffix):
    with serve_connectparticipant(region_name=region) as server:
        url = get_url(server, f"participant.connect.{region}.{suffix}")
        assert url == f"wss://chat.transport.connect.{region}.{suffix}/chat"


def test_start_chat_contact_returns_url_of_server(server, stack):
    url = f"{server.endpoint_url}/contact/chat"
    params = {
        "InstanceId": "instance",
        "ContactFlowId": "flow",
        "ParticipantDetails": {"DisplayName": "Jane"},
        "ConnectionTypes": ["WEBSOCKET", "CONNECTION_CREDENTIALS"],
        "ClientToken": "a",
    }
    headers = {"Authorization": "Credential=testing/20260101/us-east-1/connect/aws4_request"}
    urls = set()
    for _ in range(2):
        response = requests.put(url, json=params, headers=headers, timeout=20)
        urls.add(response.json()["Websocket"]["Url"])
    (websocket_url,) = urls
    assert urlsplit(websocket_url).netloc == urlsplit(server.endpoint_url).netloc
    stack.callback(WebsocketsClient(websocket_url, None).close)


def test_handshake_with_aws_host_opens_websocket(server, join):
    customer = join(scheme="wss")
    context = ssl.create_default_context(cafile=server.ca_bundle)
    parts = urlsplit(customer.url)
    raw = socket.create_connection((parts.hostname, parts.port), timeout=20)
    url = f"{AWS_URL}?{parts.query}"
    with connect_websocket(url, sock=raw, ssl=context) as connection:
        connection.send('{"topic": "aws/heartbeat"}')
        assert json.loads(connection.recv(timeout=20)) == {"topic": "aws/heartbeat"}


def test_page_of_any_origin_can_open_websocket(join):
    with connect_websocket(join().url, origin="https://shop.example") as connection:
        connection.send('{"topic": "aws/heartbeat"}')
        assert json.loads(connection.recv(timeout=20)) == {"topic": "aws/heartbeat"}


def test_server_logs_no_ticket(join, caplog):
    caplog.set_level(logging.DEBUG)
    url = join().url
    ticket = urlsplit(url).query.partition("=")[2]
    caplog.clear()
    with connect_raw(url) as client:
        assert receive_until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 101 ")
    assert ticket not in caplog.text
