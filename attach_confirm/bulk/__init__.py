"""Journals, which many uploads share."""
