"""Vectors → groups. Knows distances, constraints and memberships; no name, picture or model.

Start at `update`, which assigns new items; `recluster` clusters everything from scratch.
"""
