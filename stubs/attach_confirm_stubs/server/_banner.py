"""The text that `attach-confirm serve` prints when the server has started."""

from __future__ import annotations

_BANNER = """\
Fake Amazon Connect Participant Service: {url}
Dashboard: {url}/ - press Ctrl-C to stop

Participant token: {participant_token}
Connection token: {connection_token}

AWS CLI:
  export AWS_ENDPOINT_URL_CONNECTPARTICIPANT={url} AWS_DEFAULT_REGION={region}
  aws connectparticipant get-transcript --no-sign-request --connection-token=TOKEN
boto3:
  attach_confirm.client("{region}", endpoint_url="{url}")
AWS SDK for JavaScript:
  new ConnectParticipantClient({{ region: "{region}", endpoint: "{url}",
    credentials: {{ accessKeyId: "fake", secretAccessKey: "fake" }} }})"""


def startup_banner(
    endpoint_url: str, region_name: str, *, participant_token: str, connection_token: str
) -> str:
    """Return the instructions for connecting clients to the fake.

    Args:
        endpoint_url: The server's URL.
        region_name: Region of the tokens.
        participant_token: A participant token that has not been used to connect.
        connection_token: A connection token for another chat.
    """
    return _BANNER.format(
        url=endpoint_url,
        region=region_name,
        participant_token=participant_token,
        connection_token=connection_token,
    )
