"""What `attach-confirm serve` tells of the fake that it serves."""

from __future__ import annotations

from ipaddress import ip_address

_TOLD = """\
The fake of Amazon Connect Participant Service is at {url}
What is in it is shown at {url}/ in a browser. Control-C ends it.

Participant token: {participant_token}
Connection token: {connection_token}

The AWS CLI:
  export AWS_ENDPOINT_URL_CONNECTPARTICIPANT={url} AWS_DEFAULT_REGION={region}
  aws connectparticipant get-transcript --no-sign-request --connection-token=TOKEN
boto3:
  attach_confirm.client("{region}", endpoint_url="{url}")
The JavaScript SDK:
  new ConnectParticipantClient({{ region: "{region}", endpoint: "{url}",
    credentials: {{ accessKeyId: "fake", secretAccessKey: "fake" }} }})"""


def told(url: str, region: str, participant_token: str, connection_token: str) -> str:
    """Return how clients are pointed at the fake.

    Args:
        url: Where it is served.
        region: The region of the tokens.
        participant_token: One that is ready to connect.
        connection_token: One of another chat, which is connected.
    """
    return _TOLD.format(
        url=url,
        region=region,
        participant_token=participant_token,
        connection_token=connection_token,
    )


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches a host, as far as its name says."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
