"""Inputs as they are, the whole way: what the service would take arrives, the rest is not sent."""

import os
import unicodedata
from threading import Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import attach_confirm
from attach_confirm import InvalidInputError

SCRIPTS = [
    "receipt.pdf",
    "Übergröße.pdf",
    "квитанция.pdf",
    "領収書.pdf",
    "영수증.pdf",
    "إيصال.pdf",
    "रसीद.pdf",
    "🧾.pdf",
    "e\u0301.pdf",
    'it\'s "a" receipt.pdf',
    "a; filename=b.pdf",
    "..\\..\\a.pdf",
    "%2e%2e%2fa.pdf",
    "x" * 252 + ".pdf",
]


@pytest.mark.parametrize("name", SCRIPTS, ids=ascii)
def test_names_of_every_script_arrive(connectparticipant_server, name):
    """A name arrives as it is, over a real connection, in the chat and in what is stored."""
    fake = connectparticipant_server
    attach_confirm.upload(fake.client, b"1", fake.connection_token(), name=name)
    (attachment,) = fake.attachments
    assert (attachment.name, attachment.data) == (name, b"1")
    assert fake.transcript[0]["Attachments"][0]["AttachmentName"] == name


@pytest.mark.parametrize(
    "name",
    ["", "x" * 253 + ".pdf", "a\n.pdf", "a\0.pdf", "a\r\nX-Evil: 1.pdf", "\udc80.pdf"],
    ids=ascii,
)
def test_names_that_cannot_be_are_refused(fake, token, name):
    """What no header can carry, and what is too long or too short, is refused before anything."""
    with pytest.raises(InvalidInputError, match=r"^name: "):
        attach_confirm.upload(fake.client, b"1", token, name=name, content_type="text/plain")
    assert fake.calls == []


@given(name=st.text(min_size=1, max_size=256), data=st.binary(min_size=1, max_size=2000))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_name_and_any_bytes(fake, name, data):
    """Whatever can be written as a name arrives with its bytes; nothing else is sent."""
    before = len(fake.attachments)
    token = fake.connection_token()
    if all(unicodedata.category(character) not in {"Cc", "Cs"} for character in name):
        attach_confirm.upload(fake.client, data, token, name=name, content_type="a/b")
        assert (fake.attachments[-1].name, fake.attachments[-1].data) == (name, data)
    else:
        with pytest.raises(InvalidInputError):
            attach_confirm.upload(fake.client, data, token, name=name, content_type="a/b")
        assert len(fake.attachments) == before


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain; charset=utf-8",
        'multipart/mixed; boundary="a b"',
        "application/x-www-form-urlencoded",
    ],
)
def test_content_types_with_parameters(connectparticipant_server, content_type):
    """A content type goes out as it is, parameters and all."""
    fake = connectparticipant_server
    token = fake.connection_token()
    attach_confirm.upload(fake.client, b"1", token, name="a", content_type=content_type)
    (attachment,) = fake.attachments
    assert attachment.content_type == attachment.stored_content_type == content_type


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no FIFOs")
def test_a_fifo(fake, token, tmp_path):
    """What is written into a FIFO is sent, as much as comes until the writer closes."""
    path = tmp_path / "receipt.txt"
    os.mkfifo(path)
    data = b"x" * 200_000
    writer = Thread(target=path.write_bytes, args=(data,))
    writer.start()
    attach_confirm.upload(fake.client, path, token)
    writer.join()
    assert [(a.name, a.data) for a in fake.attachments] == [("receipt.txt", data)]


def test_a_file_without_permission(fake, token, tmp_path):
    """A file that cannot be read is refused with the system's reason."""
    path = tmp_path / "secret.txt"
    path.write_bytes(b"1")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("whoever runs the tests may read everything")
    with pytest.raises(InvalidInputError, match="Permission denied"):
        attach_confirm.upload(fake.client, path, token)
    assert fake.calls == []


def test_a_file_that_vanishes(fake, token, tmp_path):
    """A file that is deleted while it is sent is sent: it stays open."""
    path = tmp_path / "receipt.txt"
    path.write_bytes(b"abc" * 100_000)

    def delete(_):
        path.unlink(missing_ok=True)

    try:
        attach_confirm.upload(fake.client, path, token, callback=delete)
    except PermissionError:
        pytest.skip("a file that is open cannot be deleted here")
    assert not path.exists()
    assert fake.attachments[0].data == b"abc" * 100_000
