"""What panels are made of: theme, form, table, buttons; they know Tk, and nothing of clusters."""
