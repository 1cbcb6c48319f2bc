"""What callers in other languages and browsers do with the server, and what they may not."""

import json
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pytest
import urllib3
from botocore.config import Config

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
FAULTS = [
    ConnectTimeout(),
    ConnectionReset(after_commit=True),
    Latency(1.5),
    ModeledError("ConflictException"),
    ProxyPage(),
    ReadTimeout(),
    ServerError(503),
    Throttle(),
    TruncatedResponse(),
]


@pytest.fixture
def server(connectparticipant_server):
    """Return a handle on the fake while it is served."""
    return connectparticipant_server


@pytest.fixture
def call(server):
    """Return a way to call the server; it returns status, headers and parsed body."""
    with urllib3.PoolManager(retries=False, timeout=20) as pool:

        def call(method, path, params=None, *, body=None, **headers):
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            if params is not None:
                body, sent = json.dumps(params), {"Content-Type": "application/json", **sent}
            answer = pool.request(method, f"{server.endpoint_url}{path}", body=body, headers=sent)
            told = answer.data
            if answer.headers.get("content-type") == "application/json":
                told = json.loads(told)
            return answer.status, answer.headers, told

        yield call


@pytest.fixture
def control(call):
    """Return a way to use the control, where it is to go well."""

    def control(method, path, /, **params):
        status, _, told = call(method, f"/_fake/{path}", params if method == "POST" else None)
        assert status == 200, told
        return told

    return control


def test_a_caller_starts_with_tokens(server, control):
    """Participants, connections, views and sessions are made over HTTP alone."""
    token = control("POST", "participant_token", role="AGENT", display_name="Ann")
    connection = attach_confirm.connect(server.client, token["participant_token"])
    server.client.send_message(
        Content="Hello", ContentType="text/plain", ConnectionToken=connection.token
    )
    contact_id = server.transcript[0]["ContactId"]
    other = control("POST", "connection_token", contact_id=contact_id)["connection_token"]
    told = server.client.get_transcript(ConnectionToken=other)["Transcript"][0]
    assert (told["Content"], told["DisplayName"], told["ParticipantRole"]) == (
        "Hello",
        "Ann",
        "AGENT",
    )
    view = control("POST", "view_token", Id="view", Name="Form")["view_token"]
    shown = server.client.describe_view(ViewToken=view, ConnectionToken=other)["View"]
    assert (shown["Id"], shown["Name"]) == ("view", "Form")
    session = control("POST", "authentication_session", connection_token=other)["session_id"]
    server.client.cancel_participant_authentication(SessionId=session, ConnectionToken=other)


def test_the_state_is_shown_without_tokens(server, control):
    """Chats, attachments, items and calls with their attempts; no token and no file."""
    token = server.connection_token()
    server.inject("CompleteAttachmentUpload", ConnectionReset(after_commit=True))
    sent = attach_confirm.upload(server.client, b"secret data", token, name="<b>a</b>.txt")
    server.client.get_attachment(AttachmentId=sent.attachment_id, ConnectionToken=token)
    state = control("GET", "state")
    (chat,) = state["chats"]
    assert chat["contact_id"] == state["transcript"][0]["ContactId"]
    assert (chat["region"], chat["participants"][0]["connected"]) == (REGION, True)
    (attachment,) = state["attachments"]
    assert (attachment["name"], attachment["state"]) == ("<b>a</b>.txt", "APPROVED")
    assert (attachment["size"], attachment["stored_size"]) == (11, 11)
    assert [one["operation"] for one in state["calls"]] == [
        "StartAttachmentUpload",
        "PutObject",
        "CompleteAttachmentUpload",
        "GetAttachment",
    ]
    confirmation = state["calls"][2]
    assert confirmation["params"]["AttachmentIds"] == [sent.attachment_id]
    lost, answered = confirmation["attempts"]
    assert lost == {
        "client_token": sent.client_token,
        "status": None,
        "error_code": None,
        "fault": {"fault": "ConnectionReset", "after_commit": True},
        "committed": True,
    }
    assert (answered["status"], answered["fault"]) == (200, None)
    assert token not in json.dumps(state)
    assert "secret data" not in json.dumps(state)


