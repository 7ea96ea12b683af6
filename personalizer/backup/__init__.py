"""One verified file out of a home, and back into one. Knows files; no worker.

Start at `write.back_up`.
"""
