"""How well searches find what is there, in a library that is made up, so that every right answer is known.

Start at `measure.py`. No photo is read: what analysis would have found is written into the library.
"""
