"""Behaviour that `ConnectParticipantStubber` shares with botocore's Stubber."""

import io
from datetime import datetime
from types import SimpleNamespace
from unittest.mock import ANY as MOCK_ANY

import boto3
import botocore.session
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.credentials import DeferredRefreshableCredentials
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    ParamValidationError,
    StubAssertionError,
    StubResponseError,
    UnStubbedResponseError,
)
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

import attach_confirm
from attach_confirm_stubs import ConnectParticipantStubber
from tests.stubber.helpers import send_message, send_message_suppressing_errors

LIST_OBJECTS_RESPONSE = {
    "IsTruncated": False,
    "Name": "test-bucket",
    "MaxKeys": 1000,
    "Prefix": "",
    "Contents": [
        {
            "Key": "test.txt",
            "ETag": '"abc123"',
            "StorageClass": "STANDARD",
            "LastModified": datetime(2016, 1, 20, 22, 9),  # noqa: DTZ001
            "Owner": {"ID": "abc123", "DisplayName": "myname"},
            "Size": 14814,
        }
    ],
    "EncodingType": "url",
    "ResponseMetadata": {"RequestId": "abc123", "HTTPStatusCode": 200, "HostId": "abc123"},
    "Marker": "",
}
UNSTUBBED_MESSAGE = (
    "Error getting response stub for operation {}: Unexpected API Call: A call was made but no"
    " additional calls expected. Either the API Call was not stubbed or it was called multiple"
    " times."
)


@pytest.fixture(scope="module")
def session():
    """Return a session for all tests of the module, because loading the models is slow."""
    return boto3.Session()


@pytest.fixture
def create_client(session):
    """Return a function that creates an unsigned client for a service."""

    def create(service):
        config = Config(signature_version=UNSIGNED)
        return session.client(service, region_name="us-east-1", config=config)

    return create


@pytest.fixture
def s3(create_client):
    """Return an unsigned S3 client."""
    return create_client("s3")


def block_requests(client):
    """Make every request of a client raise an error instead of being sent."""

    def fail(request, **_):
        raise EndpointConnectionError(endpoint_url=request.url)

    client.meta.events.register("before-send", fail)


@pytest.mark.parametrize(
    "expected_params", [{"Bucket": "test-bucket"}, {"Bucket": ANY}, {"Bucket": MOCK_ANY}]
)
def test_add_response_matches_expected_params(stubber_class, s3, expected_params):
    """The parameters are those of the first and the third example in botocore's documentation."""
    stubber = stubber_class(s3)
    stubber.add_response("list_objects", LIST_OBJECTS_RESPONSE, expected_params)
    stubber.activate()
    assert s3.list_objects(Bucket="test-bucket") == LIST_OBJECTS_RESPONSE


def test_with_block_activates_and_deactivates(stubber_class, s3):
    """This is the second example in botocore's documentation."""
    response = {
        "Owner": {"ID": "foo", "DisplayName": "bar"},
        "Buckets": [{"CreationDate": datetime(2016, 1, 20, 22, 9), "Name": "baz"}],  # noqa: DTZ001
    }
    stubber = stubber_class(s3)
    with stubber as context:
        assert context is stubber
        stubber.add_response("list_buckets", response, {})
        assert s3.list_buckets() == response
    block_requests(s3)
    with pytest.raises(EndpointConnectionError):
        s3.list_buckets()
    assert isinstance(stubber, Stubber)
    assert stubber.client is s3


def test_any_matches_nested_value(stubber_class, create_client):
    ec2 = create_client("ec2")
    filters = [{"Name": "vpc-id", "Values": ANY}]
    with stubber_class(ec2) as stubber:
        stubber.add_response("describe_subnets", {"Subnets": []}, {"Filters": filters})
        response = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": ["vpc-1"]}])
    assert response == {"Subnets": []}


def test_responses_are_returned_in_order(stubber_class, s3):
    with stubber_class(s3) as stubber:
        for name in ("a", "b"):
            stubber.add_response("list_objects", {"Name": name})
        names = [s3.list_objects(Bucket="bucket")["Name"] for _ in range(2)]
    assert names == ["a", "b"]


def test_call_out_of_order_raises_and_keeps_responses(stubber_class, s3):
    with stubber_class(s3) as stubber:
        stubber.add_response("list_buckets", {})
        stubber.add_response("list_objects", {}, {"Bucket": "another"})
        with pytest.raises(StubResponseError) as caught:
            s3.list_objects(Bucket="bucket")
        assert str(caught.value) == (
            "Error getting response stub for operation ListObjects: Operation mismatch: found"
            " response for ListBuckets."
        )
        s3.list_buckets()
        s3.list_objects(Bucket="another")
        stubber.assert_no_pending_responses()


