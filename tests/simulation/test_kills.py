"""A process that is really killed, and the next one that continues its upload."""

import pytest

from tests.simulation.kills import kill_and_resume


@pytest.mark.parametrize("seed", range(3, 32, 4))
def test_kill_and_resume_holds_invariants(seed):
    """The seeds cover both methods and four moments; `make soak` covers all of them."""
    assert kill_and_resume(seed) == []
