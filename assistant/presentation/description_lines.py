"""Turns an answer about a photo into lines for a person, and what it rests on. Computes nothing."""

from __future__ import annotations

from assistant.presentation.suggestion_lines import answer_commands
from assistant.results import Description

NOTHING_TO_EXPLAIN = (
    "There is nothing to explain yet: I have answered nothing about a photo. Ask “who is in PHOTO?” first; then /why "
    "says what the answer rests on."
)


def description_lines(description: Description, *, why: bool = False) -> str:
    """The answer, how to say yes or no to what is unsure, and with `why` what each name rests on."""
    lines = [description.answer]
    facts = description.facts
    unsure = [concept for concept in description.concepts if concept.verdict == "unsure"]
    if unsure and facts.in_library:
        yes, no = answer_commands(unsure[0].name, str(description.photo))
        lines += [f"  Is it? {yes}", f"  If not: {no}"]
    if why:
        lines += _evidence_lines(description)
    written = [text for text in (facts.title, facts.description, ", ".join(facts.keywords)) if text]
    if written:
        lines.append(f"  written about it: {'; '.join(written)}")
    if facts.companions:
        beside = ", ".join(f"{file.path.name} ({file.kind})" for file in facts.companions)
        lines.append(f"  with it: {beside}")
    return "\n".join(lines)


def why_lines(description: Description | None) -> str:
    """What the last answer about a photo rests on; None where there was none."""
    if description is None:
        return NOTHING_TO_EXPLAIN
    asked = (description.question or "").strip()
    question = f" (“{asked}”)" if asked else ""
    evidence = _evidence_lines(description)
    if not evidence:
        return (
            f"My answer about {description.photo.name}{question} names nobody and nothing that I recognised: "
            "there is nothing to explain."
        )
    return "\n".join([f"My answer about {description.photo.name}{question} rests on this:", *evidence])


def _evidence_lines(description: Description) -> list[str]:
    """A line for each name and word with its probability, and one for the date."""
    facts = description.facts
    return [
        *(
            f"  {concept.name}: {'; '.join(concept.evidence)} → {concept.probability:.2f}"
            for concept in description.concepts
        ),
        *(f"  {label.word}: {label.probability:.2f}" for label in facts.labels),
        *([f"  date: from {facts.date_source}"] if facts.date_source is not None else []),
    ]