def test_call_without_response_raises(stubber_class, s3):
    with stubber_class(s3), pytest.raises(UnStubbedResponseError) as caught:
        s3.list_buckets()
    assert str(caught.value) == UNSTUBBED_MESSAGE.format("ListBuckets")


def test_suppressed_error_of_unstubbed_call_is_not_reported(stubber_class, client):
    """Tests that were written for botocore's Stubber may rely on this."""
    with stubber_class(client) as stubber:
        assert send_message_suppressing_errors(client) is None
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize(
    "params",
    [
        {"Bucket": "bucket"},
        {"Bucket": "test-bucket", "Prefix": "a"},
        {"Bucket": "bad bucket!"},
        {"Prefix": "a"},
        {"Bucket": ""},
        {"Nonsense": 1},
    ],
)
def test_different_params_raise_before_validation(stubber_class, s3, params):
    with stubber_class(s3) as stubber:
        stubber.add_response("list_objects", {"Name": "a"}, {"Bucket": "test-bucket"})
        with pytest.raises(StubAssertionError) as caught:
            s3.list_objects(**params)
        assert str(caught.value) == (
            "Error getting response stub for operation ListObjects: Expected parameters:\n"
            f"{{'Bucket': 'test-bucket'}},\nbut received:\n{params}"
        )
        assert s3.list_objects(Bucket="test-bucket")["Name"] == "a"


def test_expected_params_none_matches_any_call_but_empty_dict_does_not(stubber_class, s3):
    with stubber_class(s3) as stubber:
        stubber.add_response("list_objects", {}, {})
        with pytest.raises(StubAssertionError):
            s3.list_objects(Bucket="bucket")
    with stubber_class(s3) as stubber:
        stubber.add_response("list_objects", {}, None)
        s3.list_objects(Bucket="bucket")


@pytest.mark.parametrize("strict", [None, False, True])
def test_params_are_compared_before_botocore_changes_them(create_client, strict):
    """For this operation, botocore encodes UserData and adds a ClientToken."""
    ec2 = create_client("ec2")
    params = {"MinCount": 1, "MaxCount": 1, "UserData": "echo"}
    options = {"strict": strict}
    with Stubber(ec2) if strict is None else ConnectParticipantStubber(ec2, **options) as stubber:
        stubber.add_response("run_instances", {}, params)
        ec2.run_instances(**params)


def test_generated_client_token_is_not_compared(stubber_class, client):
    with stubber_class(client) as stubber:
        names = ("Content", "ContentType", "ConnectionToken", "ClientToken")
        stubber.add_response("send_message", {"Id": "1"}, dict.fromkeys(names, ANY))
        with pytest.raises(StubAssertionError):
            send_message(client)


def test_pending_responses_are_counted(stubber_class, s3):
    stubber = stubber_class(s3)
    stubber.add_response("list_buckets", {})
    stubber.add_client_error("list_buckets")
    with pytest.raises(AssertionError, match=r"^2 responses remaining in queue\.$"):
        stubber.assert_no_pending_responses()
    with stubber:
        s3.list_buckets()
        with pytest.raises(AssertionError, match=r"^1 responses remaining in queue\.$"):
            stubber.assert_no_pending_responses()
        with pytest.raises(ClientError):
            s3.list_buckets()
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("method", "response", "reason"),
    [
        ("list_buckets", {"Nonsense": 1}, 'Unknown parameter in input: "Nonsense"'),
        ("list_buckets", {"Buckets": "a"}, "Invalid type for parameter Buckets"),
        ("delete_bucket", {"Nonsense": 1}, "Service response should only contain ResponseMetadata"),
    ],
)
def test_add_response_invalid_response_is_rejected(stubber_class, s3, method, response, reason):
    with pytest.raises(ParamValidationError, match=reason):
        stubber_class(s3).add_response(method, response)


def test_add_response_timestamps_are_not_validated(stubber_class, client):
    response = {"Id": "1", "AbsoluteTime": "soon"}
    with stubber_class(client) as stubber:
        stubber.add_response("send_message", response)
        params = {"Content": "Hello", "ContentType": "text/plain", "ConnectionToken": "token"}
        assert client.send_message(**params) == response


