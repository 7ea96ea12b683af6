"""The one long process of a home: it owns the index and writes all derived data. Knows no screen.

Start at `main.run_worker`; `registry` lists the kinds of jobs and who does each.
"""
