"""Many uploads, and what they share: journals."""
