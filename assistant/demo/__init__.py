"""The whole job on the sample library that ships. Knows the façade; no screen.

Start at `run`.
"""
