"""What an answer about a photo rests on, as lines."""

from __future__ import annotations

from pathlib import Path

from assistant.presentation.description_lines import NOTHING_TO_EXPLAIN, description_lines, why_lines
from assistant.results import Description, Facts, LabelFact, Recognized

NO_FACTS = Facts(None, None, None, None, 4, 3, False)
BO = Recognized("Bo", 0.78, "yes", ["appearance 0.39, needs 0.19", "trained prefix 0.81"], None)


def described(question: str | None, *concepts: Recognized, facts: Facts = NO_FACTS) -> Description:
    return Description(Path("/photos/a.jpg"), question, "That is Bo.", list(concepts), facts, None, 0.1)


def test_evidence_with_its_probability() -> None:
    facts = Facts(None, None, None, None, 4, 3, False, date_source="EXIF", labels=[LabelFact("dog", 0.95)])
    evidence = [
        "  Bo: appearance 0.39, needs 0.19; trained prefix 0.81 → 0.78",
        "  dog: 0.95",
        "  date: from EXIF",
    ]
    assert why_lines(described("is this Bo?", BO, facts=facts)).splitlines() == [
        "My answer about a.jpg (“is this Bo?”) rests on this:",
        *evidence,
    ]
    assert description_lines(described(None, BO, facts=facts), why=True).splitlines()[1:] == evidence


def test_an_answer_that_rests_on_nothing_says_so() -> None:
    assert why_lines(None) == NOTHING_TO_EXPLAIN
    said = why_lines(described(" "))
    assert (
        said
        == "My answer about a.jpg names nobody and nothing that I recognised: there is nothing to explain."
    )
