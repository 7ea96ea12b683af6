"""Setup and maintenance: checks, estimates, consent, restoring a backup.

Start at `doctor.examine`.
"""
