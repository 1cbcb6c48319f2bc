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
    backends,
    folded,
    timestamp,
)

if TYPE_CHECKING:
    from botocore.model import Shape
    from moto.core.common_types import TYPE_RESPONSE


class ConnectParticipantResponse(BaseResponse):
    """One request to the service, or to its upload place in S3.

    Attributes:
        backend: The service that the request's token belongs to, once that was read.
    """

    backend: ConnectParticipantBackend

    def __init__(self) -> None:
        super().__init__(service_name=_model.SERVICE)

    def create_participant_connection(self) -> str:
        """Answer CreateParticipantConnection."""
        params = self._params("CreateParticipantConnection")
        kinds = params.get("Type", [])
        token, expires_at = self.backend.create_participant_connection(params["ParticipantToken"])
        answer = {}
        if "CONNECTION_CREDENTIALS" in kinds:
            answer["ConnectionCredentials"] = {
                "ConnectionToken": token,
                "Expiry": timestamp(expires_at),
            }
        if "WEBSOCKET" in kinds:
            url, closes_at = self.backend.websocket(token)
            answer["Websocket"] = {"Url": url, "ConnectionExpiry": timestamp(closes_at)}
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
        """Check the PUT of an attachment, and let moto's S3 store it.

        What else is asked of the place is S3's own business.
        """
        place = urlsplit(full_url)
        bucket, attachment_id = place.netloc.partition(".")[0], place.path.rpartition("/")[2]
        sent = _sent_headers(request)
        presigned = request.method == "PUT" and "authorization" not in sent
        for backend in backends():
            if presigned and backend.bucket == bucket:
                attachment = backend.check_put(attachment_id, full_url, sent, _size(request))
                with backend.lock:
                    answer = S3Response.key_dispatch(request, full_url, headers)
                    if answer[0] == HTTPStatus.OK and attachment.state == "STARTED":
                        attachment.state = "UPLOADED"
                return answer
        return S3Response.key_dispatch(request, full_url, headers)

    def _params(self, operation: str) -> dict[str, Any]:
        """Return the request's parameters by their names in the API, checked by the model.

        The service itself is found by the token: it says which account's chat is meant, whoever
        signed the request.
        """
        model = _model.operation(operation)
        params: dict[str, Any] = json.loads(self.body or "{}")
        params[_model.token_member(model)] = self.headers.get("X-Amz-Bearer")
        problems = list(_model.violations(cast("Shape", model.input_shape), params))
        if problems:
            raise exceptions.Invalid(
                f"{len(problems)} validation error(s) detected: {'; '.join(problems)}"
            )
        token = params[_model.token_member(model)]
        for backend in backends():
            if backend.region_name == self.region and backend.knows(token):
                self.backend = backend
                return params
        raise exceptions.AccessDenied

    def _answer(self, body: dict[str, Any]) -> str:
        self.response_headers["content-type"] = exceptions.JSON
        return json.dumps(body)


# moto before 5.2.4 hands over botocore's own request where botocore made it, and werkzeug's, whose
# header names know no underscore, where `requests` did; since then always werkzeug's.


def _sent_headers(request: Any) -> dict[str, str]:
    """Return a request's headers by `folded` names."""
    return {
        folded(name): value.decode() if isinstance(value, bytes) else value
        for name, value in request.headers.items()
    }


def _size(request: Any) -> int:
    """Return the length of a request's body, and leave the body to be read again."""
    if hasattr(request, "get_data"):
        # Kept whole, also where the file is a web form that werkzeug would take apart.
        return len(request.get_data())
    if hasattr(request.body, "read"):
        request.body = request.body.read()
    return len(request.body or b"")
