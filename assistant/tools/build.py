"""Puts the tools together for one conversation. Knows which tools exist, not what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.service.familiar import Familiar
from assistant.tools.access import PhotoAccess
from assistant.tools.approvals import Approvals
from assistant.tools.corrections import correction_specs
from assistant.tools.describe import describe_spec
from assistant.tools.find import find_spec
from assistant.tools.forget import forget_spec
from assistant.tools.imagine import imagine_spec
from assistant.tools.list_concepts import list_concepts_spec
from assistant.tools.name import name_concept_spec
from assistant.tools.remember import remember_spec
from assistant.tools.train import train_spec
from assistant.tools.wrap import ToolContext, ToolSpec, as_tool
from personalizer.schemas import OnProgress

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool


def build_tools(
    familiar: Familiar,
    access: PhotoAccess | None = None,
    on_progress: OnProgress | None = None,
    request: str | None = None,
    approvals: Approvals | None = None,
    *,
    shown: bool = False,
    choices: bool = True,
) -> list[BaseTool]:
    """The thirteen LangChain tools over `familiar`; their text is for a model, their artifact the record behind it.

    Without `access` only photos in registered folders can be read; without `approvals` nothing can be changed that is
    not allowed for good. `request` fixes the user's own words, which a small model garbles, as what is asked, looked
    for, drawn or told. `choices`: what a model may choose from (photos, names) is fixed now, which helps a small one;
    build them again when it changes. `shown`: the tools' own words are the answer, for a model that would retell them
    with mistakes. With `request` they are so too, and a FamiliarError is raised instead of told to the model: it is our
    own front end that asks.
    """
    context = ToolContext(
        approvals or Approvals(None, familiar),
        on_progress,
        shown=shown or request is not None,
        raises=request is not None,
    )
    specs = tool_specs(familiar, access or PhotoAccess(familiar), request, choices=choices)
    return [as_tool(spec, context) for spec in specs]


def tool_specs(
    familiar: Familiar, access: PhotoAccess, request: str | None = None, *, choices: bool = True
) -> list[ToolSpec]:
    """What the tools are and do, for LangChain and for MCP."""
    names = familiar.library.names() if choices else []
    return [
        describe_spec(familiar, access, request, choices=choices),
        imagine_spec(familiar, names, request, choices=choices),
        find_spec(familiar, request),
        list_concepts_spec(familiar, choices=choices),
        name_concept_spec(familiar, access),
        *correction_specs(familiar, access),
        train_spec(familiar, access),
        remember_spec(familiar, names, request, choices=choices),
        forget_spec(familiar, access),
    ]
