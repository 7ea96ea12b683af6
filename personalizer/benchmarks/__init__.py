"""Baselines that benchmarks compare with. Nothing in the product imports them.

Start at `training_speed`.
"""
