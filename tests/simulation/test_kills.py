"""Processes that are really killed, and the next ones that send their files."""

import subprocess
import sys

import pytest

from tests.simulation.kills import KILLS, get_kill, kill_and_resume

# `python -m tests.simulation --kills 500` covers all kinds of kills.
CHOSEN = [
    ("steps", "PutObject", "done"),
    ("steps", "CompleteAttachmentUpload", "done"),
    ("upload", "StartAttachmentUpload", "done"),
    ("upload", "PutObject", "body"),
    ("upload", "CompleteAttachmentUpload", "undone"),
    ("upload", "CompleteAttachmentUpload", "done"),
    ("journal", "StartAttachmentUpload", "before"),
    ("journal", "claim", "before"),
    ("journal", "claim", "after"),
    ("journal", "CompleteAttachmentUpload", "undone"),
    ("journal", "CompleteAttachmentUpload", "response"),
    ("journal", "mark_confirmed", "before"),
]


@pytest.mark.parametrize("kill", CHOSEN, ids=" ".join)
def test_kill_and_resume_satisfies_invariants(kill):
    """The deliveries after the kill leave one attachment."""
    assert kill_and_resume(KILLS.index(kill)) == []


def test_kills_cover_each_window():
    windows = [get_kill(seed).window for seed in range(500)]
    for window in (
        "journal: before claim",
        "journal: between claim and the confirmation",
        "journal: between the confirmation and mark_confirmed",
    ):
        assert windows.count(window) >= 10


def test_command_kills_prints_windows():
    command = [sys.executable, "-m", "tests.simulation", "--kills", "1", "--from", "2"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "steps: CreateParticipantConnection done: 1" in output
    assert "violations: 0 (SEED=2" in output
