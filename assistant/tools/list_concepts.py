"""The tool that says whom and what the library knows. Knows the façade, no model and no screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assistant.language.fact_answers import nothing_told, quoted
from assistant.presentation.printable import STATE_WORDS
from assistant.service.familiar import Familiar
from assistant.tools.quoting import title
from assistant.tools.wrap import ToolSpec
from personalizer.errors import NotFoundError, counted
from personalizer.schemas import ConceptSummary, OnProgress

_KINDS = {"face": "a person", "object": "a pet or thing"}


def listed_concepts(familiar: Familiar, name: str | None = None) -> tuple[str, list[ConceptSummary]]:
    """Everything that has a name or waits for one, or one concept by name. Raises NotFoundError."""
    known = [concept for concept in familiar.concepts() if concept.state != "hidden"]
    if name is None:
        return concepts_text(known), known
    found = [one for one in known if name.casefold() in ((one.name or "").casefold(), str(one.id))]
    if not found:
        raise NotFoundError(
            tried=f"looking up {title(name)}",
            found="no concept has that name",
            fix="List those that are known, and take a name from there.",
        )
    if found[0].name is None:
        return f'{_sentence(found[0])} "call number {found[0].id} …" names it.', found
    return f"{_sentence(found[0])}\n{_told(familiar, found[0].name)}", found


def concepts_text(concepts: Sequence[ConceptSummary]) -> str:
    """A line per concept: the named first, then the largest groups that wait for a name."""
    named = [concept for concept in concepts if concept.name]
    unnamed = [concept for concept in concepts if not concept.name]
    if not concepts:
        return (
            "I know nobody yet. Add a folder of photos, or show me a few photos of one person, pet or thing and say "
            "the name."
        )
    lines = [_sentence(concept) for concept in named]
    if unnamed:
        lines.append(
            f"{counted(len(unnamed), 'group')} without a name; say a number and a name, and it has one:"
        )
        lines += [
            f"· number {concept.id}: {_KINDS[concept.kind]} in {counted(concept.members + concept.suggested, 'photo')}"
            for concept in unnamed[:12]
        ]
    return "\n".join(lines)


def _sentence(concept: ConceptSummary) -> str:
    if concept.name is None:
        number = counted(concept.members + concept.suggested, "photo")
        return f"Number {concept.id} is {_KINDS[concept.kind]}, in {number}; it has no name yet."
    waiting = f", and maybe in {concept.suggested} more" if concept.suggested else ""
    return (
        f"{concept.name} (number {concept.id}) is {_KINDS[concept.kind]}, "
        f"in {counted(concept.members, 'photo')}{waiting}; {STATE_WORDS[concept.state]}."
    )


def _told(familiar: Familiar, name: str) -> str:
    profile = familiar.profile(name)
    return quoted(profile.facts) if profile.facts else nothing_told(profile.concept, profile.facts)


def list_concepts_spec(familiar: Familiar, *, choices: bool = True) -> ToolSpec:
    """`list_concepts(concept)`; without one, all. With `choices` there is no field: a small model fills all."""
    from pydantic import Field

    fields: dict[str, Any] = {}
    if not choices:
        about = "the name of one of them, for what is known about it; leave it out for all"
        fields["concept"] = (str | None, Field(default=None, description=about))

    def run(_on_progress: OnProgress | None, concept: str | None = None) -> tuple[str, list[ConceptSummary]]:
        return listed_concepts(familiar, concept or None)

    says = "List the people, pets and things that you know, or say what is known about one of them."
    return ToolSpec("list_concepts", says, run, fields)
