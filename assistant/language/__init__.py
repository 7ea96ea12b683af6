"""English in, structure out. Knows words and names; no library and no tool.

Start at `mentions.find_mentions`.
"""
