"""Output for terminals: escaped text, and commands as they have to be typed."""
