"""Photos, splits and metrics of evaluations. Knows no product result.

Start at `protocol`.
"""
