"""The dual prefix as an artifact: virtual tokens, files, wording of prompts. Knows no training and no photo.

Start at `dual_prefix.DualPrefix`.
"""
