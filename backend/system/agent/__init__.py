"""The agent's hands: everything of it that touches the operating system. Standard library only."""
