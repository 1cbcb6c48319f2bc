"""The fixture `connectparticipant_fake` fails a test that tried to reach AWS in vain."""

pytest_plugins = ["pytester"]

MODULE = """
import socket
from contextlib import suppress


def connect():
    with suppress(OSError):
        socket.create_connection(("dynamodb.us-east-1.amazonaws.com", 443))


def test_swallowed(connectparticipant_fake):
    connect()


def test_failing(connectparticipant_fake):
    connect()
    raise ZeroDivisionError


def test_served(connectparticipant_fake):
    assert socket.gethostbyname("s3.us-east-1.amazonaws.com").startswith("127.")
"""


def test_swallowed_attempt_fails_test_at_teardown(pytester):
    pytester.makepyfile(MODULE)
    result = pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, failed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_swallowed*",
            "An HTTP library called dynamodb.us-east-1.amazonaws.com",
            "*test_failing*",
            "*ZeroDivisionError",
            "*connectparticipant*",
            "An HTTP library called dynamodb.us-east-1.amazonaws.com",
        ]
    )
