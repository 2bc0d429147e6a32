"""The wizard's pages: they turn fields into requests, and never do I/O."""
