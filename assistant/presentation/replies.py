"""The program's own sentences: what it asks back, and what it cannot do yet. Knows no library."""

from __future__ import annotations


def before_forgetting(name: str) -> str:
    """What to ask before a concept is forgotten."""
    return (
        f"This removes everything I learned and recorded about {name}: for good, there is no undo. "
        f"Your photos are not touched.\nType the name again to do it: {name}"
    )


def not_forgotten(name: str) -> str:
    """What to say when something else was typed."""
    return f"Nothing was removed: that is not what I asked you to type. To do it, ask again and type: {name}"
