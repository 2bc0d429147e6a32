"""Brings the failover agent to heads and witnesses over SSH: plan, preview, install, remove."""
