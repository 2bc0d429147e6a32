"""Plans, their preview, and the journal through which every change to a machine goes."""
