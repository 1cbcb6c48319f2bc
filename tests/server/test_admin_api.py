"""The admin API under `/_fake/`."""

import json
from dataclasses import fields
from datetime import datetime, timedelta

import pytest
from botocore.config import Config
from moto.s3.models import FakeKey

import attach_confirm
from attach_confirm_stubs import (
    ConnectionReset,
    ConnectParticipantServer,
    ConnectTimeout,
    Latency,
    ModeledError,
    ProxyPage,
    ReadTimeout,
    ServerError,
    Throttle,
    TruncatedResponse,
)

REGION = "us-east-1"


@pytest.fixture
def admin(send):
    """Return a function that sends a valid admin request and returns the response body."""

    def admin(method, path, /, **params):
        status, _, data = send(method, f"/_fake/{path}", params if method == "POST" else None)
        assert status == 200, data
        return data

    return admin


def test_token_routes_return_usable_tokens(server, admin):
    """A test in another language can set up participants, views and sessions over HTTP."""
    token = admin("POST", "participant_token", role="AGENT", display_name="Ann")
    connection = attach_confirm.connect(server.client, token["participant_token"])
    server.client.send_message(
        Content="Hello", ContentType="text/plain", ConnectionToken=connection.token
    )
    contact_id = server.transcript[0]["ContactId"]
    other = admin("POST", "connection_token", contact_id=contact_id)["connection_token"]
    message = server.client.get_transcript(ConnectionToken=other)["Transcript"][0]
    assert message["Content"] == "Hello"
    assert message["DisplayName"] == "Ann"
    assert message["ParticipantRole"] == "AGENT"
    view_token = admin("POST", "view_token", Id="view", Name="Form")["view_token"]
    view = server.client.describe_view(ViewToken=view_token, ConnectionToken=other)["View"]
    assert (view["Id"], view["Name"]) == ("view", "Form")
    session = admin("POST", "authentication_session", connection_token=other)["session_id"]
    server.client.cancel_participant_authentication(SessionId=session, ConnectionToken=other)


def test_region_parameter_selects_region(server, send):
    status, _, data = send("POST", "/_fake/connection_token?region=eu-central-1", {})
    assert status == 200
    other = ConnectParticipantServer(server.endpoint_url, "eu-central-1")
    other.client.get_transcript(ConnectionToken=data["connection_token"])
    other.client.close()


def test_state_has_no_tokens_and_no_file_contents(server, admin):
    token = server.connection_token()
    server.inject("CompleteAttachmentUpload", ConnectionReset(after_commit=True))
    upload = attach_confirm.upload(server.client, b"secret data", token, name="<b>a</b>.txt")
    server.client.get_attachment(AttachmentId=upload.attachment_id, ConnectionToken=token)
    state = admin("GET", "state")
    (chat,) = state["chats"]
    assert chat["contact_id"] == state["transcript"][0]["ContactId"]
    assert (chat["region"], chat["participants"][0]["connected"]) == (REGION, True)
    (attachment,) = state["attachments"]
    assert (attachment["name"], attachment["state"]) == ("<b>a</b>.txt", "APPROVED")
    assert (attachment["size"], attachment["stored_size"]) == (11, 11)
    assert [call["operation"] for call in state["calls"]] == [
        "StartAttachmentUpload",
        "PutObject",
        "CompleteAttachmentUpload",
        "GetAttachment",
    ]
    confirmation = state["calls"][2]
    assert confirmation["params"]["AttachmentIds"] == [upload.attachment_id]
    first, second = confirmation["attempts"]
    assert first == {
        "client_token": upload.client_token,
        "status": None,
        "error_code": None,
        "fault": {"fault": "ConnectionReset", "after_commit": True},
        "committed": True,
    }
    assert (second["status"], second["fault"]) == (200, None)
    assert token not in json.dumps(state)
    assert "secret data" not in json.dumps(state)