def test_add_response_for_operation_without_output_keeps_metadata(stubber_class, s3):
    """Such a response can contain only `ResponseMetadata`, which is not added if it is missing."""
    metadata = {"ResponseMetadata": {"RequestId": "abc"}}
    with stubber_class(s3) as stubber:
        stubber.add_response("delete_bucket", metadata)
        stubber.add_response("delete_bucket", {})
        assert s3.delete_bucket(Bucket="bucket") == metadata
        assert s3.delete_bucket(Bucket="bucket") == {}


def test_add_response_unknown_method_is_rejected(stubber_class, s3):
    with pytest.raises(ValueError, match=r"^Client s3 does not have method: list_bucket$"):
        stubber_class(s3).add_response("list_bucket", {})


def test_add_client_error_default_code_and_status(stubber_class, s3):
    with stubber_class(s3) as stubber:
        stubber.add_client_error("list_buckets")
        with pytest.raises(ClientError) as caught:
            s3.list_buckets()
    assert caught.value.response == {
        "Error": {"Message": "", "Code": ""},
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }


def test_add_client_error_accepts_any_code_and_status(stubber_class, client):
    with stubber_class(client) as stubber:
        stubber.add_client_error("send_message", "NoSuchThing", http_status_code=999)
        with pytest.raises(ClientError, match="NoSuchThing"):
            send_message(client)


def test_add_client_error_accepts_positional_arguments(stubber_class, s3):
    with stubber_class(s3) as stubber:
        stubber.add_client_error(
            "get_object",
            "InvalidObjectState",
            "Restore it first.",
            403,
            {"Resource": "key"},
            {"Bucket": "bucket", "Key": ANY},
            {"RequestId": "abc"},
            {"StorageClass": "GLACIER"},
        )
        with pytest.raises(StubAssertionError):
            s3.get_object(Bucket="another", Key="key")
        with pytest.raises(s3.exceptions.InvalidObjectState) as caught:
            s3.get_object(Bucket="bucket", Key="key")
    assert caught.value.operation_name == "GetObject"
    assert caught.value.response == {
        "Error": {"Message": "Restore it first.", "Code": "InvalidObjectState", "Resource": "key"},
        "ResponseMetadata": {"HTTPStatusCode": 403, "RequestId": "abc"},
        "StorageClass": "GLACIER",
    }


def test_add_client_error_invalid_modeled_fields_are_rejected(stubber_class, s3):
    with pytest.raises(ParamValidationError, match='Unknown parameter in input: "Nonsense"'):
        stubber_class(s3).add_client_error(
            "get_object", "InvalidObjectState", modeled_fields={"Nonsense": "1"}
        )


def test_methods_accept_keyword_arguments_of_botocore(stubber_class, s3):
    with stubber_class(s3) as stubber:
        stubber.add_response(
            method="list_objects", service_response={"Name": "a"}, expected_params={"Bucket": "b"}
        )
        stubber.add_client_error(
            method="get_object",
            service_error_code="InvalidObjectState",
            service_message="",
            http_status_code=403,
            service_error_meta=None,
            expected_params=None,
            response_meta=None,
            modeled_fields=None,
        )
        assert s3.list_objects(Bucket="b") == {"Name": "a"}
        with pytest.raises(s3.exceptions.InvalidObjectState):
            s3.get_object(Bucket="bucket", Key="key")


def test_errors_are_not_retried(stubber_class, client):
    with stubber_class(client) as stubber:
        stubber.add_client_error("send_message", "ThrottlingException", http_status_code=429)
        stubber.add_response("send_message", {"Id": "1"})
        with pytest.raises(client.exceptions.ThrottlingException):
            send_message(client)
        assert send_message(client) == "1"


def test_network_events_are_not_emitted(stubber_class, client):
    emitted = []
    for event in ("before-sign", "before-send", "needs-retry", "after-call"):
        client.meta.events.register(event, lambda event_name, **_: emitted.append(event_name))
    with stubber_class(client) as stubber:
        stubber.add_response("send_message", {"Id": "1"})
        send_message(client)
    assert emitted == ["after-call.connectparticipant.SendMessage"]


def test_other_clients_are_not_stubbed(stubber_class, client):
    other = attach_confirm.client("us-east-1")
    block_requests(other)
    with stubber_class(client) as stubber:
        stubber.add_response("send_message", {})
        with pytest.raises(EndpointConnectionError):
            send_message(other)


