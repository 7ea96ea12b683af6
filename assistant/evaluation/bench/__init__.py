"""Speed and memory as ratios of two things in one run.

Start at `training` or `ingest`.
"""
