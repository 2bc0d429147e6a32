"""Everything that is not the window: free of Tk, used by the wizard, the command line and the tests alike."""
