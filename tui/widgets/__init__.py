"""Parts of a screen, one file each. Know events and results; no library."""
