"""Forgetting for good. Knows the façade; no model, no screen."""

from __future__ import annotations

from assistant.presentation.lines import forgotten_lines
from assistant.results import Forgotten
from assistant.service.familiar import Familiar
from assistant.tools.access import PhotoAccess
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
