"""A named concept → a trained prefix. Knows the recipe of one training; `data` knows what it looks at.

Start at `train_concept.train_concept`, then `trainer`.
"""
