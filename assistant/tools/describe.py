"""The tool that says who and what is in a photo. Knows the façade, no model and no screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from assistant.language.parse import Phrase
from assistant.results import Description
from assistant.service.familiar import Familiar
from assistant.tools.access import PhotoAccess
from assistant.tools.wrap import ToolSpec
from personalizer.schemas import OnProgress

MAX_CHOICES = 12
"""Photos that a small model is offered by name; any other it would have to spell."""


def describe_photo(
    familiar: Familiar,
    access: PhotoAccess,
    photo: Path | str,
    question: str | Phrase | None = None,
) -> tuple[str, Description]:
    """The answer about the photo, as text and as the record behind it.

    Raises UsageError for a photo out of bounds.
    """
    description = familiar.describe(access.open(photo), question or None)
    return description.answer, description


def describe_spec(
    familiar: Familiar, access: PhotoAccess, request: str | None = None, *, choices: bool = True
) -> ToolSpec:
    """`describe(photo, question)`; with `choices` the conversation's latest photos are what can be chosen.

    With `request`, the user's own words are the question and the model chooses only the photo: a small model
    garbles what it has to copy.
    """
    from pydantic import Field

    named = {path.name: path for path in access.named[-MAX_CHOICES:]} if choices else {}
    photo_type: Any = Literal[tuple(named)] if named else str
    about = "a file name that the user gave or a tool told, or a path"
    fields: dict[str, Any] = {"photo": (photo_type, Field(description=about))}
    if request is None:
        fields["question"] = (str, Field(default="", description="what the user wants to know; may be empty"))

    def run(_on_progress: OnProgress | None, photo: str, question: str = "") -> tuple[str, Description]:
        asked = question if request is None else request
        return describe_photo(familiar, access, named.get(photo, photo), asked)

    says = "Look at a photo file: who and what is in it, or the answer to a question about it."
    return ToolSpec("describe", says, run, fields)
