"""The tool that says who and what is in a photo. Knows the façade, no model and no screen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from assistant.language.parse import Phrase
from assistant.results import Description
from assistant.service.familiar import Familiar
from assistant.tools.access import PhotoAccess

if TYPE_CHECKING:
    from langchain_core.tools import StructuredTool

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


def describe_tool(
    familiar: Familiar,
    access: PhotoAccess,
    request: str | None = None,
) -> StructuredTool:
    """`describe(photo, question)` with the conversation's latest photos as the choices.

    With `request`, the user's own words are the question and the model chooses only the photo: a small model
    garbles what it has to copy.
    """
    from langchain_core.tools import StructuredTool
    from pydantic import Field, create_model

    choices = {path.name: path for path in access.named[-MAX_CHOICES:]}
    photo_type: Any = Literal[tuple(choices)] if choices else str
    fields: dict[str, Any] = {
        "photo": (photo_type, Field(description="file name of a photo that the user named"))
    }
    if request is None:
        fields["question"] = (str, Field(default="", description="what the user wants to know; may be empty"))

    def describe(photo: str, question: str = "") -> tuple[str, Description]:
        asked = question if request is None else request
        return describe_photo(familiar, access, choices.get(photo, Path(photo)), asked)

    return StructuredTool.from_function(
        func=describe,
        name="describe",
        description="Look at a photo file: who and what is in it, or the answer to a question about it.",
        args_schema=create_model("describe", **fields),
        response_format="content_and_artifact",
        # The small model would retell the result with mistakes: the tool's own words are the answer.
        return_direct=True,
    )
