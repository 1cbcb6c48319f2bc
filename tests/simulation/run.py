"""Run a schedule and check its invariants."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from tests.simulation.client_process import ClientProcess
from tests.simulation.invariants import check_invariants, count_attempts
from tests.simulation.schedule import create_schedule
from tests.simulation.simulation import Invariant, RequestLimitExceeded, start_simulation

if TYPE_CHECKING:
    from attach_confirm_stubs import FakeConnectParticipant
    from tests.simulation.simulation import Simulation


def run_schedule(seed: int, fake: FakeConnectParticipant) -> Simulation:
    """Run the schedule of a seed, and return the finished simulation."""
    with start_simulation(create_schedule(seed), fake) as simulation:
        processes = simulation.processes
        for file in simulation.schedule.files:
            first = ClientProcess(simulation, file)
            processes.append(first)
            if file.second_process:
                processes.append(ClientProcess(simulation, file, first))
        try:
            simulation.scheduler.run([process.run for process in processes])
            check_invariants(simulation)
        except RequestLimitExceeded as error:
            simulation.record_violation(Invariant.TERMINATES, str(error))
        except Exception:  # noqa: BLE001
            simulation.record_violation(Invariant.NO_UNEXPECTED_EXCEPTION, traceback.format_exc())
        count_attempts(simulation)
        for process in processes:
            simulation.counts[f"outcomes {process.outcome}"] += 1
        simulation.counts["schedules"] += 1
        simulation.counts["schedules-over-TLS"] += simulation.schedule.uses_tls
        for method in {file.method for file in simulation.schedule.files}:
            simulation.counts[f"schedules-with {method.replace(' ', '-')}"] += 1
        return simulation
