"""Remember attempts to reach AWS that the fake cannot serve."""

from __future__ import annotations

_ADVICE = (
    "The fake in this process cannot serve this. Use the served fake (serve_connectparticipant,"
    " the fixture connectparticipant_server, or attach-confirm serve), or replace the call in the"
    " test."
)


class UnservedAttemptError(AssertionError):
    """Code under test tried to reach AWS in a way that the fake in this process cannot serve."""


class UnservedAttempts:
    """The attempts to reach AWS that have failed, because they cannot be served."""

    def __init__(self) -> None:
        self._descriptions: list[str] = []

    def add(self, description: str) -> str:
        """Add an attempt, and return a message for the exception that the code under test gets.

        Args:
            description: Who tried to reach which host. It must not contain a path or a query.
        """
        self._descriptions.append(description)
        return f"{description}. {_ADVICE}"

    def raise_if_any(self, start: int = 0) -> None:
        """Raise if there were attempts.

        Args:
            start: Number of attempts to ignore, because they were made before.

        Raises:
            UnservedAttemptError: There were attempts.
        """
        descriptions = dict.fromkeys(self._descriptions[start:])
        if descriptions:
            raise UnservedAttemptError("\n".join([*descriptions, _ADVICE]))

    def __len__(self) -> int:
        return len(self._descriptions)
