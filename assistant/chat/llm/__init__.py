"""A GGUF model on this machine as a LangChain chat model. Knows no photo and no concept.

Start at `model.LocalChat`.
"""
