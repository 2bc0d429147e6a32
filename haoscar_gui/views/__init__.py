"""The three views that every change goes through: what will change, progress, result."""
