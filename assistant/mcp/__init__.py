"""The tools for programs that speak the Model Context Protocol, over standard input and output.

Knows the tools; no model, no chat. Start at `server.serve`.
"""
