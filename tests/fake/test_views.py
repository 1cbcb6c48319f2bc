"""DescribeView."""

import pytest


def test_describe_view_returns_members(fake, token):
    view = {"Id": "v-1", "Name": "form", "Version": 3, "Content": {"Template": "{}"}}
    response = fake.client.describe_view(ViewToken=fake.view_token(**view), ConnectionToken=token)
    assert response["View"] == view


def test_describe_view_unknown_token_rejected(fake, token):
    """The token is part of the path, where botocore escapes it."""
    with pytest.raises(fake.client.exceptions.ResourceNotFoundException) as raised:
        fake.client.describe_view(ViewToken="a/b c", ConnectionToken=token)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert fake.calls[-1].params["ViewToken"] == "a/b c"
