"""A search for photos: words → what is asked for → photos that fit, each with its reason.

Start at `search.py`. Knows the library; no model but the meaning of words, no screen.
"""
