"""How well concepts are recognised and grouped, with retrieval and other prefixes as controls.

Start at `recognition`.
"""
