"""The tools that a conversation can use.

Importing this costs nothing; LangChain comes with the first access.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_EXPORTS = {
    "build_tools": "assistant.tools.build",
    "ApprovalRequest": "assistant.tools.approvals",
    "Approvals": "assistant.tools.approvals",
    "PhotoAccess": "assistant.tools.access",
}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return sorted(_EXPORTS)
