"""What checks services: built in, and programs of other projects. Python 3.9; part of the one file."""
