"""A schedule from its beginning to its judgement."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from tests.simulation.client_process import Caller
from tests.simulation.invariants import heard, judge
from tests.simulation.schedule import schedule
from tests.simulation.simulation import Endless, world

if TYPE_CHECKING:
    from attach_confirm_stubs import FakeConnectParticipant
    from tests.simulation.simulation import World


def take(seed: int, fake: FakeConnectParticipant) -> World:
    """Carry out a seed's schedule, and return what became of it."""
    with world(schedule(seed), fake) as made:
        callers = made.callers
        for file in made.schedule.files:
            callers.append(Caller(made, file))
            if file.twin:
                callers.append(Caller(made, file, callers[-1].kept))
        try:
            made.turns.run([caller.run for caller in callers])
            judge(made, callers)
        except Endless as endless:
            made.violate("bounded", str(endless))
        except Exception:  # noqa: BLE001
            made.violate("no surprise", traceback.format_exc())
        heard(made)
        for caller in callers:
            made.figures[f"outcomes {caller.outcome}"] += 1
        made.figures["schedules"] += 1
        return made
