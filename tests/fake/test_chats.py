"""The rest of the service: chats, messages, events, views, authentication."""

import json

import boto3
import pytest
import requests

import attach_confirm
from attach_confirm_stubs import FakeConnectParticipant, fake_connectparticipant

CHATS = "https://connect.us-east-1.amazonaws.com/contact/chat"
EVENT = "application/vnd.amazonaws.connect.event."


@pytest.fixture
def say(fake, token):
    """Return a way to say something."""

    def send(content="Hello", content_type="text/plain", token=token, **params):
        return fake.client.send_message(
            ContentType=content_type, Content=content, ConnectionToken=token, **params
        )

    return send


def kinds(fake):
    """Return the items of the transcript as type and content type."""
    return [
        (item["Type"], item.get("ContentType", "").removeprefix(EVENT)) for item in fake.transcript
    ]


class TestMessages:
    """What is said is in the transcript."""

    def test_a_message(self, fake, say):
        """The answer's Id and AbsoluteTime are those of the item."""
        answer = say("Hello", "text/markdown")
        (item,) = fake.transcript
        assert (item["Type"], item["Content"], item["ContentType"]) == (
            "MESSAGE",
            "Hello",
            "text/markdown",
        )
        assert (item["Id"], item["AbsoluteTime"]) == (answer["Id"], answer["AbsoluteTime"])

    def test_a_client_token_says_it_once(self, fake, say):
        """The same ClientToken is answered again and said once; without one, each is said."""
        once = {say(ClientToken="once")["Id"] for _ in range(2)}
        assert len(once) == 1
        assert {say(ClientToken="twice")["Id"], say()["Id"]} & once == set()
        assert len(fake.transcript) == 3

    @pytest.mark.parametrize(
        ("content", "content_type"), [("x", "text/html"), ("ä" * 8193, "text/plain")]
    )
    def test_what_is_refused(self, fake, say, content, content_type):
        """A type that there is not, and more than 16,384 bytes."""
        with pytest.raises(fake.client.exceptions.ValidationException):
            say(content, content_type)
        assert fake.transcript == []

    def test_the_most_that_is_taken(self, fake, say):
        """16,384 bytes are taken."""
        say("ä" * 8192)
        assert len(fake.transcript) == 1


class TestEvents:
    """Events are for the others, and receipts for the message."""

    @pytest.mark.parametrize("event", ["typing", "connection.acknowledged"])
    def test_typing_is_not_in_the_transcript(self, fake, token, event):
        """An event is answered, and leaves no item, unless that is switched."""
        answer = fake.client.send_event(ContentType=EVENT + event, ConnectionToken=token)
        assert answer["Id"]
        assert fake.transcript == []
        fake.assumptions.typing_item = True
        fake.client.send_event(ContentType=EVENT + event, ConnectionToken=token)
        assert kinds(fake) == ([("EVENT", "typing")] if event == "typing" else [])

    def test_receipts(self, fake, token, say):
        """A message that was delivered and read says so, once for each who did."""
        message = say()["Id"]
        contact_id = fake.transcript[0]["ContactId"]
        agent = fake.connection_token(contact_id=contact_id, role="AGENT")
        for event in ("message.delivered", "message.read", "message.read"):
            fake.client.send_event(
                ContentType=EVENT + event,
                Content=json.dumps({"messageId": message}),
                ConnectionToken=agent,
            )
        (item,) = fake.client.get_transcript(ConnectionToken=token)["Transcript"]
        assert item["MessageMetadata"]["MessageId"] == message
        (receipt,) = item["MessageMetadata"]["Receipts"]
        assert receipt.keys() == {
            "RecipientParticipantId",
            "DeliveredTimestamp",
            "ReadTimestamp",
        }

    @pytest.mark.parametrize(
        ("event", "content"),
        [
            ("participant.joined", "x"),
            ("message.read", "no JSON"),
            ("message.read", "[]"),
            ("message.read", "{}"),
            ("message.read", '{"messageId": "no-such-message"}'),
        ],
    )
    def test_what_is_refused(self, fake, token, say, event, content):
        """An event that is the service's own, and a receipt for no message."""
        say()
        with pytest.raises(fake.client.exceptions.ValidationException):
            fake.client.send_event(
                ContentType=EVENT + event, Content=content, ConnectionToken=token
            )


