"""What holds when processes are killed, not only in the simulation."""

import pytest

from tests.simulation.kills import kill


@pytest.mark.parametrize("seed", range(3, 32, 4))
def test_a_killed_sender(seed):
    """Another process goes on with what was kept: confirmed once, whole, under one ClientToken.

    The seeds stand for both ways of sending, and four moments; `make soak` kills at all.
    """
    assert kill(seed) == []
