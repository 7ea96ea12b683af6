"""Unified image-text models in torch. Knows checkpoints; no concept.

Start at `base.Backbone`; `registry` finds a model by name.
"""
