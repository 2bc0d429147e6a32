"""The definition of a standby head."""
