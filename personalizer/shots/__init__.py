"""Groups photos of one shot: copies, bursts, RAW files beside their JPEG. Knows hashes and the library; no pixels.

Start at `group.group_shots`.
"""
