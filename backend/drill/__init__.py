"""Drills: a fault on purpose, and how long the virtual IPs and services did not answer."""
