"""Vectors → groups. Knows distances, constraints and memberships; no name, picture or model.

Start at `update`, which places new items; `recluster` groups everything from scratch.
"""
