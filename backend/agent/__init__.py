"""The failover agent: heads and witnesses run it; it imports nothing that is not in its one file."""
