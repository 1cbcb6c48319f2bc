"""The fake inside this process."""