def test_state_includes_all_regions(server, admin):
    ConnectParticipantServer(server.endpoint_url, "eu-central-1").participant_token()
    assert [chat["region"] for chat in admin("GET", "state")["chats"]] == ["eu-central-1"]


def test_reset_deletes_all_state(server, admin):
    attach_confirm.upload(server.client, b"1", server.connection_token(), name="a.txt")
    admin("POST", "clock", advance=1000)
    admin("POST", "reset")
    assert admin("GET", "state") == {"chats": [], "attachments": [], "transcript": [], "calls": []}
    assert server.clock.offset_seconds == 0
    attach_confirm.upload(server.client, b"1", server.connection_token(), name="a.txt")


def test_reset_keeps_controls_of_regions_separate(server, admin):
    admin("POST", "reset")
    server.inject("SendMessage", Throttle())
    assert admin("GET", "faults") == {"SendMessage": [{"fault": "Throttle"}]}
    assert admin("GET", "faults?region=eu-central-1") == {}


def test_state_does_not_read_stored_bytes(server, admin, monkeypatch):
    """The dashboard requests the state again and again, and moto keeps large files on disk."""
    attach_confirm.upload(server.client, b"abc", server.connection_token(), name="a.txt")
    monkeypatch.setattr(FakeKey, "value", property(lambda _: pytest.fail("bytes were read")))
    (attachment,) = admin("GET", "state")["attachments"]
    assert attachment["stored_size"] == 3


def test_faults_add_list_remove(server, admin):
    operation = "CompleteAttachmentUpload"
    faults = [
        {"fault": "ConnectTimeout"},
        {"fault": "ConnectionReset", "after_commit": True},
        {"fault": "Latency", "seconds": 1.5},
        {"fault": "ModeledError", "code": "ConflictException"},
        {"fault": "ProxyPage"},
        {"fault": "ReadTimeout"},
        {"fault": "ServerError", "status": 503},
        {"fault": "Throttle"},
        {"fault": "TruncatedResponse"},
    ]
    admin("POST", "faults", operation=operation, faults=faults)
    pending = admin("GET", "faults")
    assert pending[operation][5] == {"fault": "ReadTimeout", "after_commit": False}
    admin("DELETE", "faults")
    assert admin("GET", "faults") == {}
    server.inject(
        operation,
        ConnectTimeout(),
        ConnectionReset(after_commit=True),
        Latency(1.5),
        ModeledError("ConflictException"),
        ProxyPage(),
        ReadTimeout(),
        ServerError(503),
        Throttle(),
        TruncatedResponse(),
    )
    assert admin("GET", "faults") == pending


def test_scanner_rules_apply_by_name_and_delay(server, admin):
    token = server.connection_token()
    admin("POST", "scanner", rule="hold")
    admin("POST", "scanner", rule="reject", name="b.txt")
    admin("POST", "scanner", rule="approve", name="c.txt", after=10)
    for name in ("a.txt", "b.txt", "c.txt"):
        attach_confirm.upload(server.client, b"1", token, name=name)

    def states():
        return [attachment.state for attachment in server.attachments]

    assert states() == ["IN_PROGRESS", "REJECTED", "IN_PROGRESS"]
    admin("POST", "clock", advance=10)
    assert states() == ["IN_PROGRESS", "REJECTED", "APPROVED"]
    admin("DELETE", "scanner")
    assert states()[0] == "APPROVED"


def test_clock_advance_expires_tokens(server, admin):
    token = server.connection_token()
    before = datetime.fromisoformat(admin("GET", "clock")["now"])
    clock = admin("POST", "clock", advance=86_400.5)
    assert clock["offset_seconds"] == 86_400.5
    assert datetime.fromisoformat(clock["now"]) - before >= timedelta(days=1)
    with pytest.raises(server.client.exceptions.AccessDeniedException):
        server.client.get_transcript(ConnectionToken=token)


