"""The places: each is a function of the size and the sky that returns linear light [size, size, 3]."""
