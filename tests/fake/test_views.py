"""DescribeView."""

import pytest


def test_describe_view_returns_members(fake, token):
    view = {"Id": "v-1", "Name": "form", "Version": 3, "Content": {"Template": "{}"}}
    response = fake.client.describe_view(ViewToken=fake.view_token(**view), ConnectionToken=token)
    assert response["View"] == view


@pytest.mark.parametrize(
    ("view", "message"),
    [
        ({"self": 1}, "unknown member 'self' of a view; expected one of Id, Arn, Name, Version, C"),
        ({"Version": "3"}, "Value at 'Version' failed to satisfy constraint: Member must be a int"),
        ({"Id": "", "Name": ""}, "Value at 'Id' .* or equal to 1; Value at 'Name' failed"),
    ],
)
def test_invalid_view_rejected(fake, view, message):
    with pytest.raises(ValueError, match=message):
        fake.view_token(**view)


def test_describe_view_unknown_token_rejected(fake, token):
    """The token is part of the path, where botocore escapes it."""
    with pytest.raises(fake.client.exceptions.ResourceNotFoundException) as raised:
        fake.client.describe_view(ViewToken="a/b c", ConnectionToken=token)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert fake.calls[-1].params["ViewToken"] == "a/b c"
