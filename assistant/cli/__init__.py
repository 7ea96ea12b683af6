"""The command line. Each file defines its own commands; `app` puts them together.

Start at `app`.
"""
