"""Requests into calls of the backend, and what it returns into answers."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from moto.core.responses import BaseResponse
from moto.s3.responses import S3Response

from attach_confirm_stubs import _model
from attach_confirm_stubs.fake import exceptions
from attach_confirm_stubs.fake.models import (
    ConnectParticipantBackend,
    connectparticipant_backends,
    timestamp,
)

if TYPE_CHECKING:
    from botocore.model import Shape
    from moto.core.common_types import TYPE_RESPONSE


class ConnectParticipantResponse(BaseResponse):
    """One request to the service, or to its upload place in S3."""

    def __init__(self) -> None:
        super().__init__(service_name=_model.SERVICE)

    @property
    def backend(self) -> ConnectParticipantBackend:
        """The service in this request's account and region."""
        return connectparticipant_backends[self.current_account][self.region]

    def create_participant_connection(self) -> str:
        """Answer CreateParticipantConnection."""
        params = self._params("CreateParticipantConnection")
        kinds = params.get("Type", [])
        token, expires_at = self.backend.create_participant_connection(params["ParticipantToken"])
        expiry = timestamp(expires_at)
        answer: dict[str, Any] = {}
        if "CONNECTION_CREDENTIALS" in kinds:
            answer["ConnectionCredentials"] = {"ConnectionToken": token, "Expiry": expiry}
        return self._answer(answer)

    def start_attachment_upload(self) -> str:
        """Answer StartAttachmentUpload."""
        params = self._params("StartAttachmentUpload")
        attachment = self.backend.start_attachment_upload(
            params["ConnectionToken"],
            params["AttachmentName"],
            params["AttachmentSizeInBytes"],
            params["ContentType"],
            params["ClientToken"],
        )
        return self._answer(
            {
                "AttachmentId": attachment.attachment_id,
                "UploadMetadata": {
                    "Url": attachment.url,
                    "UrlExpiry": attachment.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "HeadersToInclude": attachment.headers,
                },
            }
        )

    def complete_attachment_upload(self) -> str:
        """Answer CompleteAttachmentUpload."""
        params = self._params("CompleteAttachmentUpload")
        self.backend.complete_attachment_upload(
            params["ConnectionToken"], params["AttachmentIds"][0], params["ClientToken"]
        )
        return ""

    def get_transcript(self) -> str:
        """Answer GetTranscript."""
        params = self._params("GetTranscript")
        contact_id, items, next_token = self.backend.get_transcript(
            params["ConnectionToken"],
            max_results=params.get("MaxResults", 0),
            next_token=params.get("NextToken"),
            scan_direction=params.get("ScanDirection", "BACKWARD"),
            sort_order=params.get("SortOrder", "DESCENDING"),
            start_position=params.get("StartPosition", {}),
        )
        answer = {"InitialContactId": contact_id, "Transcript": items}
        return self._answer(answer | ({"NextToken": next_token} if next_token else {}))

    def get_attachment(self) -> str:
        """Answer GetAttachment."""
        params = self._params("GetAttachment")
        url, expires_at, size = self.backend.get_attachment(
            params["ConnectionToken"],
            params["AttachmentId"],
            params.get("UrlExpiryInSeconds", 300),
        )
        return self._answer(
            {"Url": url, "UrlExpiry": timestamp(expires_at), "AttachmentSizeInBytes": size}
        )

    @classmethod
    def put_object(cls, request: Any, full_url: str, headers: Any) -> TYPE_RESPONSE:
        """Check a PUT to the upload place, and let moto's S3 store it.

        What is no PUT is S3's own business.
        """
        if request.method != "PUT":
            return S3Response.key_dispatch(request, full_url, headers)
        account_id, region = urlsplit(full_url).netloc.split(".")[0].split("-", 3)[2:]
        backend = connectparticipant_backends[account_id][region]
        attachment = backend.uploadable(full_url)
        backend.check_put(attachment, request.headers, len(request.data))
        answer: TYPE_RESPONSE = S3Response.key_dispatch(request, full_url, headers)
        if answer[0] == HTTPStatus.OK:
            attachment.state = "UPLOADED"
        return answer

    def _params(self, operation: str) -> dict[str, Any]:
        """Return the request's parameters by their names in the API, checked by the model."""
        model = _model.operation(operation)
        params: dict[str, Any] = json.loads(self.body or "{}")
        params[_model.token_member(model)] = self.headers.get("X-Amz-Bearer")
        problems = list(_model.violations(cast("Shape", model.input_shape), params))
        if problems:
            raise exceptions.Invalid(
                f"{len(problems)} validation error(s) detected: {'; '.join(problems)}"
            )
        return params

    def _answer(self, body: dict[str, Any]) -> str:
        self.response_headers["content-type"] = exceptions.JSON
        return json.dumps(body)
