"""What the library promises holds, whatever goes wrong; `make soak` tries more of it."""

import subprocess
import sys
from itertools import product

import pytest

from attach_confirm_stubs import Fault
from tests.simulation.run import take
from tests.simulation.schedule import OPERATIONS, schedule
from tests.simulation.virtual_time import universe


@pytest.fixture
def fake():
    """Run the fake in virtual time."""
    with universe() as running:
        yield running


@pytest.mark.parametrize("first", range(0, 400, 50))
def test_what_must_hold_holds(fake, first):
    """In no schedule of these an invariant is violated."""
    for seed in range(first, first + 50):
        violations = take(seed, fake).violations
        assert not violations, f"again: python -m tests.simulation --seed {seed}"


def test_a_seed_has_one_course(fake):
    """A seed gives the same calls, answers, pauses and ends, whatever ran before it."""

    def course(seed):
        world = take(seed, fake)
        answers = [
            (call.operation, [(a.status, a.error_code, a.fault) for a in call.attempts])
            for call in fake.calls
        ]
        ends = [(caller.outcome, caller.calls, caller.requests) for caller in world.callers]
        return answers, ends, fake.clock.offset_seconds, world.figures

    seeds = range(1000, 1020)
    first = [course(seed) for seed in seeds]
    assert [course(seed) for seed in reversed(seeds)][::-1] == first


def test_schedules_have_everything():
    """Each operation gets each kind of fault, files come in all ways, and processes die."""
    made = [schedule(seed) for seed in range(2000)]
    queues = [queue for s in made for queue in s.faults.items()]
    kinds = {(name, type(fault).__name__) for name, queue in queues for fault in queue}
    every = {kind.__name__ for kind in Fault.__subclasses__()}
    assert kinds == set(product(OPERATIONS, every))
    files = [file for s in made for file in s.files]
    assert {file.how for file in files} == {"steps", "upload", "upload, pinned", "wrong length"}
    assert {file.source for file in files} == {"bytes", "grows", "pipe", "shrinks", "stream"}
    assert {kill.moment for file in files for kill in file.kills} == {"after", "before", "body"}
    assert {len(s.files) for s in made} == {1, 2, 3}
    assert {s.one_client for s in made} == {s.throttled for s in made} == {False, True}


def test_the_soak_tells_its_figures():
    """A run prints its seed, what happened in it, and that all held."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--soak", "12", "--from", "3", "--jobs", "2"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert told.startswith("SEED=3: 12 schedules in 2 processes\n")
    assert "schedules 12" in told
    assert "violations: 0 (SEED=3" in told


def test_one_schedule_is_shown():
    """A single seed prints its schedule, the calls that were made, and how it ended."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--seed", "3000004"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert told.startswith("seed = 3000004\n")
    assert "RecordedCall(CreateParticipantConnection(" in told
    assert told.endswith("violations: 0\n")
