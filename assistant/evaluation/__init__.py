"""Measures the product through the code that serves, with controls. Only `cli/evaluate` and `cli/bench` use it.

`recognition`, `drawing`, `ablation` and `bench` measure; `data` brings photos and protocols, `report` writes pages.
"""
