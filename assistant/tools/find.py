"""The tool that finds photos. Knows the façade, no model and no screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assistant.presentation.found_lines import found_text
from assistant.results import FoundPhotos
from assistant.service.familiar import Familiar

if TYPE_CHECKING:
    from langchain_core.tools import StructuredTool

LISTED = 12


def find_photos(familiar: Familiar, text: str) -> tuple[str, FoundPhotos]:
    """The photos that fit `text`, as sentences and as the record behind them."""
    found = familiar.find(text, limit=LISTED)
    return found_text(found), found


def find_tool(familiar: Familiar, request: str | None = None) -> StructuredTool:
    """`find(text)`; with `request` the user's own words are searched for, which a small model garbles."""
    from langchain_core.tools import StructuredTool
    from pydantic import Field, create_model

    fields: dict[str, Any] = {}
    if request is None:
        fields["text"] = (
            str,
            Field(description="who or what to look for, where or when, in the user's words"),
        )

    def find(text: str = "") -> tuple[str, FoundPhotos]:
        return find_photos(familiar, text if request is None else request)

    return StructuredTool.from_function(
        func=find,
        name="find",
        description="Find photos in the library: by people, pets and things, time, place, what they show or say.",
        args_schema=create_model("find", **fields),
        response_format="content_and_artifact",
        return_direct=True,
    )
