"""The SQLite library, the authority over everything that Familiar knows. All SQL is here; other rooms call methods.

Knows tables and transactions; no file of the user, pixel, model or algorithm. Start at `library.Library`, which is put
together from one module per subject in the rooms `photos` and `concepts`, and `backups` and `erasure`. `jobs` is the
queue's table, `schema` has the tables, `file` the library's file as a whole.
"""
