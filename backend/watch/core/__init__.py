"""Decisions without I/O: when to check, whom to tell, what to heal."""
