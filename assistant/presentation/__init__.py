"""Results → text for people. Knows no argument parsing and no chat.

Start at `lines`.
"""
