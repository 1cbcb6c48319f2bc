"""The pytest plugin. It imports only pytest, because pytest loads it at every start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from types_boto3_connectparticipant.client import ConnectParticipantClient

    from attach_confirm_stubs import (
        ConnectParticipantServer,
        ConnectParticipantStubber,
        FakeConnectParticipant,
    )

_MARKER = "connectparticipant"
_RAISED_KEY = pytest.StashKey[type[BaseException] | None]()


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(any_order=False, passthrough=False, every_client=False): options of the"
        " connectparticipant_stubber fixture. A marker on the test overrides one on its class,"
        " which overrides one on its module.",
    )


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Store the exception type that ended the test, for the check of the stubs at teardown."""
    if call.excinfo or call.when == "setup":
        item.stash[_RAISED_KEY] = call.excinfo.type if call.excinfo else None


def _fail_or_report(node: pytest.Item, message: str) -> None:
    """Fail the test at teardown, or add a section to its report if it has failed already."""
    if message and node.stash.get(_RAISED_KEY, None) is None:
        pytest.fail(message, pytrace=False)
    if message:
        node.add_report_section("teardown", _MARKER, message)


@pytest.fixture
def connectparticipant_client() -> ConnectParticipantClient:
    """A new `connectparticipant` client from `attach_confirm.client`, not yet stubbed.

    It ignores the machine's credentials and AWS configuration. Override this fixture to stub
    another client with `connectparticipant_stubber`.
    """
    from attach_confirm_stubs import _session

    return _session.isolated_client(_session.stubber_session())


@pytest.fixture
def connectparticipant_stubber(
    connectparticipant_client: ConnectParticipantClient, request: pytest.FixtureRequest
) -> Iterator[ConnectParticipantStubber]:
    """An active, strict `ConnectParticipantStubber` on `connectparticipant_client`.

    The test fails if a call has no matching stub, even if the code under test caught the error,
    and if a stub is not used. The marker `connectparticipant` sets the stubber's options.
    """
    from attach_confirm_stubs import ConnectParticipantStubber, UnexpectedCallError

    mark = request.node.get_closest_marker(_MARKER)
    args, kwargs = (mark.args, mark.kwargs) if mark else ((), {})
    stubber = ConnectParticipantStubber(connectparticipant_client, *args, strict=True, **kwargs)
    stubber.activate()
    try:
        yield stubber
    finally:
        stubber.deactivate()
    raised, message = request.node.stash.get(_RAISED_KEY, None), ""
    try:
        if raised is None:
            stubber.verify()
        elif not issubclass(raised, UnexpectedCallError):
            stubber.assert_no_unexpected_calls()
    except AssertionError as error:
        message = str(error)
    _fail_or_report(request.node, message)


@pytest.fixture
def connectparticipant_fake(request: pytest.FixtureRequest) -> Iterator[FakeConnectParticipant]:
    """A handle to the fake service, which replaces AWS in this process during the test.

    Every boto3 client reaches it, whenever it was created, for example
    `connectparticipant_fake.client`, and so do the common HTTP and websocket libraries. The test
    fails if it tried to reach AWS in another way, even if the code under test caught the error.
    Delays between retries take no time. `connectparticipant_fake.client` uses us-east-1; for
    another region, use `fake_connectparticipant`.
    """
    from attach_confirm_stubs import fake_connectparticipant
    from attach_confirm_stubs.in_process._attempts import UnservedAttemptError

    message = ""
    try:
        with fake_connectparticipant() as fake:
            yield fake
    except UnservedAttemptError as error:
        message = str(error)
    _fail_or_report(request.node, message)


@pytest.fixture
def connectparticipant_server() -> Iterator[ConnectParticipantServer]:
    """A handle to the fake service, which is served over HTTP on this machine during the test.

    Point a client in any language at `connectparticipant_server.endpoint_url`.
    """
    from attach_confirm_stubs import serve_connectparticipant

    with serve_connectparticipant() as server:
        yield server
