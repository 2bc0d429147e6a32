"""Plays fault schedules on the agent's decision core: simulated clocks, networks and disks."""
