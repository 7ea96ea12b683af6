"""The tool that keeps what the user tells about a concept. Knows the façade, no model and no screen."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from assistant.results import Profile
from assistant.service.familiar import Familiar
from assistant.tools.quoting import quote
from assistant.tools.wrap import ToolSpec
from personalizer.schemas import OnProgress

MAX_NAMES = 60


def remember_fact(familiar: Familiar, concept: str, text: str) -> tuple[str, Profile]:
    """Keep `text` about the concept; a sentence about it and the whole profile.

    Raises NotFoundError for the concept, UsageError for a text that is not allowed.
    """
    profile = familiar.remember(concept, text)
    if profile.added is None:
        return f"You had told me that about {profile.concept} already.", profile
    return f"I will remember about {profile.concept}: “{profile.added}”.", profile


def remember_spec(
    familiar: Familiar, names: Sequence[str], request: str | None = None, *, choices: bool = True
) -> ToolSpec:
    """`remember(concept, text)`; with `choices` the library's names are what can be chosen.

    With `request`, the user's own words from the name on are kept and the model chooses only the concept: what
    a small model words anew is no longer what the user said. That the user said it is the approval then.
    """
    from pydantic import Field

    concept_type: Any = Literal[tuple(names[:MAX_NAMES])] if names and choices else str
    about = "the name of who or what of the user's it is about"
    fields: dict[str, Any] = {"concept": (concept_type, Field(description=about))}
    if request is None:
        fields["text"] = (str, Field(description="what to keep, in the user's words"))

    def run(_on_progress: OnProgress | None, concept: str, text: str = "") -> tuple[str, Profile]:
        kept = text if request is None else _from_name(request, concept)
        return remember_fact(familiar, concept, kept)

    def says(given: Mapping[str, Any]) -> str:
        return f"Remember about {quote(given['concept'])}: {quote(given.get('text', ''))}"

    about_it = "Keep a fact that the user tells about someone or something you know."
    return ToolSpec("remember", about_it, run, fields, says if request is None else None)


def _from_name(request: str, name: str) -> str:
    """ "you should know that Bo hates cats" → "Bo hates cats"; all of it where the name is not in it."""
    found = re.search(re.escape(name), request, re.IGNORECASE)
    return request[found.start() :] if found else request
