"""Images: fetched from a golden client, kept in versions, verified."""
