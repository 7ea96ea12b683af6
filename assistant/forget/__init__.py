"""Removes every trace of a concept or of faces below a home. Knows files, jobs and backups; asks nobody.

Start at `concept`.
"""
