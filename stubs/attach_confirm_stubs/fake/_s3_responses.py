"""Handles requests with presigned URLs, which moto's S3 stores."""

from __future__ import annotations

from email.utils import format_datetime
from functools import partial
from typing import TYPE_CHECKING

from attach_confirm_stubs.fake import _attempts, _patterns, exceptions
from attach_confirm_stubs.fake._clock import clock
from attach_confirm_stubs.fake._http import Request, Response, new_s3_request_id
from attach_confirm_stubs.fake._operations import GET_OBJECT, PUT_OBJECT
from attach_confirm_stubs.fake.models import get_backend

if TYPE_CHECKING:
    from attach_confirm_stubs.fake.models import ConnectParticipantBackend


def dispatch_s3(request: Request, bucket: str, key: str) -> Response:
    """Return the response to a request with a presigned URL.

    Args:
        request: The request.
        bucket: The bucket's name.
        key: The object key.

    Raises:
        exceptions.ResponseNotDelivered: An injected fault affects the connection.
    """
    owner = _patterns.parse_bucket_name(bucket)
    backend = get_backend(*owner) if owner else None
    if backend is None:
        return exceptions.SignatureDoesNotMatch().response
    params: dict[str, object] = {"Bucket": bucket, "Key": key}
    if request.method == "PUT":
        params["ContentLength"] = request.content_length
        call = backend.history.get_or_create(PUT_OBJECT, params, key)
        handler = partial(_put_object, backend, key, request)
    else:
        call = backend.history.get_or_create(GET_OBJECT, params, request.url)
        handler = partial(_get_object, backend, key, request)
    return _attempts.run_attempt(
        backend, call, partial(exceptions.to_response, handler), request.sleep
    )


def _put_object(backend: ConnectParticipantBackend, key: str, request: Request) -> Response:
    etag = backend.put_object(_patterns.attachment_id_of(key), request)
    headers = {"date": format_datetime(clock.now(), usegmt=True), "etag": etag}
    return Response(200, headers | {"x-amz-request-id": new_s3_request_id()})


def _get_object(backend: ConnectParticipantBackend, key: str, request: Request) -> Response:
    stored, headers = backend.get_object(key, request)
    headers |= {"etag": stored.etag, "x-amz-request-id": new_s3_request_id()}
    return Response(200, headers, stored.value)
