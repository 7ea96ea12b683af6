"""What decoders get wrong, or do without bounds: memory, planes of deep TIFFs, JPEGs without an end. Knows no date.

Start with `memory.py`.
"""
