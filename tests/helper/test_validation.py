"""Arguments that cannot be right are refused, by name, before anything is sent."""

import boto3
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import attach_confirm
from attach_confirm import InvalidInputError

TOKEN = "a-connection-token"


@pytest.fixture
def nothing_sent(client, recorded_requests):
    """Check at the end that the client sent nothing."""
    sent = recorded_requests(client)
    yield
    assert sent == []


def started(client, **changed):
    """Start an upload that is in order but for what is changed."""
    wanted = {
        "name": "receipt.pdf",
        "size": 3,
        "content_type": "application/pdf",
        "connection_token": TOKEN,
    }
    return attach_confirm.start(client, **{**wanted, **changed})


# The function, the parameter's name, the most characters that the service takes.
TEXTS = [
    pytest.param(lambda c, v: started(c, name=v), "name", 256, id="start-name"),
    pytest.param(lambda c, v: started(c, content_type=v), "content_type", 255, id="start-type"),
    pytest.param(lambda c, v: started(c, client_token=v), "client_token", 500, id="start-client"),
    pytest.param(
        lambda c, v: attach_confirm.confirm(c, v, TOKEN), "attachment_id", 256, id="confirm-id"
    ),
    pytest.param(
        lambda c, v: attach_confirm.confirm(c, "att-1", TOKEN, client_token=v),
        "client_token",
        500,
        id="confirm-client",
    ),
    pytest.param(
        lambda c, v: attach_confirm.status(c, v, TOKEN), "attachment_id", 256, id="status-id"
    ),
    pytest.param(lambda c, v: attach_confirm.wait(c, v, TOKEN), "attachment_id", 256, id="wait-id"),
    pytest.param(
        lambda c, v: attach_confirm.upload(c, b"abc", TOKEN, name=v, content_type="text/plain"),
        "name",
        256,
        id="upload-name",
    ),
    pytest.param(
        lambda c, v: attach_confirm.upload(c, b"abc", TOKEN, name="a.txt", content_type=v),
        "content_type",
        255,
        id="upload-type",
    ),
    pytest.param(
        lambda c, v: attach_confirm.upload(c, b"abc", TOKEN, name="a.txt", client_token=v),
        "client_token",
        500,
        id="upload-client",
    ),
]
TOKENS = [
    pytest.param(attach_confirm.connect, "participant_token", id="connect"),
    pytest.param(lambda c, v: started(c, connection_token=v), "connection_token", id="start"),
    pytest.param(
        lambda c, v: attach_confirm.confirm(c, "att-1", v), "connection_token", id="confirm"
    ),
    pytest.param(
        lambda c, v: attach_confirm.status(c, "att-1", v), "connection_token", id="status"
    ),
    pytest.param(lambda c, v: attach_confirm.wait(c, "att-1", v), "connection_token", id="wait"),
    pytest.param(
        lambda c, v: attach_confirm.upload(c, b"abc", v, name="a.txt"),
        "connection_token",
        id="upload",
    ),
]