def test_activate_and_deactivate_are_idempotent(stubber_class, s3):
    stubber = stubber_class(s3)
    stubber.deactivate()
    stubber.add_response("list_buckets", {})
    for _ in range(2):
        stubber.activate()
    s3.list_buckets()
    for _ in range(2):
        stubber.deactivate()
    block_requests(s3)
    with pytest.raises(EndpointConnectionError):
        s3.list_buckets()
    stubber.add_response("list_buckets", {})
    with stubber:
        s3.list_buckets()


def test_with_block_propagates_exception(stubber_class, s3):
    with pytest.raises(KeyError), stubber_class(s3):
        raise KeyError


def test_generate_presigned_url_does_not_consume_response(stubber_class, session):
    s3 = session.client(
        "s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    with stubber_class(s3) as stubber:
        stubber.add_response("list_buckets", {})
        url = s3.generate_presigned_url("get_object", {"Bucket": "bucket", "Key": "key"})
        assert url.startswith("https://bucket.s3.amazonaws.com/key?")
        s3.list_buckets()


def test_streaming_body_is_not_copied(stubber_class, s3):
    body = StreamingBody(io.BytesIO(b"data"), 4)
    with stubber_class(s3) as stubber:
        stubber.add_response("get_object", {"Body": body})
        assert s3.get_object(Bucket="bucket", Key="key")["Body"].read() == b"data"


def test_paginator_uses_stubbed_pages(stubber_class, s3):
    first_page = {"IsTruncated": True, "NextContinuationToken": "2", "Contents": [{"Key": "a"}]}
    last_page = {"IsTruncated": False, "Contents": [{"Key": "b"}]}
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="bucket")
    with stubber_class(s3) as stubber:
        stubber.add_response("list_objects_v2", first_page, {"Bucket": "bucket"})
        stubber.add_response(
            "list_objects_v2", last_page, {"Bucket": "bucket", "ContinuationToken": "2"}
        )
        assert list(pages.search("Contents[].Key")) == ["a", "b"]


def test_waiter_uses_stubbed_response(stubber_class, s3):
    with stubber_class(s3) as stubber:
        response = {"ResponseMetadata": {"HTTPStatusCode": 200}}
        stubber.add_response("head_bucket", response, {"Bucket": "bucket"})
        s3.get_waiter("bucket_exists").wait(Bucket="bucket")
        stubber.assert_no_pending_responses()


def test_resource_uses_stubbed_response(stubber_class, session):
    config = Config(signature_version=UNSIGNED)
    resource = session.resource("s3", region_name="us-east-1", config=config)
    with stubber_class(resource.meta.client) as stubber:
        stubber.add_response("list_buckets", {"Buckets": [{"Name": "a"}]})
        assert [bucket.name for bucket in resource.buckets.all()] == ["a"]


def test_subclass_can_add_stub_methods(stubber_class, s3):
    """The stubbers in AWS's code examples are such subclasses."""

    class ExampleStubber(stubber_class):
        def stub_list_buckets(self, names, error_code=None):
            if error_code:
                self.add_client_error("list_buckets", error_code, expected_params={})
            else:
                buckets = [{"Name": name} for name in names]
                self.add_response("list_buckets", {"Buckets": buckets}, {})

    with ExampleStubber(s3) as stubber:
        stubber.stub_list_buckets(["a"])
        stubber.stub_list_buckets([], error_code="AccessDenied")
        assert s3.list_buckets()["Buckets"] == [{"Name": "a"}]
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.list_buckets()
        stubber.assert_no_pending_responses()
    stubber.assert_no_pending_responses()


@pytest.fixture
def signing_client():
    """Return a function that creates a client that fails the test if it resolves credentials."""

    def refresh():
        pytest.fail("credentials were resolved")

    def create(service):
        credentials = DeferredRefreshableCredentials(refresh, "test")
        session = botocore.session.Session()
        session.register_component(
            "credential_provider", SimpleNamespace(load_credentials=lambda: credentials)
        )
        return session.create_client(service, region_name="us-east-1")

    return create


def test_credentials_are_not_resolved(stubber_class, signing_client):
    client = signing_client("connectparticipant")
    with stubber_class(client) as stubber:
        stubber.add_response("send_message", {"Id": "1"})
        assert send_message(client) == "1"


def test_credentials_are_not_resolved_for_account_based_endpoint(signing_client):
    """Old releases of botocore's own Stubber resolve them."""
    client = signing_client("dynamodb")
    with ConnectParticipantStubber(client) as stubber:
        stubber.add_response("delete_item", {})
        ConnectParticipantStubber(client).deactivate()
        assert client.delete_item(TableName="table", Key={"id": {"S": "1"}}) == {}
