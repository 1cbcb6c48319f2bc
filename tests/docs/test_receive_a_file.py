"""Run the code in docs/receive-an-agents-file.md."""

from pathlib import Path

import pytest

import attach_confirm
from tests.docs.markdown import code_blocks, read, table_rows

PAGE = read("docs/receive-an-agents-file.md")
LIST, NEWEST, TO_DIRECTORY, TO_FILE, TO_FILE_OBJECT, TOO_LARGE = code_blocks(PAGE, "python")
FILE = b"%PDF-1.4 a report"


@pytest.fixture
def send_as_agent(fake):
    """Return a function that sends a file as an agent of the chat."""
    customer = fake.client.create_participant_connection(
        Type=["CONNECTION_CREDENTIALS"], ParticipantToken=fake.participant_token()
    )["ConnectionCredentials"]["ConnectionToken"]
    contact_id = fake.client.get_transcript(ConnectionToken=customer)["InitialContactId"]
    agent = fake.connection_token(contact_id=contact_id, role="AGENT")

    def send(name, data=FILE):
        return attach_confirm.upload(
            fake.client, data, agent, name=name, content_type="application/pdf"
        )

    send.customer = customer
    return send


@pytest.fixture
def namespace(fake, send_as_agent, tmp_path, monkeypatch):
    """Return the names that the page assumes, in a directory that contains only `inbox`."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    Path("inbox").mkdir()
    connection = attach_confirm.Connection(send_as_agent.customer, fake.clock.now())
    return {"client": fake.client, "connection": connection}


def test_examples_run(fake, send_as_agent, namespace, capsys):
    attach_confirm.upload(fake.client, b"...", send_as_agent.customer, name="from-customer.pdf")
    fake.scanner.hold("on-hold.pdf")
    send_as_agent("on-hold.pdf")
    send_as_agent("report.pdf")
    Path("inbox/report.pdf").write_bytes(b"another report")
    exec(LIST, namespace)
    assert [attachment.name for attachment in namespace["received"]] == ["report.pdf"]
    exec(TO_DIRECTORY, namespace)
    assert Path("inbox/report.pdf").read_bytes() == b"another report"
    assert Path("inbox/report (1).pdf").read_bytes() == FILE
    exec(TO_FILE, namespace)
    assert Path("inbox/latest.pdf").read_bytes() == FILE
    exec(TO_FILE_OBJECT, namespace)
    assert namespace["data"] == FILE
    exec(TOO_LARGE, namespace)
    assert capsys.readouterr().out.endswith(f"has {len(FILE)} bytes, more than max_bytes=10\n")
    assert sorted(path.name for path in Path("inbox").iterdir()) == [
        "latest.pdf",
        "report (1).pdf",
        "report.pdf",
    ]


def test_newest_attachment_is_first(send_as_agent, namespace):
    namespace["attach_confirm"] = attach_confirm
    exec(NEWEST, namespace)
    assert namespace["newest"] is None
    send_as_agent("first.pdf")
    send_as_agent("second.pdf")
    exec(NEWEST, namespace)
    assert namespace["newest"].name == "second.pdf"


def test_too_large_attachment_has_action_fix(send_as_agent, namespace):
    sent = send_as_agent("report.pdf")
    with pytest.raises(attach_confirm.DownloadFailedError) as raised:
        attach_confirm.download(
            namespace["client"], sent.attachment_id, send_as_agent.customer, "inbox", max_bytes=10
        )
    assert attach_confirm.advise(raised.value).action is attach_confirm.Action.FIX
    assert raised.value.attachment_id == sent.attachment_id
    assert list(Path("inbox").iterdir()) == []


def test_failed_download_leaves_no_file(fake, send_as_agent, namespace):
    sent = send_as_agent("report.pdf")
    fake.client.disconnect_participant(ConnectionToken=send_as_agent.customer)
    with pytest.raises(fake.client.exceptions.AccessDeniedException) as raised:
        attach_confirm.download(
            namespace["client"], sent.attachment_id, send_as_agent.customer, "inbox"
        )
    assert raised.value.attachment_id == sent.attachment_id
    assert list(Path("inbox").iterdir()) == []


@pytest.mark.parametrize(("name", "expected"), table_rows(PAGE, "name in the chat"))
def test_hostile_name_is_sanitized(send_as_agent, namespace, name, expected):
    sent = send_as_agent(name.strip("`"))
    result = attach_confirm.download(
        namespace["client"], sent.attachment_id, send_as_agent.customer, "inbox"
    )
    assert result.name == expected.strip("`")
    assert [path.name for path in Path("inbox").iterdir()] == [result.name]
    assert list(Path().iterdir()) == [Path("inbox")]
