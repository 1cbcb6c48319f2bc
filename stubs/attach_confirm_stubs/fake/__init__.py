"""A moto backend for the Amazon Connect Participant Service.

Importing this module registers it with moto; from then on `boto3.client("connectparticipant")`
works under `mock_aws`, beside everything that moto does already. The attachments' bytes lie in
moto's S3.

It refuses what the service is known to refuse. What the service does where no public source
tells is decided here once:

=====================================================  ===========================================
Not public                                             Assumed
=====================================================  ===========================================
CompleteAttachmentUpload before the PUT                ValidationException
CompleteAttachmentUpload of an id never given out      ValidationException
... of an id given to another chat                     AccessDeniedException
... again under another ClientToken                    ConflictException
A ClientToken repeated with other parameters           the first answer again
How long a ClientToken is remembered                   as long as the chat
How long an upload URL lives                           300 seconds
The verdict, where the instance has no scanner         APPROVED with the confirmation
When an attachment counts towards the quota            when it is started
The Content-Disposition of a name outside ASCII        RFC 6266's filename*, in UTF-8
`MaxResults=0`                                         as if it were not given
=====================================================  ===========================================
"""

from attach_confirm_stubs.fake import _register
from attach_confirm_stubs.fake.models import connectparticipant_backends

__all__ = ["connectparticipant_backends"]

_register.register()
