"""The fake served over HTTP."""
