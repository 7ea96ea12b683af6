"""The tool that keeps what the user tells about a concept. Knows the façade, no model and no screen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from assistant.results import Profile
from assistant.service.familiar import Familiar

if TYPE_CHECKING:
    from langchain_core.tools import StructuredTool

MAX_NAMES = 60


def remember_fact(familiar: Familiar, concept: str, text: str) -> tuple[str, Profile]:
    """Keep `text` about the concept; a sentence about it and the whole profile.

    Raises NotFoundError for the concept, UsageError for a text that is not allowed.
    """
    profile = familiar.remember(concept, text)
    if profile.added is None:
        return f"You had told me that about {profile.concept} already.", profile
    return f"I will remember about {profile.concept}: “{profile.added}”.", profile


def remember_tool(familiar: Familiar, names: Sequence[str], request: str | None = None) -> StructuredTool:
    """`remember(concept, text)` with the library's names as the choices.

    With `request`, the user's own words from the name on are kept and the model chooses only the concept: what
    a small model words anew is no longer what the user said.
    """
    from langchain_core.tools import StructuredTool
    from pydantic import Field, create_model

    concept_type: Any = Literal[tuple(names[:MAX_NAMES])] if names else str
    about = "who or what of the user's it is about"
    fields: dict[str, Any] = {"concept": (concept_type, Field(description=about))}
    if request is None:
        fields["text"] = (str, Field(description="what to keep, in the user's words"))

    def remember(concept: str, text: str = "") -> tuple[str, Profile]:
        kept = text if request is None else _from_name(request, concept)
        return remember_fact(familiar, concept, kept)

    return StructuredTool.from_function(
        func=remember,
        name="remember",
        description="Keep a fact that the user tells about someone or something you know.",
        args_schema=create_model("remember", **fields),
        response_format="content_and_artifact",
        return_direct=True,
    )


def _from_name(request: str, name: str) -> str:
    """ "you should know that Bo hates cats" → "Bo hates cats"; all of it where the name is not in it."""
    found = re.search(re.escape(name), request, re.IGNORECASE)
    return request[found.start() :] if found else request
