"""The site file: read, validated whole, written without losing comments."""
