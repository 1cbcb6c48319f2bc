"""Forgetting, where no `mock_aws` ends and takes the state with it."""

from __future__ import annotations

from moto.s3.models import FakeKey

from attach_confirm_stubs.fake.models import all_backends, connectparticipant_backends
from attach_confirm_stubs.fake.models._chats import clock


def forget() -> None:
    """Forget all chats, and take their files out of moto's S3; what else is there stays."""
    buckets = set()
    for backend in all_backends():
        if backend.bucket in backend.s3.buckets:
            backend.s3.buckets[backend.bucket].keys.clear()
            backend.s3.delete_bucket(backend.bucket)
            buckets.add(backend.bucket)
    # moto's metaclass adds the list, which keeps objects that were deleted or replaced too.
    tracked: list[FakeKey] = list(FakeKey.instances_tracked)  # type: ignore[attr-defined]
    for key in tracked:
        if key.bucket_name in buckets:
            key.dispose()
    connectparticipant_backends.clear()
    clock.reset()
