"""Measures the product through the code that serves, with controls. Nothing in the product imports it.

`recognition`, `drawing`, `ablation` and `bench` measure; `data` brings photos and protocols, `report` writes pages.
"""
