"""The watch list at work: checks, alerts and self-healing on a head. Python 3.9; part of the one file."""
