"""The agent's decisions: no sockets, no clock, no threads; the simulator plays the same code."""
