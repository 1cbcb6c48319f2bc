"""The implementation of `ConnectParticipantStubber`."""
