"""Forgetting for good. Knows the façade; no model, no screen."""

from __future__ import annotations

from assistant.presentation.lines import forgotten_lines
from assistant.results import Forgotten
from assistant.service.familiar import Familiar
from assistant.tools.access import PhotoAccess
from assistant.tools.quoting import quote
from assistant.tools.wrap import ToolSpec
from personalizer.schemas import OnProgress


def forget_concept(
    familiar: Familiar,
    access: PhotoAccess,
    concept: str,
    typed: str,
    on_progress: OnProgress | None = None,
) -> tuple[str, Forgotten]:
    """Remove a concept and every trace of it, for good; photos are not touched.

    `typed` is its name (its number where it has none) as a person typed it again. Raises UsageError for anything else.
    """
    forgotten = familiar.forget(concept, typed, on_progress)
    return forgotten_lines(forgotten), forgotten


def forget_spec(familiar: Familiar, access: PhotoAccess) -> ToolSpec:
    """`forget(concept, typed)`."""
    from pydantic import Field

    fields = {
        "concept": (str, Field(description="the name of a person, pet or thing, or its number")),
        "typed": (str, Field(description="the name as the user typed it again when asked to; never made up")),
    }

    def run(on_progress: OnProgress | None, concept: str, typed: str) -> tuple[str, Forgotten]:
        return forget_concept(familiar, access, concept, typed, on_progress)

    return ToolSpec(
        "forget",
        "Remove all that is known about a person, pet or thing, for good. Only when the user asks for it.",
        run,
        fields,
        lambda given: f"Forget {quote(given['concept'])} for good: this cannot be taken back",
    )
