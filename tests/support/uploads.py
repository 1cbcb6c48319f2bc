"""What the tests of `upload` share: a file, the operations, and the steps of an upload."""

import attach_confirm

PDF = b"%PDF-1.7 a receipt"
LIFETIME = 300
START, PUT, COMPLETE, GET_TRANSCRIPT = (
    "StartAttachmentUpload",
    "PutObject",
    "CompleteAttachmentUpload",
    "GetTranscript",
)


def start_upload(client, token, client_token=None):
    """Start the upload of PDF under the name "a.pdf", and return the pending upload."""
    return attach_confirm.start(
        client,
        name="a.pdf",
        size=len(PDF),
        content_type="application/pdf",
        connection_token=token,
        client_token=client_token,
    )


def listed_ids(fake):
    """Return the IDs of the attachments in the transcript."""
    return [
        attachment["AttachmentId"]
        for item in fake.transcript
        for attachment in item.get("Attachments", [])
    ]
