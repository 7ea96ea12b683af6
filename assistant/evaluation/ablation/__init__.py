"""The same concepts trained without each part of the recipe.

Start at `ablation`; `variants` lists what is left out.
"""
