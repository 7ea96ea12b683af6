"""The terminal's screens. Knows the chat's events and the façade; computes nothing.

Start at `app.FamiliarApp`; `entry.main` is the program `familiar`.
"""
