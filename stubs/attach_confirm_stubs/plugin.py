"""pytest fixtures. Importing this module imports pytest and nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
_STOPPED_BY = pytest.StashKey[type[BaseException] | None]()


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(any_order=False): options of the connectparticipant_stubber fixture."
        " Of a test's, its class's and its module's marks the nearest counts.",
    )


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Remember what kept a test from its end, so that its stubs do not add to it."""
    if call.excinfo or call.when == "setup":
        item.stash[_STOPPED_BY] = call.excinfo.type if call.excinfo else None


@pytest.fixture(scope="session")
def _connectparticipant_session() -> Any:
    from attach_confirm_stubs import _session

    return _session.isolated_session()


@pytest.fixture
def connectparticipant_client(_connectparticipant_session: Any) -> ConnectParticipantClient:
    """A `connectparticipant` client of its own, as `attach_confirm.client` makes them.

    It knows no credentials and no settings of the machine's. By itself it is not stubbed.
    """
    from attach_confirm_stubs import _session

    return _session.isolated_client(_connectparticipant_session)


@pytest.fixture
def connectparticipant_stubber(
    connectparticipant_client: ConnectParticipantClient, request: pytest.FixtureRequest
) -> Iterator[ConnectParticipantStubber]:
    """An active, strict `ConnectParticipantStubber`; its client is `connectparticipant_client`.

    A call that no stub allows fails the test, even if the code under test caught the error,
    and so does a stub that was not used. The marker `connectparticipant` sets its options.
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
    stopped_by, told = request.node.stash.get(_STOPPED_BY, None), ""
    try:
        if stopped_by is None:
            stubber.verify()
        elif not issubclass(stopped_by, UnexpectedCallError):
            stubber.assert_no_unexpected_calls()
    except AssertionError as error:
        told = str(error)
    if told and stopped_by is None:
        pytest.fail(told, pytrace=False)
    if told:
        request.node.add_report_section("teardown", _MARKER, told)


@pytest.fixture
def connectparticipant_fake() -> Iterator[FakeConnectParticipant]:
    """A handle on the fake service, which is in AWS's place during the test.

    Every `connectparticipant` client talks to it, `connectparticipant_fake.client` for one. Pauses
    between attempts take no time. For another region than us-east-1 use
    `fake_connectparticipant`.
    """
    from attach_confirm_stubs import fake_connectparticipant

    with fake_connectparticipant() as fake:
        yield fake


@pytest.fixture
def connectparticipant_server() -> Iterator[ConnectParticipantServer]:
    """A handle on the fake service, which is served over HTTP on this machine during the test.

    A client in any language talks to it that is given `connectparticipant_server.endpoint_url`.
    """
    from attach_confirm_stubs import serve_connectparticipant

    with serve_connectparticipant() as served:
        yield served
