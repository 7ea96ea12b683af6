"""Familiar's tools as an agent of LangChain's, for other programs. Knows the tools and a model; no screen.

Start at `create.create_agent`.
"""
