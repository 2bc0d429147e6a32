"""Everything that is not the window: free of Tk, used by the wizard, the command line and the tests."""

__version__ = "3.0.0.dev0"