def test_the_state_is_that_of_all_regions(server, control):
    """A chat of another region is among them."""
    other = ConnectParticipantServer(server.endpoint_url, "eu-central-1")
    other.participant_token()
    assert [chat["region"] for chat in control("GET", "state")["chats"]] == ["eu-central-1"]


def test_faults_are_injected(server, control):
    """Every fault can be injected, read and dropped over HTTP."""
    told = [
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
    operation = "CompleteAttachmentUpload"
    control("POST", "faults", operation=operation, faults=told)
    waiting = control("GET", "faults")[operation]
    assert waiting[5] == {"fault": "ReadTimeout", "after_commit": False}
    control("DELETE", "faults")
    assert control("GET", "faults") == {}
    server.inject(operation, *FAULTS)
    assert control("GET", "faults") == {operation: waiting}


def test_the_scanner_is_told(server, control):
    """Orders about one name, or all, come over HTTP and can be forgotten."""
    token = server.connection_token()
    control("POST", "scanner", order="hold")
    control("POST", "scanner", order="reject", name="b.txt")
    control("POST", "scanner", order="approve", name="c.txt", after=10)
    for name in ("a.txt", "b.txt", "c.txt"):
        attach_confirm.upload(server.client, b"1", token, name=name)
    assert [one.state for one in server.attachments] == ["IN_PROGRESS", "REJECTED", "IN_PROGRESS"]
    control("POST", "clock", advance=10)
    assert [one.state for one in server.attachments] == ["IN_PROGRESS", "REJECTED", "APPROVED"]
    control("DELETE", "scanner")
    assert server.attachments[0].state == "APPROVED"


def test_the_clock_is_read_and_advanced(server, control):
    """Time moves on, and with it what expires."""
    token = server.connection_token()
    before = datetime.fromisoformat(control("GET", "clock")["now"])
    after = control("POST", "clock", advance=86_400.5)
    assert after["advanced"] == 86_400.5
    assert datetime.fromisoformat(after["now"]) - before >= timedelta(days=1)
    with pytest.raises(server.client.exceptions.AccessDeniedException):
        server.client.get_transcript(ConnectionToken=token)


def test_quotas_are_enabled(server, control):
    """Throttling goes on and off; over HTTP its time is real unless asked otherwise."""
    token = server.connection_token()
    config = Config(retries={"total_max_attempts": 1})
    client = attach_confirm.client(REGION, endpoint_url=server.endpoint_url, config=config)

    def burst():
        return [client.get_transcript(ConnectionToken=token) for _ in range(40)]

    control("POST", "quotas", enabled=True, real_time=False)
    with pytest.raises(client.exceptions.ThrottlingException):
        burst()
    control("POST", "quotas", enabled=False)
    burst()
    control("POST", "quotas", enabled=True)
    client.get_transcript(ConnectionToken=token)
    client.close()


def test_assumptions_are_switched(server, control):
    """What is assumed can be read and changed; times are seconds, and null is for ever."""
    assert control("GET", "assumptions")["upload_url_lifetime"] == 300
    changed = control(
        "POST",
        "assumptions",
        upload_url_lifetime=10,
        complete_before_put=None,
        quota_counts="completed",
        rejected_item=False,
        zero_results=5,
    )
    assert changed["upload_url_lifetime"] == 10
    assert server.assumptions.upload_url_lifetime == timedelta(seconds=10)
    assert server.assumptions.complete_before_put is None
    assert (server.assumptions.quota_counts, server.assumptions.zero_results) == ("completed", 5)
    assert server.assumptions.rejected_item is False


def test_another_region_is_named(server, call):
    """Tokens are for the region that is asked for."""
    status, _, told = call("POST", "/_fake/connection_token?region=eu-central-1", {})
    assert status == 200
    other = ConnectParticipantServer(server.endpoint_url, "eu-central-1")
    other.client.get_transcript(ConnectionToken=told["connection_token"])
    other.client.close()


def test_everything_is_forgotten(server, control):
    """A reset leaves nothing, and the server goes on."""
    attach_confirm.upload(server.client, b"1", server.connection_token(), name="a.txt")
    control("POST", "clock", advance=1000)
    control("POST", "reset")
    assert control("GET", "state") == {
        "chats": [],
        "attachments": [],
        "transcript": [],
        "calls": [],
    }
    assert server.clock.offset_seconds == 0
    attach_confirm.upload(server.client, b"1", server.connection_token(), name="a.txt")


@pytest.mark.parametrize(
    ("name", "params", "told"),
    [
        ("reset", {"all": True}, "There is no parameter 'all'; there are none."),
        ("clock", {}, "'advance' is missing; the parameters are advance."),
        ("clock", {"advance": "1"}, "'advance' must be a number."),
        ("clock", {"advance": True}, "'advance' must be a number."),
        ("clock", {"advance": -1}, "'advance' must be between 0 and 3153600000."),
        ("clock", {"advance": float("nan")}, "'advance' must be between 0 and 3153600000."),
        ("clock", {"advance": 10**400}, "'advance' must be between 0 and 3153600000."),
        ("clock", [], "The request body is not a JSON object."),
        ("participant_token", {"role": 1}, "'role' must be a string."),
        (
            "participant_token",
            {"name": "Ann"},
            "There is no parameter 'name'; there are contact_id, role, display_name.",
        ),
        ("connection_token", {"contact_id": "a"}, "unknown contact_id 'a'"),
        ("faults", {"operation": "Complete", "faults": []}, "unknown operation 'Complete'; "),
        ("faults", {"operation": "SendMessage", "faults": {}}, "'faults' must be a list."),
        ("faults", {"operation": "SendMessage", "faults": ["Throttle"]}, "A fault is an object "),
        (
            "faults",
            {"operation": "SendMessage", "faults": [{"fault": "Nonsense"}]},
            'A fault is an object such as {"fault": "Throttle"}, and its name one of Connect',
        ),
        (
            "faults",
            {"operation": "SendMessage", "faults": [{"fault": ["Throttle"]}]},
            "A fault is an object ",
        ),
        (
            "faults",
            {"operation": "SendMessage", "faults": [{"fault": "Latency"}]},
            "'seconds' is missing; the parameters are seconds.",
        ),
        (
            "faults",
            {"operation": "SendMessage", "faults": [{"fault": "ReadTimeout", "after_commit": 1}]},
            "'after_commit' must be true or false.",
        ),
        (
            "faults",
            {"operation": "SendMessage", "faults": [{"fault": "ServerError", "status": 404}]},
            "status=404 is not a server error",
        ),
        (
            "faults",
            {
                "operation": "SendMessage",
                "faults": [{"fault": "ModeledError", "code": "SlowDown"}],
            },
            "SendMessage does not declare SlowDown; it declares ",
        ),
        ("scanner", {"order": "burn"}, "'order' is approve, reject or hold"),
        ("scanner", {"order": "hold", "after": 1}, "'order' is approve, reject or hold; hold "),
        ("quotas", {"enabled": 1}, "'enabled' must be true or false."),
        ("assumptions", {"nonsense": 1}, "There is no switch 'nonsense'; there are complete_"),
        ("assumptions", {"unknown_id": None}, "'unknown_id' must be a string."),
        ("assumptions", {"zero_results": 1.5}, "'zero_results' must be a whole number."),
        ("assumptions", {"quota_counts": "never"}, "'quota_counts' is one of started, completed."),
        ("assumptions", {"upload_url_lifetime": "1"}, "'upload_url_lifetime' must be a number."),
        ("reset?region=nowhere", {}, "There is no region 'nowhere'."),
    ],
)
def test_what_cannot_be_done_is_said(call, name, params, told):
    """A bad request is a 400 with a sentence that says what was wrong, and changes nothing."""
    status, _, answer = call("POST", f"/_fake/{name}", params)
    assert status == 400
    assert answer["message"].startswith(told)


def test_the_clock_does_not_leave_the_calendar(call):
    """What is advanced adds up to a century at most."""
    for status in (200, 200, 400):
        assert call("POST", "/_fake/clock", {"advance": 1_500_000_000})[0] == status


@pytest.mark.parametrize("body", ["", "nonsense", "{", "[" * 100_000])
def test_a_write_is_json(call, body):
    """A write without the type of JSON, which every page could send, is refused; as is no JSON."""
    status, _, told = call("POST", "/_fake/scanner", body=body)
    assert (status, told["message"]) == (400, "The Content-Type must be application/json.")
    status, _, told = call("POST", "/_fake/scanner", body=body, Content_Type="application/json")
    assert (status, told["message"]) == (
        (400, "The request body is not JSON.")
        if body
        else (400, "'order' is missing; the parameters are order, name, after.")
    )


def test_there_is_no_such_control(call):
    """A wrong name or method says which are right; a wrong token is the service's error."""
    status, _, told = call("GET", "/_fake/nonsense")
    assert (status, told["message"][:39]) == (404, "There is no /_fake/nonsense; there are ")
    assert call("GET", "/_fake")[0] == 404
    status, _, told = call("PUT", "/_fake/faults", {})
    assert (status, told["message"]) == (405, "/_fake/faults takes GET, POST, DELETE.")
    status, _, told = call("POST", "/_fake/authentication_session", {"connection_token": "a"})
    assert (status, told) == (403, {"Message": "Access denied"})


def test_the_page(call):
    """The page at / is HTML that loads nothing from elsewhere, and holds nothing itself."""
    status, headers, page = call("GET", "/")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert b"http" not in page
    assert b"innerHTML" not in page
    assert b"/_fake/state" in page
    assert call("HEAD", "/")[0] == 200
    assert call("POST", "/", {})[0] == 403


def test_a_browser_on_any_page_calls_the_service(server, call):
    """The preflight and the answers of AWS's operations and the upload's place are for all."""
    asked = "x-amz-bearer,content-type"
    for method, path in (
        ("POST", "/participant/transcript"),
        ("PUT", "/bucket/staging/a"),
        ("PUT", "/contact/chat"),
    ):
        status, headers, _ = call(
            "OPTIONS",
            path,
            Origin="https://shop.example",
            Access_Control_Request_Method=method,
            Access_Control_Request_Headers=asked,
        )
        assert status == 200
        assert headers["access-control-allow-origin"] == "*"
        assert headers["access-control-allow-headers"] == asked
        assert method in headers["access-control-allow-methods"]
        answer = call(method, path, {}, Origin="https://shop.example")
        assert answer[1]["access-control-allow-origin"] == "*"
        assert "x-amzn-errortype" in answer[1]["access-control-expose-headers"]
        assert "access-control-allow-origin" not in call(method, path, {})[1]
    assert server.calls("GetTranscript")
    assert "access-control-allow-headers" in call("OPTIONS", "/a", Origin="null")[1]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/_fake/state"), ("POST", "/_fake/reset"), ("DELETE", "/_fake/faults")],
)
def test_a_browser_on_another_page_does_not_control_it(server, call, method, path):
    """Another origin is refused, and is not allowed to read; the page's own origin may."""
    params = {} if method == "POST" else None
    local = f"http://localhost:{urlsplit(server.endpoint_url).port}"
    for origin in ("https://shop.example", "null", "", local, f"{server.endpoint_url}1"):
        status, headers, told = call(method, path, params, Origin=origin)
        assert status == 403
        assert told == {"message": "Another origin's page may not do this."}
        assert not [name for name in headers if name.lower().startswith("access-control")]
        assert call("OPTIONS", path, Origin=origin)[0] == 403
    assert call(method, path, params, Origin=server.endpoint_url)[0] == 200


@pytest.mark.parametrize("path", ["/", "/_fake/state"])
def test_a_name_that_is_pointed_here_does_not_control_it(call, path):
    """A page whose own name was made to mean this machine is refused: DNS rebinding."""
    for host in ("shop.example", "shop.example:80", "localhost.shop.example", "127.0.0.1.nip.io"):
        status, _, told = call("GET", path, Host=host)
        assert (status, told) == (403, {"message": "The server does not go by this name."})
        # AWS's operations are for every name, for a container's name is one.
        assert call("POST", "/participant/transcript", {}, Host=host)[0] == 400
    for host in ("localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:1", "192.0.2.1"):
        assert call("GET", path, Host=host)[0] == 200
