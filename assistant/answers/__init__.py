"""One photo → an answer; the exported backbone, loaded. Knows no command line, no chat.

Start at `describe.Describer`.
"""
