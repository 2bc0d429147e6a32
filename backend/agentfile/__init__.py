"""The failover agent as one file, and its configuration, made from the site file."""
