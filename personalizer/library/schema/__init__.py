"""The library's tables as numbered steps that are only ever appended to, and how a library comes to the present one.

Start at `migrations.migrate`; a new step is appended to `steps.STEPS`.
"""
