"""A text with names in it → a picture file: a montage of the user's own photos, or what the backbone draws.

Knows pictures, the library and the exported backbone; no command line, no chat. Start at `draw.py`.
"""
