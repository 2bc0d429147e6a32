"""One module for each family of commands; each registers itself."""
