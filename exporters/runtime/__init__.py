"""Serving in numpy and onnxruntime. Never imports torch.

Start at `session.BackboneSession`, then `concept.ConceptRuntime`.
"""
