"""What botocore documents of its Stubber holds for both classes, side by side; and its limits.

Each `test_limit_...` is about one thing that botocore's Stubber cannot do. Its docstring says
whether `ConnectParticipantStubber` lifts it or it stays.
"""

import io
import re
from concurrent.futures import ThreadPoolExecutor
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
    BotoCoreError,
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
from attach_confirm_stubs import ConnectParticipantStubber, UnexpectedCall

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
SENT = ("Content", "ContentType", "ConnectionToken", "ClientToken")
NO_TIME = {"Id": "1", "AbsoluteTime": "soon"}
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


@pytest.fixture
def ours(client):
    """Our stubber, active on a client of the Participant Service."""
    stubber = ConnectParticipantStubber(client)
    stubber.activate()
    yield stubber
    stubber.deactivate()


def say(client, text="Hello", **params):
    """Send a message."""
    return client.send_message(
        Content=text, ContentType="text/plain", ConnectionToken="token", **params
    )


def test_limit_01_events_of_the_wire_are_skipped(cls, client):
    """Stays: nothing is signed or sent, so nobody hears of it; the fake does both."""
    heard = []
    for event in ("before-sign", "before-send", "needs-retry", "after-call"):
        client.meta.events.register(event, lambda event_name, **_: heard.append(event_name))
    with cls(client) as stubber:
        stubber.add_response("send_message", {"Id": "1"})
        say(client)
    assert heard == ["after-call.connectparticipant.SendMessage"]


def test_limit_02_nothing_is_retried(cls, client):
    """Stays: an error is the outcome of the call, not of an attempt; the fake's are attempts'."""
    with cls(client) as stubber:
        stubber.add_client_error("send_message", "ThrottlingException", http_status_code=429)
        stubber.add_response("send_message", {"Id": "1"})
        with pytest.raises(client.exceptions.ThrottlingException):
            say(client)
        assert say(client) == {"Id": "1"}


def test_limit_03_botocores_client_token_cannot_be_expected(cls, client):
    """Stays for `add_response`, which compares what the code under test gave."""
    with cls(client) as stubber:
        stubber.add_response("send_message", {"Id": "1"}, dict.fromkeys(SENT, ANY))
        with pytest.raises(StubAssertionError):
            say(client)


def test_limit_03_is_lifted_for_stub_methods(ours):
    """Lifted: a `stub_<operation>` compares what is sent."""
    ours.stub_send_message(**dict.fromkeys(SENT, ANY))
    say(ours.client)
    ours.verify()


def test_limit_04_is_lifted_two_stubbers_on_a_client(ours):
    """Lifted: the second is refused loudly instead of ignored, and takes nothing away."""
    second = ConnectParticipantStubber(ours.client)
    with pytest.raises(RuntimeError):
        second.activate()
    second.deactivate()
    ours.stub_send_message(response={"Id": "1"})
    assert say(ours.client)["Id"] == "1"


def swallowing(client):
    """Send a message, and take every error for a lost network."""
    try:
        say(client)
    except (BotoCoreError, ClientError):
        return False
    return True


def test_limit_05_an_unexpected_call_can_be_swallowed(cls, client):
    """Stays for upstream's methods alone, that tests for botocore's errors go on passing."""
    with cls(client) as stubber:
        assert not swallowing(client)
    stubber.assert_no_pending_responses()


def test_limit_05_is_lifted(ours):
    """Lifted: with a `stub_<operation>` it is not caught; and `verify` tells of it in any case."""
    assert not swallowing(ours.client)
    with pytest.raises(UnexpectedCall):
        ours.verify()
    ours.stub_send_event()
    with pytest.raises(UnexpectedCall):
        swallowing(ours.client)


def test_limit_06_is_lifted_threads(client):
    """Lifted with in_any_order=True, for `add_response` too."""
    texts = [str(number) for number in range(100)]
    with ConnectParticipantStubber(client, in_any_order=True) as stubber:
        for text in texts:
            expected = {"Content": text, "ContentType": ANY, "ConnectionToken": ANY}
            stubber.add_response("send_message", {"Id": text}, expected)
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda text: say(client, text), reversed(texts)))
    assert [answer["Id"] for answer in answers] == texts[::-1]
    stubber.assert_no_pending_responses()


def test_limit_06_errors_of_unordered_stubs_are_about_the_nearest(client):
    """In any order there is no next answer, so the one that differs least is named."""
    stubber = ConnectParticipantStubber(client, in_any_order=True)
    stubber.add_response("send_event", {})
    stubber.add_response("send_message", {}, {"Content": "Bye"})
    stubber.add_response("send_message", {}, {"Content": "Hello"})
    with stubber, pytest.raises(StubAssertionError, match=r"parameters:\n{'Content': 'Hello'}"):
        say(client)
    with stubber, pytest.raises(StubResponseError, match="found response for SendEvent"):
        client.get_transcript(ConnectionToken="token")


def test_limit_07_any_error_can_be_added(cls, client):
    """Stays for `add_client_error`: it takes any code and any status."""
    with cls(client) as stubber:
        stubber.add_client_error("send_message", "NoSuchThing", http_status_code=999)
        with pytest.raises(ClientError, match="NoSuchThing"):
            say(client)


