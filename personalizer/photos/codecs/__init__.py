"""Works around flaws of decoders: unbounded memory, planes of 16-bit TIFFs, JPEGs without an end marker.

Start with `memory.py`.
"""
