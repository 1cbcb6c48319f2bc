"""The simulation finds no violation in a few hundred schedules; `make soak` runs more."""

import subprocess
import sys
from itertools import product

import pytest

from attach_confirm_stubs import Fault
from tests.simulation.__main__ import run_chunk
from tests.simulation.run import run_schedule
from tests.simulation.schedule import OPERATIONS, create_schedule, is_tls_seed
from tests.simulation.virtual_time import virtual_time


@pytest.fixture
def fake():
    """Run the fake in virtual time."""
    with virtual_time() as fake:
        yield fake


@pytest.mark.parametrize("first_seed", range(0, 400, 100))
def test_run_schedule_satisfies_invariants(first_seed):
    seeds = range(first_seed, first_seed + 100)
    counts, violations = run_chunk(seeds)
    assert not violations, "repeat with: python -m tests.simulation --seed SEED"
    assert counts["schedules"] == len(seeds)
    assert counts["schedules-over-TLS"] == sum(map(is_tls_seed, seeds)) > 0


def test_run_schedule_is_deterministic(fake):
    """A run depends on the seed only, and not on the runs before it."""

    def run(seed):
        simulation = run_schedule(seed, fake)
        attempts = [
            (call.operation, [(a.status, a.error_code, a.fault) for a in call.attempts])
            for call in fake.calls
        ]
        outcomes = [(p.outcome, p.calls, p.requests) for p in simulation.processes]
        return attempts, outcomes, fake.clock.offset_seconds, simulation.counts

    seeds = range(1000, 1020)
    results = [run(seed) for seed in seeds]
    assert [run(seed) for seed in reversed(seeds)][::-1] == results


def test_create_schedule_covers_all_options():
    """The schedules contain each fault for each operation, and each option of a file."""
    schedules = [create_schedule(seed) for seed in range(2000)]
    queues = [queue for schedule in schedules for queue in schedule.faults.items()]
    faults = {(operation, type(fault).__name__) for operation, queue in queues for fault in queue}
    # `__subclasses__` also lists the classes that `dataclass(slots=True)` replaced.
    fault_types = {fault_type.__name__ for fault_type in Fault.__subclasses__()}
    assert faults == set(product(OPERATIONS, fault_types))
    files = [file for schedule in schedules for file in schedule.files]
    assert {file.method for file in files} == {
        "steps",
        "steps with wrong size",
        "upload",
        "upload with client_token",
        "upload with journal",
    }
    assert {file.source for file in files} == {"bytes", "grows", "pipe", "shrinks", "stream"}
    moments = {crash.moment for file in files for crash in file.crashes}
    assert moments == {"after", "before", "body"}
    assert {len(schedule.files) for schedule in schedules} == {1, 2, 3}
    assert {schedule.shared_client for schedule in schedules} == {False, True}
    assert {schedule.uses_tls for schedule in schedules} == {False, True}
    assert {schedule.throttled for schedule in schedules} == {False, True}


def run_command(*arguments):
    """Return the output of `python -m tests.simulation`."""
    command = [sys.executable, "-m", "tests.simulation", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_command_soak_prints_counts():
    output = run_command("--soak", "12", "--from", "3", "--jobs", "2")
    assert output.startswith("SEED=3: 12 schedules in 2 processes\n")
    assert "schedules 12" in output
    assert "redeliveries: upload-with-" in output
    assert "violations: 0 (SEED=3" in output


def test_command_seed_prints_schedule_and_calls():
    output = run_command("--seed", "3000004")
    assert output.startswith("seed = 3000004\n")
    assert "RecordedCall(CreateParticipantConnection(" in output
    assert output.endswith("violations: 0\n")
