"""What is needed around the daily use: checks, estimates, consent, face models, restoring a backup.

Start at `doctor.examine`.
"""