def test_clock_offset_above_100_years_rejected(send):
    """The limit applies to the sum, because datetime cannot represent years above 9999."""
    responses = [send("POST", "/_fake/clock", {"advance": 1_500_000_000}) for _ in range(3)]
    assert [status for status, _, _ in responses] == [200, 200, 400]


def test_quotas_can_be_enabled_and_disabled(server, admin):
    token = server.connection_token()
    config = Config(retries={"total_max_attempts": 1})
    client = attach_confirm.client(REGION, endpoint_url=server.endpoint_url, config=config)

    def burst():
        return [client.get_transcript(ConnectionToken=token) for _ in range(40)]

    admin("POST", "quotas", enabled=True, real_time=False)
    with pytest.raises(client.exceptions.ThrottlingException):
        burst()
    admin("POST", "quotas", enabled=False)
    burst()
    admin("POST", "quotas", enabled=True)
    client.get_transcript(ConnectionToken=token)
    client.close()


def test_assumptions_read_and_change(server, admin):
    """`content_disposition` is missing, because JSON cannot represent a function."""
    defaults = admin("GET", "assumptions")
    names = {field.name for field in fields(server.assumptions)}
    assert defaults.keys() == names - {"content_disposition"}
    assert defaults["upload_url_lifetime"] == 300
    assert admin("POST", "assumptions", **defaults) == defaults
    changed = admin(
        "POST",
        "assumptions",
        upload_url_lifetime=10,
        client_token_lifetime=20,
        complete_before_put=None,
        quota_counts="completed",
        start_again="fresh_url",
        item_appears="decided",
        no_connection_type="ValidationException",
        rejected_item=False,
        zero_results=5,
    )
    assert changed["upload_url_lifetime"] == 10
    assumptions = server.assumptions
    assert assumptions.upload_url_lifetime == timedelta(seconds=10)
    assert assumptions.client_token_lifetime == timedelta(seconds=20)
    assert assumptions.complete_before_put is None
    assert (assumptions.quota_counts, assumptions.zero_results) == ("completed", 5)
    assert (assumptions.start_again, assumptions.item_appears) == ("fresh_url", "decided")
    assert assumptions.no_connection_type == "ValidationException"
    assert assumptions.rejected_item is False
    admin("POST", "assumptions", start_again="ConflictException")
    assert assumptions.start_again == "ConflictException"
    changed = admin("POST", "assumptions", attachment_extensions=["pdf", "csv"])
    assert changed["attachment_extensions"] == ["csv", "pdf"]


def fault_request(fault):
    """Return the parameters of a request that adds a fault."""
    return {"operation": "SendMessage", "faults": [fault]}


