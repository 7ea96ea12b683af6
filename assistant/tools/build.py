"""Puts the tools together for one conversation. Knows which tools exist, not what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.service.familiar import Familiar
from assistant.tools.access import PhotoAccess
from assistant.tools.describe import describe_tool
from assistant.tools.find import find_tool
from assistant.tools.imagine import imagine_tool
from assistant.tools.list_concepts import list_concepts_tool
from assistant.tools.remember import remember_tool
from personalizer.schemas import OnProgress

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool


def build_tools(
    familiar: Familiar,
    access: PhotoAccess | None = None,
    on_progress: OnProgress | None = None,
    request: str | None = None,
) -> list[BaseTool]:
    """LangChain tools over `familiar`; their text is for a model, their artifact the record behind it.

    What a model may choose from (photos, names) is fixed now: build them again when that changes. Without
    `access` only photos in registered folders can be read.
    """
    opened = access or PhotoAccess(familiar)
    names = familiar.library.names()
    return [
        describe_tool(familiar, opened, request),
        find_tool(familiar, request),
        imagine_tool(familiar, names, on_progress, request),
        list_concepts_tool(familiar),
        remember_tool(familiar, names, request),
    ]
