"""Typed values: what has been parsed and may be trusted. Pure."""
