"""The tool that finds photos. Knows the façade, no model and no screen."""

from __future__ import annotations

from typing import Any

from assistant.presentation.found_lines import found_text
from assistant.results import FoundPhotos
from assistant.service.familiar import Familiar
from assistant.tools.wrap import ToolSpec
from personalizer.schemas import OnProgress

LISTED = 12


def find_photos(familiar: Familiar, query: str) -> tuple[str, FoundPhotos]:
    """The photos that fit `query`, as sentences and as the record behind them."""
    found = familiar.find(query, limit=LISTED)
    return found_text(found), found


def find_spec(familiar: Familiar, request: str | None = None) -> ToolSpec:
    """`find(query)`; with `request` the user's own words are searched for, which a small model garbles."""
    from pydantic import Field

    fields: dict[str, Any] = {}
    if request is None:
        about = "who or what to look for, where or when, in the user's words"
        fields["query"] = (str, Field(description=about))

    def run(_on_progress: OnProgress | None, query: str = "") -> tuple[str, FoundPhotos]:
        return find_photos(familiar, query if request is None else request)

    says = "Find photos in the library: by people, pets and things, time, place, what they show or say."
    return ToolSpec("find", says, run, fields)
