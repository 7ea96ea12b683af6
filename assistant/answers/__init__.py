"""One photo → an answer; the exported backbone, loaded. Knows the library and the backbone's runtime; no command line and no chat.

Start at `describe.Describer`.
"""