@pytest.mark.usefixtures("nothing_sent")
class TestTexts:
    """Every text of every function."""

    @pytest.mark.parametrize(("call", "parameter", "most"), TEXTS)
    def test_too_long(self, client, call, parameter, most):
        """A text over the service's limit is refused with its length and the limit."""
        with pytest.raises(InvalidInputError) as refused:
            call(client, "x" * (most + 1))
        assert refused.value.parameter == parameter
        assert (
            str(refused.value)
            == f"{parameter}: has {most + 1} characters, and the service takes 1 to {most}"
        )

    @pytest.mark.parametrize(("call", "parameter", "most"), TEXTS)
    def test_empty(self, client, call, parameter, most):
        """An empty text is refused with its length and the limit."""
        with pytest.raises(InvalidInputError) as refused:
            call(client, "")
        assert refused.value.parameter == parameter
        assert refused.value.reason == f"has 0 characters, and the service takes 1 to {most}"

    @pytest.mark.parametrize("wrong", [b"text", ["text"], 7, ("a", "b")])
    @pytest.mark.parametrize(("call", "parameter", "most"), TEXTS)
    def test_no_text(self, client, call, parameter, most, wrong):
        """What is no str is refused with its type, and not sent as one."""
        del most
        with pytest.raises(InvalidInputError) as refused:
            call(client, wrong)
        assert refused.value.parameter == parameter
        assert refused.value.reason == f"must be one str, not {type(wrong).__name__}"

    @pytest.mark.parametrize(
        "wrong",
        [
            ("\n", "control character, U+000A"),
            ("\0", "control character, U+0000"),
            ("\x7f", "control character, U+007F"),
            ("\x85", "control character, U+0085"),
            ("\ud800", "lone surrogate, U+D800"),
        ],
    )
    @pytest.mark.parametrize(("call", "parameter", "most"), TEXTS)
    def test_characters(self, client, call, parameter, most, wrong):
        """A character that no header can carry is refused with its code and its place."""
        del most
        character, kind = wrong
        with pytest.raises(InvalidInputError) as refused:
            call(client, f"ab{character}c")
        assert refused.value.parameter == parameter
        assert refused.value.reason == f"has 4 characters, and a {kind}, at position 2"


@pytest.mark.usefixtures("nothing_sent")
class TestTokens:
    """The tokens of every function."""

    @pytest.mark.parametrize("edge", ["secret\n", "\nsecret", "sec\rret", "secret\t", "secret\0"])
    @pytest.mark.parametrize(("call", "parameter"), TOKENS)
    def test_control_characters(self, client, call, parameter, edge):
        """A token with a stray newline is refused, and not echoed."""
        with pytest.raises(InvalidInputError) as refused:
            call(client, edge)
        assert refused.value.parameter == parameter
        assert "has 7 characters, and a control character" in str(refused.value)
        assert "secret" not in repr(refused.value)
        assert refused.value.__cause__ is refused.value.__context__ is None

    @pytest.mark.parametrize(
        "edge", [" secret", "secret ", "sec ret", "secr\xe9t ", "sec\u2028ret"]
    )
    @pytest.mark.parametrize(("call", "parameter"), TOKENS)
    def test_blanks_and_beyond_ascii(self, client, call, parameter, edge):
        """A token with blanks or characters outside ASCII is refused, and not echoed."""
        with pytest.raises(InvalidInputError) as refused:
            call(client, edge)
        assert refused.value.parameter == parameter
        assert refused.value.reason.startswith("has 7 characters, and a blank or one outside")
        assert "sec" not in repr(refused.value)

    @pytest.mark.parametrize(("call", "parameter"), TOKENS)
    @pytest.mark.parametrize("length", [0, 1001])
    def test_lengths(self, client, call, parameter, length):
        """A token's length is checked, and only its length is told."""
        with pytest.raises(InvalidInputError) as refused:
            call(client, "s" * length)
        assert refused.value.parameter == parameter
        assert refused.value.reason == f"has {length} characters, and the service takes 1 to 1000"

    @pytest.mark.parametrize("wrong", [b"secret", None, ["secret"]])
    @pytest.mark.parametrize(("call", "parameter"), TOKENS)
    def test_no_text(self, client, call, parameter, wrong):
        """A token that is no str is refused, and not echoed."""
        with pytest.raises(InvalidInputError) as refused:
            call(client, wrong)
        assert refused.value.parameter == parameter
        assert refused.value.reason == f"must be one str, not {type(wrong).__name__}"
        assert "secret" not in repr(refused.value)


