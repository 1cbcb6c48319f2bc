import unicodedata

import boto3
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import attach_confirm
from attach_confirm import InvalidInputError
from tests.support.stubs import NonSeekableStream

TOKEN = "a-connection-token"


@pytest.fixture
def nothing_sent(client, recorded_requests):
    """Check after the test that the client sent no request."""
    requests = recorded_requests(client)
    yield
    assert requests == []


def start(client, **changes):
    kwargs = {
        "name": "receipt.pdf",
        "size": 3,
        "content_type": "application/pdf",
        "connection_token": TOKEN,
    }
    return attach_confirm.start(client, **{**kwargs, **changes})


# The function, the argument's name, the maximum length.
STRINGS = [
    pytest.param(lambda c, v: start(c, name=v), "name", 256, id="start-name"),
    pytest.param(lambda c, v: start(c, content_type=v), "content_type", 255, id="start-type"),
    pytest.param(lambda c, v: start(c, client_token=v), "client_token", 500, id="start-client"),
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
    pytest.param(lambda c, v: start(c, connection_token=v), "connection_token", id="start"),
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
class TestValidateString:
    @pytest.mark.parametrize(("call", "argument_name", "max_length"), STRINGS)
    def test_length_out_of_range_is_rejected(self, client, call, argument_name, max_length):
        for length in (0, max_length + 1):
            with pytest.raises(InvalidInputError) as raised:
                call(client, "x" * length)
            assert raised.value.parameter == argument_name
            assert str(raised.value) == (
                f"{argument_name}: has {length} characters; must have 1 to {max_length}"
            )

    @pytest.mark.parametrize(("call", "argument_name", "max_length"), STRINGS)
    def test_other_type_is_rejected(self, client, call, argument_name, max_length):
        del max_length
        for value in (b"text", ["text"], 7, ("a", "b")):
            with pytest.raises(InvalidInputError) as raised:
                call(client, value)
            assert raised.value.parameter == argument_name
            assert raised.value.reason == f"must be a str, not {type(value).__name__}"

    @pytest.mark.parametrize(("call", "argument_name", "max_length"), STRINGS)
    def test_forbidden_character_is_rejected(self, client, call, argument_name, max_length):
        del max_length
        for character, description in (
            ("\n", "control character (U+000A)"),
            ("\0", "control character (U+0000)"),
            ("\x7f", "control character (U+007F)"),
            ("\x85", "control character (U+0085)"),
            ("\ud800", "lone surrogate (U+D800)"),
        ):
            with pytest.raises(InvalidInputError) as raised:
                call(client, f"ab{character}c")
            assert raised.value.parameter == argument_name
            assert raised.value.reason == f"contains a {description} at position 2; remove it"

    @pytest.mark.parametrize("name", [b"a.txt", 7, ["a.txt"]])
    def test_type_of_name_is_checked_before_content_type_is_guessed(self, client, name):
        with pytest.raises(InvalidInputError) as raised:
            attach_confirm.upload(client, b"abc", TOKEN, name=name)
        assert raised.value.parameter == "name"


@pytest.mark.usefixtures("nothing_sent")
@pytest.mark.parametrize(("call", "argument_name"), TOKENS)
class TestValidateToken:
    def test_control_character_is_rejected(self, client, call, argument_name):
        for token in ("secret\n", "\nsecret", "sec\rret", "secret\t", "secret\0"):
            with pytest.raises(InvalidInputError) as raised:
                call(client, token)
            assert raised.value.parameter == argument_name
            assert raised.value.reason.startswith("contains a control character (U+00")
            assert "sec" not in repr(raised.value)
            assert raised.value.__cause__ is raised.value.__context__ is None

    def test_space_or_non_ascii_character_is_rejected(self, client, call, argument_name):
        for token in (" secret", "secret ", "sec ret", "secr\xe9t", "sec\u2028ret"):
            with pytest.raises(InvalidInputError) as raised:
                call(client, token)
            assert raised.value.parameter == argument_name
            assert raised.value.reason == (
                "contains a space or a non-ASCII character; pass only the token"
            )
            assert "secr" not in repr(raised.value)

    def test_length_out_of_range_is_rejected(self, client, call, argument_name):
        for length in (0, 1001):
            with pytest.raises(InvalidInputError) as raised:
                call(client, "s" * length)
            assert raised.value.parameter == argument_name
            assert raised.value.reason == f"has {length} characters; must have 1 to 1000"

    def test_other_type_is_rejected(self, client, call, argument_name):
        for token in (b"secret", None, ["secret"]):
            with pytest.raises(InvalidInputError) as raised:
                call(client, token)
            assert raised.value.parameter == argument_name
            assert raised.value.reason == f"must be a str, not {type(token).__name__}"
            assert "secret" not in repr(raised.value)


@given(token=st.text(max_size=1100))
@example(token="\x1f")
@example(token="tok\u00adken")
@example(token="t" * 1000)
def test_validate_token_property(client, scripted_responses, token):
    """Every string is either sent unchanged or rejected."""
    requests = scripted_responses(
        client, "connectparticipant.CompleteAttachmentUpload", (200, {}, {})
    )
    if 1 <= len(token) <= 1000 and all("!" <= character <= "~" for character in token):
        attach_confirm.confirm(client, "att-1", token)
        assert requests[0].headers["X-Amz-Bearer"] == token.encode()
    else:
        with pytest.raises(InvalidInputError, match=r"^connection_token: "):
            attach_confirm.confirm(client, "att-1", token)
        assert not requests


@pytest.mark.usefixtures("nothing_sent")
class TestOtherArguments:
    @pytest.mark.parametrize("size", [0, -1, 1.5, "3", True, None])
    def test_invalid_size_is_rejected(self, client, size):
        with pytest.raises(InvalidInputError, match=f"^size: .*, not {size!r}$"):
            start(client, size=size)

    @pytest.mark.parametrize("size", [0, -1, 1.5, "3", True])
    @pytest.mark.parametrize("source", [b"1", NonSeekableStream(b"1")], ids=["bytes", "stream"])
    def test_invalid_size_of_upload_is_rejected(self, client, source, size):
        with pytest.raises(InvalidInputError, match=f"^size: .*, not {size!r}$"):
            attach_confirm.upload(client, source, "token", name="a.txt", size=size)

    @pytest.mark.parametrize("on_conflict", ["", "CHECK", None])
    def test_invalid_on_conflict_is_rejected(self, client, on_conflict):
        with pytest.raises(
            InvalidInputError,
            match=f"^on_conflict: must be 'raise' or 'check', not {on_conflict!r}$",
        ):
            attach_confirm.confirm(client, "att-1", TOKEN, on_conflict=on_conflict)

    @pytest.mark.parametrize("timeout", [-0.001, float("nan"), float("inf")])
    def test_invalid_timeout_is_rejected(self, client, timeout):
        with pytest.raises(InvalidInputError, match=f"^timeout: .*, not {timeout!r}$"):
            attach_confirm.wait(client, "att-1", TOKEN, timeout=timeout)


@pytest.mark.parametrize(
    "name",
    [
        "Übergröße.pdf",
        "領収書.pdf",
        "إيصال.pdf",
        "🧾.pdf",
        "e\u0301.pdf",
        'it\'s "a" receipt.pdf',
        "a; filename=b.pdf",
        "..\\..\\a.pdf",
        "%2e%2e%2fa.pdf",
        "x" * 252 + ".pdf",
        "🧾" * 256,
    ],
    ids=ascii,
)
def test_valid_name_is_uploaded_unchanged(connectparticipant_server, name):
    """The maximum length counts characters, not bytes."""
    fake = connectparticipant_server
    attach_confirm.upload(
        fake.client, b"1", fake.connection_token(), name=name, content_type="application/pdf"
    )
    (attachment,) = fake.attachments
    assert (attachment.name, attachment.data) == (name, b"1")
    assert fake.transcript[0]["Attachments"][0]["AttachmentName"] == name


@given(name=st.text(min_size=1, max_size=256), data=st.binary(min_size=1, max_size=2000))
def test_upload_name_and_data_property(fake, name, data):
    """A name without control characters and surrogates is uploaded; any other is rejected."""
    before = len(fake.attachments)
    token = fake.connection_token()
    if all(unicodedata.category(character) not in {"Cc", "Cs"} for character in name):
        attach_confirm.upload(fake.client, data, token, name=name, content_type="a/b")
        assert (fake.attachments[-1].name, fake.attachments[-1].data) == (name, data)
    else:
        with pytest.raises(InvalidInputError, match=r"^name: contains a "):
            attach_confirm.upload(fake.client, data, token, name=name, content_type="a/b")
        assert len(fake.attachments) == before


@pytest.mark.parametrize("service", ["connect", "s3", "sts"])
def test_client_of_other_service_is_rejected(make_pending_upload, service):
    client = boto3.client(service, region_name="us-west-2")
    calls = [
        ("CreateParticipantConnection", lambda: attach_confirm.connect(client, TOKEN)),
        ("StartAttachmentUpload", lambda: start(client)),
        (
            "StartAttachmentUpload",
            lambda: attach_confirm.put(client, make_pending_upload(), b"abc"),
        ),
        ("CompleteAttachmentUpload", lambda: attach_confirm.confirm(client, "att-1", TOKEN)),
        ("GetTranscript", lambda: attach_confirm.status(client, "att-1", TOKEN)),
    ]
    for operation, call in calls:
        with pytest.raises(InvalidInputError) as raised:
            call()
        assert raised.value.parameter == "client"
        assert str(raised.value) == (
            f"client: a client for {service!r} cannot call {operation};"
            " create one with attach_confirm.client()"
        )
