"""Whether the package is there that the server needs. Loads nothing."""

from __future__ import annotations

import importlib.util

from personalizer.errors import NotReadyError


def missing_for_mcp() -> NotReadyError | None:
    """What stands in the way of serving MCP clients; None when nothing does."""
    if importlib.util.find_spec("mcp") is not None and importlib.util.find_spec("mcp_types") is not None:
        return None
    return NotReadyError(
        tried="serving MCP clients",
        found="the package mcp (version 2) is not installed",
        fix="pip install 'familiar-assistant[mcp]' adds it; in a checkout: .venv/bin/pip install -e '.[cpu,mcp]'",
    )
