from types import SimpleNamespace

# The fixture `sleeps` replaces the module's attribute, but not this reference.
from attach_confirm._clock import monotonic, sleep


def test_sleep_and_monotonic_use_system_clock(monkeypatch):
    durations = []
    system_clock = SimpleNamespace(sleep=durations.append, monotonic=lambda: 12.5)
    monkeypatch.setattr("attach_confirm._clock.time", system_clock)
    sleep(0.5)
    assert durations == [0.5]
    assert monotonic() == 12.5
