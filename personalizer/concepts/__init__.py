"""What a person says about people, pets and things. Knows the library; no vector arithmetic.

Start at `operations`; each is logged, so that `undo` can take it back.
"""