@pytest.mark.parametrize(
    ("path", "params", "message"),
    [
        ("reset", {"all": True}, "unknown parameter 'all'; expected none"),
        ("reset?region=nowhere", {}, "unknown region 'nowhere'"),
        ("clock", [], "The request body is not a JSON object."),
        ("clock", {}, "missing parameter 'advance'"),
        ("clock", {"advance": "1"}, "'advance' must be a number"),
        ("clock", {"advance": True}, "'advance' must be a number"),
        ("clock", {"advance": -1}, "'advance' must be between 0 and 3153600000"),
        ("clock", {"advance": float("nan")}, "'advance' must be between 0 and 3153600000"),
        ("clock", {"advance": 10**400}, "'advance' must be between 0 and 3153600000"),
        ("participant_token", {"role": 1}, "'role' must be a string"),
        (
            "participant_token",
            {"name": "Ann"},
            "unknown parameter 'name'; expected one of contact_id, role, display_name",
        ),
        ("connection_token", {"contact_id": "a"}, "unknown contact_id 'a'"),
        ("authentication_session", {}, "missing parameter 'connection_token'"),
        ("faults", {"operation": "SendMessage"}, "missing parameter 'faults'"),
        ("faults", {"operation": "Complete", "faults": []}, "unknown operation 'Complete'; "),
        ("faults", {"operation": "SendMessage", "faults": {}}, "'faults' must be a list"),
        ("faults", fault_request("Throttle"), "invalid fault; expected an object such as "),
        (
            "faults",
            fault_request({"fault": ["Throttle"]}),
            'invalid fault; expected an object such as {"fault": "Throttle"}, with one of the name',
        ),
        ("faults", fault_request({"fault": "Latency"}), "missing parameter 'seconds'"),
        (
            "faults",
            fault_request({"fault": "ReadTimeout", "after_commit": 1}),
            "'after_commit' must be true or false",
        ),
        (
            "faults",
            fault_request({"fault": "ServerError", "status": 404}),
            "status=404 is not a server error",
        ),
        ("faults", fault_request({"fault": "ModeledError", "code": "SlowDown"}), "SendMessage "),
        ("scanner", {"rule": "burn"}, "'rule' must be one of approve, reject, hold"),
        ("scanner", {"rule": "hold", "after": 1}, "'after' cannot be combined with the rule hold"),
        ("view_token", {"self": 1}, "unknown member 'self' of a view; expected one of Id, "),
        ("view_token", {"Version": "3"}, "Value at 'Version' failed to satisfy constraint: "),
        ("assumptions", {"item_appears": "never"}, "'item_appears' must be one of completed, deci"),
        (
            "assumptions",
            {"start_again": None},
            "'start_again' must be one of same_url, fresh_url, ",
        ),
        ("assumptions", {"start_again": "MyException"}, "'start_again' must be one of same_url, "),
        ("quotas", {}, "missing parameter 'enabled'"),
        ("assumptions", {"nonsense": 1}, "unknown parameter 'nonsense'; expected one of complete_"),
        ("assumptions", {"unknown_id": None}, "'unknown_id' must be a string"),
        ("assumptions", {"zero_results": 1.5}, "'zero_results' must be an integer"),
        ("assumptions", {"upload_url_lifetime": "1"}, "'upload_url_lifetime' must be a number"),
    ],
)
def test_invalid_request_returns_400(send, path, params, message):
    status, _, data = send("POST", f"/_fake/{path}", params)
    assert status == 400
    assert data["message"].startswith(message)


@pytest.mark.parametrize("body", ["", "nonsense", "[" * 100_000])
def test_post_requires_json(send, body):
    """A page of another origin can send any other Content-Type without a preflight request."""
    status, _, data = send("POST", "/_fake/scanner", body=body)
    message = "the Content-Type header must be application/json"
    assert (status, data["message"]) == (400, message)
    status, _, data = send("POST", "/_fake/scanner", body=body, Content_Type="application/json")
    message = "The request body is not JSON." if body else "missing parameter 'rule'"
    assert (status, data["message"]) == (400, message)


def test_invalid_setting_changes_no_setting(admin, send):
    before = admin("GET", "assumptions")
    params = {"typing_item": not before["typing_item"], "max_attachment_bytes": 0}
    status, _, data = send("POST", "/_fake/assumptions", params)
    assert status == 400
    assert data["message"].startswith("max_attachment_bytes=0")
    assert admin("GET", "assumptions") == before


def test_unknown_path_returns_404(send):
    status, _, data = send("GET", "/_fake/nonsense")
    assert status == 404
    assert data["message"].startswith("unknown path /_fake/nonsense; expected one of assumptions, ")
    assert send("GET", "/_fake")[0] == 404


def test_unsupported_method_returns_405(send):
    status, _, data = send("PUT", "/_fake/faults", {})
    message = "/_fake/faults does not support PUT; use GET, POST, DELETE"
    assert (status, data["message"]) == (405, message)


def test_service_error_is_returned_unchanged(send):
    status, _, data = send("POST", "/_fake/authentication_session", {"connection_token": "a"})
    assert (status, data) == (403, {"Message": "Access denied"})
