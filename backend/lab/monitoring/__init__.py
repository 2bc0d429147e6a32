"""The monitoring bench: what the watch list costs, and how well it keeps its schedule."""