class TestDisconnect:
    """Who has left is out."""

    def test_the_customer_ends_the_chat(self, fake, token):
        """Nobody's token works any more, and the transcript tells why."""
        contact_id = fake.client.get_transcript(ConnectionToken=token)["InitialContactId"]
        agent = fake.participant_token(contact_id=contact_id, role="AGENT", display_name="Joe")
        agents = attach_confirm.connect(fake.client, agent).token
        fake.client.disconnect_participant(ConnectionToken=token)
        for wrong in (token, agents):
            with pytest.raises(fake.client.exceptions.AccessDeniedException):
                fake.client.get_transcript(ConnectionToken=wrong)
        with pytest.raises(fake.client.exceptions.AccessDeniedException):
            attach_confirm.connect(fake.client, agent)
        assert kinds(fake) == [
            ("EVENT", "participant.joined"),
            ("EVENT", "participant.left"),
            ("EVENT", "chat.ended"),
        ]

    def test_an_agent_leaves_alone(self, fake, token):
        """The chat goes on without the agent; with the switch, without the customer too."""
        contact_id = fake.client.get_transcript(ConnectionToken=token)["InitialContactId"]
        agents = [fake.connection_token(contact_id=contact_id, role="AGENT") for _ in range(2)]
        fake.client.disconnect_participant(ConnectionToken=agents[0])
        fake.client.get_transcript(ConnectionToken=token)
        fake.assumptions.chat_ends_with_customer = False
        fake.client.disconnect_participant(ConnectionToken=token)
        fake.client.get_transcript(ConnectionToken=agents[1])
        for wrong in (agents[0], token):
            with pytest.raises(fake.client.exceptions.AccessDeniedException):
                fake.client.get_transcript(ConnectionToken=wrong)

    def test_again_is_the_same_answer(self, fake, token):
        """A repeated disconnect under its ClientToken is no error; under another it is."""
        for _ in range(2):
            fake.client.disconnect_participant(ConnectionToken=token, ClientToken="once")
        with pytest.raises(fake.client.exceptions.AccessDeniedException):
            fake.client.disconnect_participant(ConnectionToken=token, ClientToken="twice")
        assert len(fake.transcript) == 2


class TestConnections:
    """Who connects is shown."""

    def test_joining_is_told_once(self, fake):
        """A connection that marks the participant as connected is told to the chat, once."""
        participant = fake.participant_token(display_name="Jane")
        for _ in range(2):
            attach_confirm.connect(fake.client, participant)
        (item,) = fake.transcript
        assert (item["DisplayName"], item["ContentType"]) == (
            "Jane",
            f"{EVENT}participant.joined",
        )

    def test_joining_may_stay_untold(self, fake):
        """The switch leaves the transcript to what is said."""
        fake.assumptions.joined_item = False
        attach_confirm.connect(fake.client, fake.participant_token())
        assert fake.transcript == []

    def test_webrtc_is_not_for_chats(self, fake):
        """A connection that a chat cannot have is refused."""
        with pytest.raises(fake.client.exceptions.ValidationException):
            fake.client.create_participant_connection(
                Type=["WEBRTC_CONNECTION"], ParticipantToken=fake.participant_token()
            )

    def test_another_chats_transcript_is_refused(self, fake, token):
        """The ContactId is that of the chat, or it is refused."""
        contact_id = fake.client.get_transcript(ConnectionToken=token)["InitialContactId"]
        fake.client.get_transcript(ConnectionToken=token, ContactId=contact_id)
        with pytest.raises(fake.client.exceptions.ValidationException):
            fake.client.get_transcript(ConnectionToken=token, ContactId="another")

    def test_a_bot_gets_no_attachments(self, fake, token):
        """A CUSTOM_BOT is denied what a customer sent."""
        sent = attach_confirm.upload(fake.client, b"1", token, name="a.txt").attachment_id
        contact_id = fake.transcript[0]["ContactId"]
        bot = fake.connection_token(contact_id=contact_id, role="CUSTOM_BOT")
        with pytest.raises(fake.client.exceptions.AccessDeniedException):
            fake.client.get_attachment(AttachmentId=sent, ConnectionToken=bot)

    def test_a_chat_that_there_is_not(self, fake):
        """A handle adds nobody to a chat that nobody is in."""
        with pytest.raises(ValueError, match="unknown contact_id 'none'"):
            fake.participant_token(contact_id="none")


class TestViews:
    """A view is what the test made it."""

    def test_a_view(self, fake, token):
        """DescribeView answers with the view of the token, which may hold any character."""
        view = {"Id": "v-1", "Name": "form", "Version": 3, "Content": {"Template": "{}"}}
        answer = fake.client.describe_view(ViewToken=fake.view_token(**view), ConnectionToken=token)
        assert answer["View"] == view

    def test_a_view_that_there_is_not(self, fake, token):
        """A token of no view is a ResourceNotFoundException, 404."""
        with pytest.raises(fake.client.exceptions.ResourceNotFoundException) as refused:
            fake.client.describe_view(ViewToken="a/b c", ConnectionToken=token)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
        assert fake.calls[-1].params["ViewToken"] == "a/b c"


