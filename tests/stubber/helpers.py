"""Calls that the stubber's tests share."""

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from attach_confirm_stubs import _service_model

OPERATIONS = _service_model.service_model().operation_names


def send_message(client, text="Hello", **params):
    """Send a message and return its id."""
    params = {"ContentType": "text/plain", "ConnectionToken": "token", **params}
    return client.send_message(Content=text, **params)["Id"]


def send_message_suppressing_errors(client):
    """Send a message like code that handles every boto3 error."""
    try:
        return send_message(client)
    except (BotoCoreError, ClientError):
        return None


def required_params(shape):
    """Return a value with only the members that a shape requires."""
    if shape.type_name == "structure":
        return {name: required_params(shape.members[name]) for name in shape.required_members}
    if shape.type_name == "list":
        return [required_params(shape.member)]
    return shape.metadata.get("enum", ["x" * 40])[0] if shape.type_name == "string" else 1


def call_operation(client, operation):
    """Call an operation with the parameters that it requires."""
    params = required_params(_service_model.operation(operation).input_shape)
    return getattr(client, xform_name(operation))(**params)
