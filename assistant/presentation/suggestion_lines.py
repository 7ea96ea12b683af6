"""Words about what waits for a person: photos that may show somebody, groups without a name. Computes nothing."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from itertools import groupby

from assistant.presentation.printable import percent, quoted_path, short_path
from assistant.results import Suggestion, UnnamedGroup
from personalizer.errors import counted
from personalizer.schemas import ConceptSummary

LISTED = 20
"""Of each concept; `--json` has all."""


def how_sure(suggestion: Suggestion) -> str:
    """`78 % sure: face 0.52, needs 0.45`."""
    if suggestion.probability is None:
        return f"not sure: {suggestion.why}"
    return f"{percent(suggestion.probability)} sure: {suggestion.why}"


def is_this(suggestion: Suggestion) -> str:
    """What is asked about one picture."""
    return f"Is this {suggestion.concept}? I am {how_sure(suggestion)}."


def answer_commands(name: str, photo: str) -> list[str]:
    """The two commands that answer; `photo` is a path or a unique file name."""
    words = f"{shlex.quote(name)} {quoted_path(photo)}"
    return [f"familiar confirm {words}", f"familiar reject {words}"]


def suggestion_lines(suggestions: Sequence[Suggestion], pictures: Sequence[str] = ()) -> str:
    """Each concept with its photos, and how to answer; `pictures`: what is shown above each concept's."""
    if not suggestions:
        return "No photo waits for your answer."
    lines: list[str] = []
    for number, (name, group) in enumerate(groupby(suggestions, key=lambda one: one.concept)):
        waiting = list(group)
        lines += ["", f"{counted(len(waiting), 'photo')} may show {name}:"]
        lines += pictures[number : number + 1]
        for one in waiting[:LISTED]:
            lines += [f"  {short_path(one.photo)}", f"      {how_sure(one)}"]
        if len(waiting) > LISTED:
            lines.append(f"  and {len(waiting) - LISTED} more (--json lists them)")
    yes, no = answer_commands(suggestions[0].concept, suggestions[0].reference)
    return "\n".join([*lines[1:], "", f"To answer: {yes}", f"       or: {no}"])


def waiting_line(concept: ConceptSummary) -> str:
    """How many photos may show it; empty where none does."""
    if not concept.suggested or concept.name is None:
        return ""
    photos = counted(concept.suggested, "more photo")
    return f"{photos} may show {concept.name}: familiar suggestions {shlex.quote(concept.name)}"


def kinds_text(people: int, things: int) -> str:
    """`5 people and 3 pets or things`."""
    parts = [counted(people, "person", "people")] * (people > 0)
    parts += [counted(things, "pet or thing", "pets or things")] * (things > 0)
    return " and ".join(parts)


def found_line(concepts: Sequence[ConceptSummary]) -> str:
    """What was found that nobody has named, and what to do; empty where there is nothing."""
    unnamed = [concept for concept in concepts if concept.name is None and concept.state != "hidden"]
    if not unnamed:
        return ""
    people = sum(concept.kind == "face" for concept in unnamed)
    found = kinds_text(people, len(unnamed) - people)
    has = "has" if len(unnamed) == 1 else "have"
    return (
        f"Found {found} that {has} no name yet. Look at them: familiar report. "
        f"Name one: familiar name {unnamed[0].id} NAME"
    )


def who_is_this(group: UnnamedGroup) -> str:
    """What is asked about one group."""
    word = "Who" if group.kind == "face" else "What"
    return f"{word} is this, in {counted(group.photos, 'photo')}? (a name, or Enter to skip)"