def test_limit_07_is_lifted_errors_are_checked(ours):
    """Lifted: a `stub_<operation>` wants a declared error; no method takes a misspelt operation."""
    with pytest.raises(ValueError, match="does not declare"):
        ours.stub_send_message(error_code="NoSuchThing")
    Stubber(ours.client).add_client_error("send_mesage")
    with pytest.raises(ValueError, match="does not have method: send_mesage"):
        ours.add_client_error("send_mesage")


def test_limit_08_an_answer_is_not_the_wires(cls, client):
    """Stays for `add_response`: what was given is what is got, without metadata."""
    with cls(client) as stubber:
        stubber.add_response("send_message", {"Id": "1"})
        assert say(client) == {"Id": "1"}


def test_limit_08_is_lifted_metadata_is_complete(ours):
    """Lifted: a `stub_<operation>` answers with what botocore makes of an HTTP answer."""
    ours.stub_send_message(response={"Id": "1"})
    metadata = say(ours.client)["ResponseMetadata"]
    assert {"RequestId", "HTTPStatusCode", "HTTPHeaders", "RetryAttempts"} == metadata.keys()


def test_limit_09_is_lifted_answers_are_copies(ours):
    """Lifted for `add_response` too: an answer is what it was when it was added."""
    response = {"Transcript": [{"Id": "1"}]}
    ours.add_response("get_transcript", response)
    response["Transcript"][0]["Id"] = "2"
    ours.add_response("get_transcript", response)
    answers = [ours.client.get_transcript(ConnectionToken="token") for _ in range(2)]
    assert [answer["Transcript"][0]["Id"] for answer in answers] == ["1", "2"]


def test_limit_10_is_lifted_any_exception(ours):
    """Lifted: `error=` takes any exception."""
    ours.stub_send_message(error=EndpointConnectionError(endpoint_url="https://x"))
    with pytest.raises(EndpointConnectionError):
        say(ours.client)


def test_limit_11_responses_are_checked_by_their_types_alone(cls, client):
    """Stays for `add_response`: a time that is none is taken."""
    with cls(client) as stubber:
        stubber.add_response("send_message", NO_TIME)
        assert say(client) == NO_TIME


def test_limit_11_is_lifted_for_responses(ours):
    """Lifted: a `stub_<operation>` checks enums, lengths and times of its response."""
    with pytest.raises(ParamValidationError, match="is no ISO 8601 time"):
        ours.stub_send_message(response=NO_TIME)


def test_limit_11_requests_are_checked_as_botocore_checks_them(ours):
    """Stays for parameters: a text that is too long is answered; the fake refuses it."""
    ours.stub_send_message()
    say(ours.client, "x" * 20000)
    ours.verify()


def test_limit_12_parameters_are_all_or_nothing(cls, client):
    """Stays for `add_response`: expected parameters are all there are."""
    with cls(client) as stubber:
        stubber.add_response("send_message", {}, {"Content": "Hello"})
        with pytest.raises(StubAssertionError):
            say(client)


def test_limit_12_is_lifted_some_parameters(ours):
    """Lifted: a `stub_<operation>` names those that matter."""
    ours.stub_send_message(Content="Hello")
    say(ours.client)
    ours.verify()


def test_limit_13_one_client_object_is_stubbed(cls, client):
    """Stays: a client that the code under test makes itself is not; the fake answers it."""
    other = attach_confirm.client("us-east-1")
    cut_off(other)
    with cls(client) as stubber:
        stubber.add_response("send_message", {})
        with pytest.raises(EndpointConnectionError):
            say(other)


def test_limit_14_is_lifted_pending_answers_are_listed(client):
    """Lifted: with a `stub_<operation>` they are listed, and the end of the block asks for them."""
    stubber = ConnectParticipantStubber(client)
    stubber.stub_send_message(Content="Hello")
    with pytest.raises(AssertionError, match=re.escape("1. SendMessage(Content='Hello'): unused")):
        stubber.__exit__(None, None, None)


@pytest.fixture
def unasked():
    """Return a way to make a client that would sign, and fails the test if it asks how."""

    def refresh():
        pytest.fail("credentials were looked for")

    def client(service):
        deferred = DeferredRefreshableCredentials(refresh, "test")
        made = botocore.session.Session()
        made.register_component(
            "credential_provider", SimpleNamespace(load_credentials=lambda: deferred)
        )
        return made.create_client(service, region_name="us-east-1")

    return client


def test_limit_15_no_credentials_are_needed(cls, unasked):
    """Holds for both, with a client that would sign what it sends."""
    client = unasked("connectparticipant")
    with cls(client) as stubber:
        stubber.add_response("send_message", {"Id": "1"})
        assert say(client) == {"Id": "1"}


def test_limit_15_holds_where_the_endpoint_depends_on_the_account(unasked):
    """Holds as in recent releases of botocore, for the older ones that setup.cfg admits too."""
    client = unasked("dynamodb")
    with ConnectParticipantStubber(client) as stubber:
        stubber.add_response("delete_item", {})
        ConnectParticipantStubber(client).deactivate()
        assert client.delete_item(TableName="table", Key={"id": {"S": "1"}}) == {}
