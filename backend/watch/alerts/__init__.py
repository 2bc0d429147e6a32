"""What tells somebody: built in, or programs of mon."""
