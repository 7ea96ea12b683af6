"""The façade: the one API of all front ends. Knows every room below; no screen and no argument parsing.

Start at `familiar.Familiar`.
"""
