"""The haoscar command line."""
