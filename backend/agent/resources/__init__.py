"""Resources: what is started on takeover and stopped on release; decisions only, no I/O."""
