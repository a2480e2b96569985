"""What people read on a terminal: escaped, and commands as they have to be typed."""
