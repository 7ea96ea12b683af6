"""What a user can ask, and who does it. Knows no screen.

Its rooms, in import order: language, presentation, daemon, report, forget, answers, setup, service, worker, tools,
chat, demo, evaluation, cli. `results` holds what the façade returns.
"""
