"""What the machine, its networks and its neighbours show of themselves."""
