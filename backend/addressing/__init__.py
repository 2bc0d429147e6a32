"""The address that everybody knows becomes a virtual IP; this head gets one of its own."""
