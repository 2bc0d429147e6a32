"""Jinja templates; data, read only through backend.rendering."""