@pytest.mark.usefixtures("nothing_sent")
class TestNumbers:
    """Sizes, and choices."""

    @pytest.mark.parametrize("size", [0, -1, 1.5, "3", True, None])
    def test_sizes(self, client, size):
        """A size that is not a whole number of at least 1 is refused with what was given."""
        with pytest.raises(InvalidInputError) as refused:
            started(client, size=size)
        assert str(refused.value) == (
            f"size: must be a whole number of bytes, at least 1, not {size!r}"
        )

    @pytest.mark.parametrize("choice", ["", "CHECK", None, "ignore"])
    def test_on_conflict(self, client, choice):
        """An unknown choice is refused before the confirmation is sent."""
        with pytest.raises(InvalidInputError) as refused:
            attach_confirm.confirm(client, "att-1", TOKEN, on_conflict=choice)
        assert str(refused.value) == f"on_conflict: must be 'raise' or 'check', not {choice!r}"

    @pytest.mark.parametrize("timeout", [-1, -0.001, float("nan"), float("inf")])
    def test_timeouts(self, client, timeout):
        """A timeout that is not a time to wait for is refused before the service is asked."""
        with pytest.raises(InvalidInputError) as refused:
            attach_confirm.wait(client, "att-1", TOKEN, timeout=timeout)
        assert str(refused.value) == (
            f"timeout: must be 0 or more seconds, and finite, not {timeout!r}"
        )


@pytest.mark.parametrize(
    "name",
    ["x" * 256, "\U0001f600" * 256, "Beleg f\xfcr M\xe4rz.pdf", "\u65e5\u672c.pdf", 'a "b" \\c'],
)
def test_names_within_the_limits_are_sent(client, scripted_responses, recorded_requests, name):
    """A name counts by characters, and is the service's to judge beyond its length."""
    scripted_responses(client, "connectparticipant.StartAttachmentUpload", 400)
    sent = recorded_requests(client)
    with pytest.raises(client.exceptions.ClientError):
        started(client, name=name)
    assert [request.body["AttachmentName"] for request in sent] == [name]


@pytest.mark.usefixtures("nothing_sent")
@pytest.mark.parametrize("wrong", [b"a.txt", 7, ["a.txt"], "", "x" * 257])
def test_a_name_is_looked_at_before_its_ending(client, wrong):
    """A wrong name is refused as a name, also where the content type should come from it."""
    with pytest.raises(InvalidInputError) as refused:
        attach_confirm.upload(client, b"abc", TOKEN, name=wrong)
    assert refused.value.parameter == "name"


@pytest.mark.parametrize("service", ["connect", "s3", "sts"])
def test_another_services_client(service):
    """A client of another service is refused, with what to do instead."""
    other = boto3.client(service, region_name="us-west-2")
    calls = {
        "CreateParticipantConnection": lambda: attach_confirm.connect(other, TOKEN),
        "StartAttachmentUpload": lambda: started(other),
        "CompleteAttachmentUpload": lambda: attach_confirm.confirm(other, "att-1", TOKEN),
        "GetTranscript": lambda: attach_confirm.status(other, "att-1", TOKEN),
    }
    for operation, call in calls.items():
        with pytest.raises(InvalidInputError) as refused:
            call()
        assert str(refused.value) == (
            f"client: a {service} client cannot {operation}; make one with attach_confirm.client()"
        )


def test_another_services_client_cannot_put(pending):
    """A client of another service is refused before the bytes are sent."""
    with pytest.raises(
        InvalidInputError, match=r"^client: a s3 client cannot StartAttachmentUpload"
    ):
        attach_confirm.put(boto3.client("s3", region_name="us-west-2"), pending(), b"abc")


@given(token=st.text(max_size=1100))
@example(token="\x1f")
@example(token="tok\u00adken")
def test_wild_tokens(client, scripted_responses, token):
    """Whatever a token is made of, it is either refused by length or by kind, or sent as is."""
    sent = scripted_responses(client, "connectparticipant.CompleteAttachmentUpload", (200, {}, {}))
    if 1 <= len(token) <= 1000 and all("!" <= character <= "~" for character in token):
        attach_confirm.confirm(client, "att-1", token)
        assert sent[0].headers["X-Amz-Bearer"] == token.encode()
    else:
        with pytest.raises(InvalidInputError, match=r"^connection_token: has \d+ characters, and"):
            attach_confirm.confirm(client, "att-1", token)
        assert not sent
