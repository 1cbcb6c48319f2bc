"""What botocore documents of its Stubber holds for both classes, side by side."""

import io
from datetime import datetime
from unittest.mock import ANY as MOCK_ANY

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
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

from attach_confirm_stubs import ConnectParticipantStubber

LISTED = {
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
EXHAUSTED = (
    "Error getting response stub for operation {}: Unexpected API Call: A call was made but no"
    " additional calls expected. Either the API Call was not stubbed or it was called multiple"
    " times."
)


@pytest.fixture(scope="module")
def session():
    """One session for all clients, for its models are large."""
    return boto3.Session()


@pytest.fixture
def make(session):
    """Return a way to make a client of any service, without credentials."""

    def client(service, **options):
        config = Config(signature_version=UNSIGNED, **options)
        return session.client(service, region_name="us-east-1", config=config)

    return client


@pytest.fixture
def s3(make):
    """A client of S3."""
    return make("s3")


@pytest.fixture(params=[Stubber, ConnectParticipantStubber])
def cls(request):
    """Either class."""
    return request.param


def test_a_response_is_given_to_the_call_that_expects_it(cls, s3):
    """The first example of botocore's page."""
    stubber = cls(s3)
    stubber.add_response("list_objects", LISTED, {"Bucket": "test-bucket"})
    stubber.activate()
    assert s3.list_objects(Bucket="test-bucket") == LISTED


def test_the_context_manager_activates_and_deactivates(cls, s3):
    """The second example of botocore's page; after the block the network would be asked."""
    response = {
        "Owner": {"ID": "foo", "DisplayName": "bar"},
        "Buckets": [{"CreationDate": datetime(2016, 1, 20, 22, 9), "Name": "baz"}],  # noqa: DTZ001
    }
    with cls(s3) as stubber:
        stubber.add_response("list_buckets", response, {})
        assert s3.list_buckets() == response
    cut_off(s3)
    with pytest.raises(EndpointConnectionError):
        s3.list_buckets()


def cut_off(client):
    """Let no request of a client leave."""

    def refuse(request, **_):
        raise EndpointConnectionError(endpoint_url=request.url)

    client.meta.events.register("before-send", refuse)


@pytest.mark.parametrize("anything", [ANY, MOCK_ANY])
def test_any_ignores_a_parameter(cls, s3, anything):
    """The third example of botocore's page."""
    with cls(s3) as stubber:
        stubber.add_response("list_objects", LISTED, {"Bucket": anything})
        assert s3.list_objects(Bucket="test-bucket") == LISTED


def test_any_works_within_a_parameter(cls, make):
    """ANY may stand in a nested structure."""
    ec2 = make("ec2")
    filters = [{"Name": "vpc-id", "Values": ANY}]
    with cls(ec2) as stubber:
        stubber.add_response("describe_subnets", {"Subnets": []}, {"Filters": filters})
        answer = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": ["vpc-1"]}])
    assert answer == {"Subnets": []}


def test_responses_are_first_in_first_out(cls, s3):
    """Answers come in the order in which they were added."""
    with cls(s3) as stubber:
        for name in ("a", "b"):
            stubber.add_response("list_objects", {"Name": name})
        answers = [s3.list_objects(Bucket="bucket")["Name"] for _ in range(2)]
    assert answers == ["a", "b"]


def test_a_call_out_of_order_is_refused(cls, s3):
    """Another operation's answer is not given, and stays for its call."""
    with cls(s3) as stubber:
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


def test_a_call_without_a_response_is_refused(cls, s3):
    """When no answer is left, the call is refused in botocore's words."""
    with cls(s3), pytest.raises(UnStubbedResponseError) as caught:
        s3.list_buckets()
    assert str(caught.value) == EXHAUSTED.format("ListBuckets")


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
def test_other_parameters_are_refused_before_they_are_validated(cls, s3, params):
    """A parameter that differs, is missing or too many is told, and the answer stays."""
    with cls(s3) as stubber:
        stubber.add_response("list_objects", {"Name": "a"}, {"Bucket": "test-bucket"})
        with pytest.raises(StubAssertionError) as caught:
            s3.list_objects(**params)
        assert str(caught.value) == (
            "Error getting response stub for operation ListObjects: Expected parameters:\n"
            f"{{'Bucket': 'test-bucket'}},\nbut received:\n{params}"
        )
        assert s3.list_objects(Bucket="test-bucket")["Name"] == "a"


def test_no_expected_parameters_are_not_the_same_as_none(cls, s3):
    """{} means a call without parameters, None any call."""
    with cls(s3) as stubber:
        stubber.add_response("list_objects", {}, {})
        with pytest.raises(StubAssertionError):
            s3.list_objects(Bucket="bucket")
    with cls(s3) as stubber:
        stubber.add_response("list_objects", {}, None)
        s3.list_objects(Bucket="bucket")


def test_parameters_are_compared_before_botocore_changes_them(cls, make):
    """A user data that botocore encodes, or a token that it adds, is not what is compared."""
    ec2 = make("ec2")
    params = {"MinCount": 1, "MaxCount": 1, "UserData": "echo"}
    with cls(ec2) as stubber:
        stubber.add_response("run_instances", {}, params)
        ec2.run_instances(**params)


def test_strict_compares_the_same_parameters(make):
    """A strict stubber refuses otherwise than botocore's, and allows the same calls."""
    ec2 = make("ec2")
    params = {"MinCount": 1, "MaxCount": 1, "UserData": "echo"}
    with ConnectParticipantStubber(ec2, strict=True) as stubber:
        stubber.add_response("run_instances", {}, params)
        ec2.run_instances(**params)


def test_pending_responses_are_counted(cls, s3):
    """What was not asked for is told by its number."""
    stubber = cls(s3)
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
def test_an_invalid_response_is_refused(cls, s3, method, response, reason):
    """A response that does not fit the operation's output is refused when it is added."""
    with pytest.raises(ParamValidationError, match=reason):
        cls(s3).add_response(method, response)


def test_an_operation_without_output_answers_with_metadata_alone(cls, s3):
    """An answer that has no members can still have its metadata."""
    metadata = {"ResponseMetadata": {"RequestId": "abc"}}
    with cls(s3) as stubber:
        stubber.add_response("delete_bucket", metadata)
        stubber.add_response("delete_bucket", {})
        assert s3.delete_bucket(Bucket="bucket") == metadata
        assert s3.delete_bucket(Bucket="bucket") == {}


def test_an_unknown_method_is_refused(cls, s3):
    """A method that the client does not have cannot be answered."""
    with pytest.raises(ValueError, match=r"^Client s3 does not have method: list_bucket$"):
        cls(s3).add_response("list_bucket", {})


def test_an_error_without_details(cls, s3):
    """Without a code and a status, the error has none and 400."""
    with cls(s3) as stubber:
        stubber.add_client_error("list_buckets")
        with pytest.raises(ClientError) as caught:
            s3.list_buckets()
    assert caught.value.response == {
        "Error": {"Message": "", "Code": ""},
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }


def test_an_error_with_every_detail(cls, s3):
    """Every argument of `add_client_error` goes where botocore's page says."""
    with cls(s3) as stubber:
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


def test_the_fields_of_an_error_are_validated(cls, s3):
    """Modelled fields must be those of the error that the code names."""
    with pytest.raises(ParamValidationError, match='Unknown parameter in input: "Nonsense"'):
        cls(s3).add_client_error(
            "get_object", "InvalidObjectState", modeled_fields={"Nonsense": "1"}
        )


def test_the_arguments_can_be_named(cls, s3):
    """Each argument has the name that botocore gives it."""
    with cls(s3) as stubber:
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


def test_activation_and_deactivation_can_be_repeated(cls, s3):
    """Twice active is active, twice inactive is inactive, and the answers stay."""
    stubber = cls(s3)
    stubber.deactivate()
    stubber.add_response("list_buckets", {})
    for _ in range(2):
        stubber.activate()
    s3.list_buckets()
    for _ in range(2):
        stubber.deactivate()
    cut_off(s3)
    with pytest.raises(EndpointConnectionError):
        s3.list_buckets()
    stubber.add_response("list_buckets", {})
    with stubber:
        s3.list_buckets()


def test_the_context_manager_gives_the_stubber(cls, s3):
    """`with Stubber(client) as stubber` names the stubber, and its client is the client."""
    stubber = cls(s3)
    with stubber as entered:
        assert entered is stubber
    assert isinstance(stubber, Stubber)
    assert stubber.client is s3


def test_a_block_does_not_hide_its_error(cls, s3):
    """An exception leaves the block."""
    with pytest.raises(KeyError), cls(s3):
        raise KeyError


def test_a_presigned_request_is_not_stubbed(cls, session):
    """To sign a URL takes no answer."""
    s3 = session.client(
        "s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    with cls(s3) as stubber:
        stubber.add_response("list_buckets", {})
        url = s3.generate_presigned_url("get_object", {"Bucket": "bucket", "Key": "key"})
        assert url.startswith("https://bucket.s3.amazonaws.com/key?")
        s3.list_buckets()


def test_a_streaming_body_is_given_as_it_is(cls, s3):
    """A body that can be read once is not copied."""
    body = StreamingBody(io.BytesIO(b"data"), 4)
    with cls(s3) as stubber:
        stubber.add_response("get_object", {"Body": body})
        assert s3.get_object(Bucket="bucket", Key="key")["Body"].read() == b"data"


def test_a_paginator_is_answered_page_by_page(cls, s3):
    """Code of botocore's above the client finds the answers too."""
    pages = [
        {"IsTruncated": True, "NextContinuationToken": "2", "Contents": [{"Key": "a"}]},
        {"IsTruncated": False, "Contents": [{"Key": "b"}]},
    ]
    asked = s3.get_paginator("list_objects_v2").paginate(Bucket="bucket")
    with cls(s3) as stubber:
        stubber.add_response("list_objects_v2", pages[0], {"Bucket": "bucket"})
        stubber.add_response(
            "list_objects_v2", pages[1], {"Bucket": "bucket", "ContinuationToken": "2"}
        )
        assert list(asked.search("Contents[].Key")) == ["a", "b"]


def test_a_subclass_adds_its_own_methods(cls, s3):
    """AWS's example stubbers are subclasses that call the public methods."""

    class ExampleStubber(cls):
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


def test_a_resource_is_stubbed_by_its_client(cls, session):
    """boto3's resources have a client too, and its stubber is theirs."""
    config = Config(signature_version=UNSIGNED)
    resource = session.resource("s3", region_name="us-east-1", config=config)
    with cls(resource.meta.client) as stubber:
        stubber.add_response("list_buckets", {"Buckets": [{"Name": "a"}]})
        assert [bucket.name for bucket in resource.buckets.all()] == ["a"]


def test_a_waiter_is_answered(cls, s3):
    """A waiter looks at the status, which the answer can have."""
    with cls(s3) as stubber:
        there = {"ResponseMetadata": {"HTTPStatusCode": 200}}
        stubber.add_response("head_bucket", there, {"Bucket": "bucket"})
        s3.get_waiter("bucket_exists").wait(Bucket="bucket")
        stubber.assert_no_pending_responses()
