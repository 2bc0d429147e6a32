"""What a person can ask for, without the talking: the window and the command line share it."""
