"""The library in SQLite, the authority. Knows tables and transactions; no file, pixel, model or algorithm.

Start at `library.Library`, which is put together from one module per subject.
"""
