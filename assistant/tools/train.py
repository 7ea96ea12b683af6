"""Training on request. Knows the façade; no model, no screen."""

from __future__ import annotations

from assistant.results import Trained
from assistant.service.familiar import Familiar
from assistant.tools.access import PhotoAccess
from assistant.tools.quoting import quote, title
from assistant.tools.wrap import ToolSpec
from personalizer.errors import counted
from personalizer.schemas import OnProgress


def train_named(
    familiar: Familiar, access: PhotoAccess, concept: str, on_progress: OnProgress | None = None
) -> tuple[str, Trained]:
    """Train a named concept, so that it can be drawn; takes minutes. Raises NotFoundError, UsageError."""
    trained = familiar.train(concept, on_progress)
    words = f"{title(trained.concept)} is trained: {counted(trained.steps, 'step')} in {trained.elapsed_s:.0f} seconds."
    left_out = len(trained.details.get("skipped", []))
    if left_out:
        words += f" {counted(left_out, 'photo was', 'photos were')} of no use for that."
    return words, trained


def train_spec(familiar: Familiar, access: PhotoAccess) -> ToolSpec:
    """`train(concept)`."""
    from pydantic import Field

    fields = {"concept": (str, Field(description="the name of a person, pet or thing"))}

    def run(on_progress: OnProgress | None, concept: str) -> tuple[str, Trained]:
        return train_named(familiar, access, concept, on_progress)

    return ToolSpec(
        "train",
        "Train a person, pet or thing, so that it can be drawn. Takes minutes.",
        run,
        fields,
        lambda given: f"Train {quote(given['concept'])}, which takes minutes",
    )
