"""File-system events → requests to scan. Knows events and clocks; reads no photo.

Start at `watcher.Watcher`.
"""
