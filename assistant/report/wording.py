"""The words of the people page: states, dates and what pictures show, as sentences. Knows no library."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from personalizer.errors import counted
from personalizer.library.concepts.overview import Overview
from personalizer.schemas import ConceptState

STATE_LOOKS: Mapping[ConceptState, str] = {"ready": "good", "training": "", "named": "", "stale": "warn"}
"""The class of the style sheet for the states that the page shows."""
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
"""Whatever language the machine speaks, the page is in English."""


def month_text(day: date) -> str:
    return f"{MONTHS[day.month - 1]} {day.year}"


def span_text(first: date | None, last: date | None) -> str:
    if first is None or last is None:
        return ""
    return (
        month_text(first)
        if month_text(first) == month_text(last)
        else f"{month_text(first)} – {month_text(last)}"
    )


def moment_text(at: datetime) -> str:
    return f"{at.day} {month_text(at)}, {at:%H:%M}"


def lead_text(numbers: Overview) -> str:
    span = span_text(numbers.first, numbers.last)
    taken = f", taken {'between ' + span.replace(' – ', ' and ') if ' – ' in span else 'in ' + span}"
    return f"Who and what is in {counted(numbers.photos, 'photo')}{taken if span else ''}."


def alt_text(title: str, number: int, of: int, taken: date | None) -> str:
    when = f", {month_text(taken)}" if taken is not None else ""
    return f"{title}{f', picture {number} of {of}' if of > 1 else ''}{when}"
