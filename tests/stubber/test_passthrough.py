"""`passthrough=True`: calls that no stub matches are sent to the service and recorded."""

import io
from contextlib import nullcontext

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

import attach_confirm
from attach_confirm_stubs import ConnectParticipantStubber, UnexpectedCallError
from tests.stubber.helpers import send_message
from tests.support.stubs import NonSeekableStream


@pytest.fixture
def stubber(client):
    """Return an active stubber that passes calls through, and is verified at teardown."""
    with ConnectParticipantStubber(client, passthrough=True) as stubber:
        yield stubber


def test_call_without_stub_is_sent_and_recorded(stubber, scripted_responses):
    requests = scripted_responses(
        stubber.client, "connectparticipant.SendMessage", (200, {"Id": "sent"}, {})
    )
    stubber.stub_send_message(Content="stubbed", response={"Id": "stubbed"})
    assert send_message(stubber.client) == "sent"
    assert send_message(stubber.client, "stubbed") == "stubbed"
    assert send_message(stubber.client, "stubbed") == "sent"
    assert len(requests) == 2
    assert [call.result["Id"] for call in stubber.calls] == ["sent", "stubbed", "sent"]
    assert [call.params["Content"] for call in stubber.calls] == ["Hello", "stubbed", "stubbed"]
    assert stubber.calls[0].params["ClientToken"]
    assert stubber.calls[0].result["ResponseMetadata"]["RequestId"] == "req-1"
    assert "token" not in repr(stubber.calls[0].params)


def test_recorded_result_is_a_copy(stubber, scripted_responses):
    body = {"Transcript": [{"Id": "1"}]}
    scripted_responses(stubber.client, "connectparticipant.GetTranscript", (200, body, {}))
    response = stubber.client.get_transcript(ConnectionToken="token")
    response["Transcript"].clear()
    assert stubber.calls[0].result["Transcript"] == [{"Id": "1"}]


def test_error_of_the_service_is_recorded(stubber):
    with pytest.raises(ClientError) as caught:
        send_message(stubber.client)
    (call,) = stubber.calls
    assert type(call.result) is type(caught.value)
    assert call.result.response["ResponseMetadata"]["HTTPStatusCode"] == 418


def test_connection_error_is_recorded(stubber, scripted_responses):
    error = EndpointConnectionError(endpoint_url="https://x")
    scripted_responses(stubber.client, "connectparticipant.SendMessage", error)
    with pytest.raises(EndpointConnectionError) as caught:
        send_message(stubber.client)
    assert [(call.operation, call.result) for call in stubber.calls] == [
        ("SendMessage", caught.value)
    ]


def test_stubbed_error_is_recorded_once(stubber):
    stubber.stub_send_message(error=EndpointConnectionError(endpoint_url="https://x"))
    stubber.stub_send_message(error_code="ThrottlingException")
    for error in (EndpointConnectionError, ClientError):
        with pytest.raises(error):
            send_message(stubber.client)
    assert len(stubber.calls) == 2


def test_call_out_of_order_is_not_sent(client):
    """It has a stub, so the service must not get it."""
    stubber = ConnectParticipantStubber(client, passthrough=True)
    stubber.stub_send_message(Content="a", optional=True)
    stubber.stub_send_message(Content="b")
    stubber.stub_send_message(Content="c")
    with pytest.raises(UnexpectedCallError, match="stub 2 must be used first"), stubber:
        send_message(client, "c")


def test_any_order_sends_calls_without_stubs(client, scripted_responses):
    scripted_responses(client, "connectparticipant.SendMessage", (200, {"Id": "sent"}, {}))
    with ConnectParticipantStubber(client, passthrough=True, any_order=True) as stubber:
        stubber.stub_send_message(Content="a", response={"Id": "a"})
        stubber.stub_send_message(Content="b", response={"Id": "b"})
        assert [send_message(client, text) for text in "bca"] == ["b", "sent", "a"]


def test_stub_used_by_nested_call_is_not_required_again(stubber, scripted_responses):
    """The nested call takes the stub, and the outer call is sent to the service."""
    scripted_responses(stubber.client, "connectparticipant.SendMessage", (200, {"Id": "sent"}, {}))
    stubber.stub_send_message(response={"Id": "stubbed"})
    pending_texts = ["nested"]

    def send_nested(**_):
        if pending_texts:
            assert send_message(stubber.client, pending_texts.pop()) == "stubbed"

    stubber.client.meta.events.register("before-endpoint-resolution", send_nested)
    assert send_message(stubber.client) == "sent"
    assert [call.result["Id"] for call in stubber.calls] == ["stubbed", "sent"]


