"""A moto backend for the Amazon Connect Participant Service.

Importing this module registers it with moto; from then on `boto3.client("connectparticipant")`
works under `mock_aws`, beside everything that moto does already, and `start_chat_contact` of
`boto3.client("connect")` gives out participant tokens. The attachments' bytes lie in moto's S3.

It refuses what the service is known to refuse. What the service does where no public source
tells is decided here once; the switch that changes it is an attribute of `fake.assumptions`.

===============================================  ======================  =======================
Not public                                       Assumed                 Switch
===============================================  ======================  =======================
CompleteAttachmentUpload before the PUT          ValidationException     complete_before_put
... again under another ClientToken              ConflictException       complete_again
An attachment's id that was never given out      ValidationException     unknown_id
... that was given to another chat               AccessDeniedException   other_chat
GetAttachment before the approval                ValidationException     not_available
A ClientToken that comes with other parameters   the first answer again  client_token_reused
How long a ClientToken is remembered             as long as the chat     client_token_lifetime
How long an upload URL lives                     300 seconds             upload_url_lifetime
The Content-Disposition of a name outside ASCII  RFC 6266's filename*    content_disposition
When an attachment counts towards the quota      when it is started      quota_counts
The verdict where there is no scanner            APPROVED at once        `fake.scanner`
Whether a rejected item keeps its Attachments    yes                     rejected_item
Whether the chat ends when its customer leaves   yes                     chat_ends_with_customer
Whether it has an item for who joined            where they say so       joined_item
Whether it has an item for who types             no                      typing_item
Whether a StartPosition's Id is on the page      yes                     position_included
MaxResults=0                                     10 items                zero_results
GetTranscript for the ContactId of another chat  ValidationException     other_contact
An authentication SessionId that is not known    ValidationException     unknown_session
WEBRTC_CONNECTION of a chat                      ValidationException     webrtc
Throttling of operations without a known quota   none                    `fake.quotas.limits`
===============================================  ======================  =======================
"""

from attach_confirm_stubs.fake import _register
from attach_confirm_stubs.fake.models import connectparticipant_backends

__all__ = ["connectparticipant_backends"]

_register.register()
