"""Montages: cut-outs of the user's own photos in a scene. Knows pictures and the library; no prefix, no screen.

Start at `montage.py`.
"""
