"""`ConnectParticipantStubber` and what it needs."""
