"""mon.cf, the configuration of mon 1.3.6: read as mon reads it, and written so that mon reads it. Pure."""
