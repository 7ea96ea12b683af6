"""What a user can ask, and who does it. Knows no screen.

Its rooms, in import order: language, presentation, daemon, report, forget, answers, search, setup, service, worker,
tools, mcp, chat, agent, demo, evaluation, cli. `results` holds what the façade returns. Other programs begin with
`from assistant import Familiar, create_agent`, which loads what it needs with the first access.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assistant.agent.create import create_agent as create_agent
    from assistant.service.familiar import Familiar as Familiar

_EXPORTS = {"Familiar": "assistant.service.familiar", "create_agent": "assistant.agent.create"}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_EXPORTS[name]), name)