def test_other_service_is_passed_through(sqs_client, scripted_responses):
    scripted_responses(sqs_client, "sqs.ListQueues", (200, {"QueueUrls": ["url"]}, {}))
    with ConnectParticipantStubber(sqs_client, passthrough=True) as stubber:
        assert sqs_client.list_queues()["QueueUrls"] == ["url"]
    assert [call.operation for call in stubber.calls] == ["ListQueues"]


@pytest.mark.parametrize("is_stubbed", [True, False])
def test_account_id_lookup_is_skipped_for_stubbed_calls_only(sqs_client, is_stubbed):
    account_ids = []

    def record(builtins, **_):
        account_ids.append(builtins["AWS::Auth::AccountId"])

    def fail(**_):
        raise KeyError

    events = sqs_client.meta.events
    events.register_first(
        "before-endpoint-resolution.*",
        lambda builtins, **_: builtins.update({"AWS::Auth::AccountId": "id"}),
    )
    events.register("before-send", fail)
    stubber = ConnectParticipantStubber(sqs_client, passthrough=True)
    if is_stubbed:
        stubber.add_response("list_queues", {})
    with stubber, nullcontext() if is_stubbed else pytest.raises(KeyError):
        events.register_last("before-endpoint-resolution", record)
        sqs_client.list_queues()
    assert account_ids == [None if is_stubbed else "id"]


def upload(client, source, **options):
    """Upload a file."""
    return attach_confirm.upload(client, source, "token", name="a.pdf", size=4, **options)


@pytest.mark.parametrize("stream", [io.BytesIO, NonSeekableStream])
def test_put_is_sent_and_recorded(stubber, scripted_responses, stream):
    """Recording reads the body, and `put` sends it all the same."""
    requests = scripted_responses(stubber.client, "s3.PutObject", 200)
    stubber.stub_start_attachment_upload()
    stubber.stub_complete_attachment_upload()
    upload(stubber.client, stream(b"%PDF"))
    assert [request.body for request in requests] == [b"%PDF"]
    put = stubber.calls[1]
    assert (put.operation, put.result) == ("PutObject", None)
    assert put.params == {"Body": b"%PDF", "ContentType": "application/pdf"}


@pytest.mark.parametrize(("status", "attempts"), [(503, 2), (417, 1)])
def test_upload_is_sent_over_real_connections(http_server, http_server_client, status, attempts):
    """The body can be sent again: by `put` after 503, and without `Expect` after 417."""
    http_server.puts.append(status)
    with ConnectParticipantStubber(http_server_client, passthrough=True) as stubber:
        upload(http_server_client, b"%PDF")
    puts = [request.body for request in http_server.requests if request.method == "PUT"]
    assert puts == [b"%PDF", b"%PDF"]
    assert [call.operation for call in stubber.calls] == [
        "StartAttachmentUpload",
        *["PutObject"] * attempts,
        "CompleteAttachmentUpload",
    ]


def test_stubbed_put_is_not_sent(stubber):
    stubber.stub_start_attachment_upload()
    stubber.stub_put_object()
    stubber.stub_complete_attachment_upload()
    upload(stubber.client, b"%PDF")
    assert stubber.calls[1].result == {"ResponseMetadata": {"HTTPStatusCode": 200}}


@pytest.mark.parametrize("error", [None, EndpointConnectionError(endpoint_url="https://x")])
def test_call_that_began_before_activation_is_sent(client, scripted_responses, error):
    """Its parameters were not matched, so no stub can be used for it."""
    response = error or (200, {"Id": "sent"}, {})
    scripted_responses(client, "connectparticipant.SendMessage", response)
    stubber = ConnectParticipantStubber(client, strict=True, passthrough=True)
    client.meta.events.register_last("before-parameter-build", lambda **_: stubber.activate())
    with pytest.raises(EndpointConnectionError) if error else nullcontext():
        assert send_message(client) == "sent"
    assert stubber.calls == []
    stubber.deactivate()
