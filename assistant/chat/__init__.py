"""A conversation: requests in, typed events out. Knows the façade and the tools; no screen.

Start at `agent.Assistant`.
"""
