"""Words about what was found and what waits: only true counts, each guess with its percentage."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.presentation.printable import percent
from assistant.presentation.suggestion_lines import LISTED, found_line, suggestion_lines
from assistant.results import Suggestion
from personalizer.schemas import ConceptKind, ConceptState, ConceptSummary


def concept(number: int, kind: ConceptKind, name: str | None = None) -> ConceptSummary:
    state: ConceptState = "named" if name else "suggested"
    return ConceptSummary(number, name, kind, 3, 0, state)


def suggestion(name: str, number: int, probability: float | None = 0.5) -> Suggestion:
    path = Path(f"/photos/{number}.jpg")
    return Suggestion(name, path, probability, "appearance 0.20, needs 0.20", path.name, None)


def test_what_was_found_counts_only_what_has_no_name() -> None:
    found = [concept(1, "face", "Amy"), concept(4, "face"), concept(5, "face"), concept(6, "object")]
    assert found_line(found) == (
        "Found 2 people and 1 pet or thing that have no name yet. "
        "Look at them: familiar report. Name one: familiar name 4 NAME"
    )
    assert found_line([concept(6, "object")]).startswith("Found 1 pet or thing that has no name yet.")
    assert found_line([concept(1, "face", "Amy")]) == ""


@pytest.mark.parametrize(("value", "words"), [(0.781, "78 %"), (0.9999, "99 %"), (0.0001, "1 %")])
def test_nothing_is_quite_certain(value: float, words: str) -> None:
    assert percent(value) == words


def test_a_long_list_is_cut_for_each_concept() -> None:
    found = [suggestion("Amy O", n) for n in range(LISTED + 2)] + [suggestion("Bo", 99, None)]
    lines = suggestion_lines(found).splitlines()
    assert lines.count("      50 % sure: appearance 0.20, needs 0.20") == LISTED
    assert "  and 2 more (--json lists them)" in lines
    assert "1 photo may show Bo:" in lines and "      not sure: appearance 0.20, needs 0.20" in lines
    assert lines[-2] == "To answer: familiar confirm 'Amy O' 0.jpg"
