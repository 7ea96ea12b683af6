"""One photo or one text → an answer. Knows the library and the backbone's runtime; no command line and no chat.

Start at `describe.Describer` and `draw.ImageGenerator`.
"""
