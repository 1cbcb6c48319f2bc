"""A moto backend for the Amazon Connect Participant Service.

Importing this package registers the backend with moto. From then on,
`boto3.client("connectparticipant")` works under `mock_aws` together with moto's services, and
`start_chat_contact` of `boto3.client("connect")` returns participant tokens. moto's S3 stores the
attachments' bytes.

The fake enforces the documented limits and errors. `fake.assumptions` decides about undocumented
behaviour; see `attach_confirm_stubs.fake._assumptions.Assumptions`.
"""

from attach_confirm_stubs.fake import _register
from attach_confirm_stubs.fake.models import connectparticipant_backends

__all__ = ["connectparticipant_backends"]

_register.register()