class TestAuthentication:
    """A customer is asked to sign in."""

    def test_a_session(self, fake, token):
        """The session is in the transcript, has a URL for a minute, and can be cancelled."""
        session = {"SessionId": fake.authentication_session(token), "ConnectionToken": token}
        answer = fake.client.get_authentication_url(RedirectUri="https://example.com", **session)
        assert "redirect_uri=https%3A%2F%2Fexample.com" in answer["AuthenticationUrl"]
        assert json.loads(fake.transcript[0]["Content"]) == {"SessionId": session["SessionId"]}
        fake.clock.advance(60)
        with pytest.raises(fake.client.exceptions.ValidationException):
            fake.client.get_authentication_url(RedirectUri="https://example.com", **session)
        fake.client.cancel_participant_authentication(**session)
        with pytest.raises(fake.client.exceptions.ValidationException):
            fake.client.cancel_participant_authentication(**session)
        assert [kind for _, kind in kinds(fake)] == [
            "authentication.initiated",
            "authentication.cancelled",
        ]

    def test_another_ones_session(self, fake, token):
        """Nobody else's session can be cancelled."""
        session_id = fake.authentication_session(token)
        with pytest.raises(fake.client.exceptions.ValidationException):
            fake.client.cancel_participant_authentication(
                SessionId=session_id, ConnectionToken=fake.connection_token()
            )


class TestStartChatContact:
    """Participant tokens come from where they really come from."""

    @pytest.fixture
    def begin(self, fake):
        """Return a way to start a chat."""

        def start(region=fake.region_name, **params):
            return boto3.client("connect", region).start_chat_contact(
                **{
                    "InstanceId": "i-1",
                    "ContactFlowId": "flow-1",
                    "ParticipantDetails": {"DisplayName": "Jane"},
                    **params,
                }
            )

        return start

    def test_the_whole_way(self, fake, begin):
        """From StartChatContact to an approved attachment."""
        chat = begin(InitialMessage={"ContentType": "text/plain", "Content": "Hello"})
        token = attach_confirm.connect(fake.client, chat["ParticipantToken"]).token
        attach_confirm.upload(fake.client, b"1", token, name="a.txt")
        items = fake.client.get_transcript(ConnectionToken=token, SortOrder="ASCENDING")
        assert items["InitialContactId"] == chat["ContactId"]
        assert {item["ParticipantId"] for item in items["Transcript"]} == {chat["ParticipantId"]}
        assert [item["Type"] for item in items["Transcript"]] == [
            "MESSAGE",
            "EVENT",
            "ATTACHMENT",
        ]

    def test_a_client_token_starts_it_once(self, begin):
        """The same ClientToken is the same chat."""
        one, two, three = begin(ClientToken="a"), begin(ClientToken="a"), begin(ClientToken="b")
        assert one["ContactId"] == two["ContactId"] != three["ContactId"]
        assert begin()["ContactId"] != begin()["ContactId"]

    def test_what_the_chat_takes(self, fake, begin):
        """A chat takes plain text, and what else it was started with; for as long as was said."""
        plain = begin()
        rich = begin(SupportedMessagingContentTypes=["text/plain", "text/markdown"])
        brief = begin(ChatDurationInMinutes=60)
        tokens = [
            attach_confirm.connect(fake.client, chat["ParticipantToken"]).token
            for chat in (plain, rich, brief)
        ]
        say = {"ContentType": "text/markdown", "Content": "*Hi*"}
        fake.client.send_message(ConnectionToken=tokens[1], **say)
        with pytest.raises(fake.client.exceptions.ValidationException):
            fake.client.send_message(ConnectionToken=tokens[0], **say)
        fake.clock.advance(3600)
        fake.client.get_transcript(ConnectionToken=tokens[0])
        with pytest.raises(fake.client.exceptions.AccessDeniedException):
            fake.client.get_transcript(ConnectionToken=tokens[2])

    def test_regions_and_accounts(self, begin):
        """The chat is in the region and account of who signed."""
        with fake_connectparticipant("us-west-2") as other:
            chat = begin("us-west-2")
            attach_confirm.connect(other.client, chat["ParticipantToken"])
            assert len(other.transcript) == 1
            assert FakeConnectParticipant("us-east-1").transcript == []

    @pytest.mark.parametrize(
        "body",
        [
            b"no JSON",
            b"[]",
            b'{"InstanceId": "i-1"}',
            b'{"InstanceId": "i-1", "ContactFlowId": "f", "ParticipantDetails": 1}',
            (
                b'{"InstanceId": "i-1", "ContactFlowId": "f", "ChatDurationInMinutes": 59,'
                b' "ParticipantDetails": {"DisplayName": "Jane"}}'
            ),
        ],
    )
    @pytest.mark.usefixtures("fake")
    def test_what_is_refused(self, body):
        """A request that is not one for StartChatContact is answered as AWS does."""
        signed = "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/connect/aws4_request, x"
        answer = requests.put(CHATS, body, headers={"Authorization": signed}, timeout=5)
        assert answer.status_code == 400
        assert answer.headers["x-amzn-errortype"] == "InvalidRequestException"

    @pytest.mark.usefixtures("fake")
    def test_a_region_that_there_is_not(self):
        """A signature for an unknown region is answered too, and is no error of the fake's."""
        signed = "AWS4-HMAC-SHA256 Credential=AKIA/20260101/xx-fake-1/connect/aws4_request, x"
        answer = requests.put(CHATS, b"{}", headers={"Authorization": signed}, timeout=5)
        assert answer.status_code == 400

    @pytest.mark.usefixtures("fake")
    def test_who_does_not_sign_is_refused(self):
        """Amazon Connect itself wants a signature."""
        answer = requests.put(CHATS, b"{}", timeout=5)
        assert answer.status_code == 403
        assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"


