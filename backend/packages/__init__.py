"""What must be installed on a head node, and how it gets there."""