class TestWire:
    """Whatever is sent, an answer is as AWS's."""

    @pytest.mark.parametrize(
        ("method", "path", "body", "status", "code"),
        [
            ("POST", "no-such-path", b"{}", 404, "UnknownOperationException"),
            ("GET", "transcript", b"", 404, "UnknownOperationException"),
            ("POST", "transcript", b"{", 400, "SerializationException"),
            ("POST", "transcript", b"null", 400, "SerializationException"),
            ("POST", "transcript", b"[]", 400, "SerializationException"),
            ("POST", "transcript", b"\xff", 400, "SerializationException"),
            ("POST", "transcript", b"[" * 100_000, 400, "SerializationException"),
            ("POST", "message", b'{"Content": 1}', 400, "ValidationException"),
            ("POST", "transcript", b'{"MaxResults": null}', 200, None),
        ],
    )
    def test_a_raw_request(self, token, method, path, body, status, code):  # noqa: PLR0917
        """JSON that is none, a path that leads nowhere, a member of another type."""
        answer = requests.request(
            method,
            f"https://participant.connect.us-east-1.amazonaws.com/participant/{path}",
            data=body,
            headers={"X-Amz-Bearer": token, "Content-Type": "application/json"},
            timeout=5,
        )
        assert (answer.status_code, answer.headers.get("x-amzn-errortype")) == (status, code)

    @pytest.mark.usefixtures("fake")
    def test_a_request_without_a_token(self):
        """Nobody is asking: the parameter is missing."""
        answer = requests.post(
            "https://participant.connect.us-east-1.amazonaws.com/participant/transcript",
            b"{}",
            timeout=5,
        )
        assert (answer.status_code, "'ConnectionToken'" in answer.text) == (400, True)

    def test_a_dual_stack_endpoint_is_the_same_service(self, fake, token):
        """A client for dual-stack endpoints sees the same chats."""
        config = boto3.session.Config(use_dualstack_endpoint=True)
        client = attach_confirm.client("us-east-1", config=config)
        assert client.meta.endpoint_url.endswith(".api.aws")
        attach_confirm.upload(client, b"1", token, name="a.txt")
        assert len(fake.attachments) == 1

    def test_an_unknown_region_is_denied(self, token):
        """A region that there is not knows no token."""
        client = attach_confirm.client("xx-fake-1")
        with pytest.raises(client.exceptions.AccessDeniedException):
            client.get_transcript(ConnectionToken=token)

    def test_a_url_of_another_bucket_is_refused(self, fake, token):
        """A URL that was given out for another place is a wrong signature, put or got."""
        started = attach_confirm.start(
            fake.client, name="a", size=1, content_type="text/plain", connection_token=token
        )
        for old, new in (("us-east-1", "xx-fake-1"), ("/staging/", "/final/")):
            url = started.url.replace(old, new)
            for method in ("PUT", "GET"):
                answer = requests.request(method, url, data=b"1", timeout=5)
                assert (answer.status_code, "SignatureDoesNotMatch" in answer.text) == (403, True)

    def test_a_download_that_is_gone(self, fake, token):
        """A URL of bytes that were deleted is answered as S3 does."""
        sent = attach_confirm.upload(fake.client, b"1", token, name="a.txt").attachment_id
        there = fake.client.get_attachment(AttachmentId=sent, ConnectionToken=token)
        s3 = boto3.client("s3", "us-east-1")
        (bucket,) = s3.list_buckets()["Buckets"]
        s3.delete_object(Bucket=bucket["Name"], Key=f"final/{sent}")
        gone = requests.get(there["Url"], timeout=5)
        assert (gone.status_code, "NoSuchKey" in gone.text) == (404, True)

    def test_the_decorator_needs_parentheses(self):
        """Without them, the function would be taken for a region."""
        with pytest.raises(TypeError, match="with parentheses"), fake_connectparticipant(print):
            pass
