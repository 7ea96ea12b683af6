"""`familiar route`: which tool the chat would give a request to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant.chat.router.route import Route


def route_lines(found: Route) -> str:
    slots = ", ".join(f"{name}={value!r}" for name, value in found.slots.items()) or "none"
    return "\n".join(
        [
            f"intent      {found.intent}",
            f"slots       {slots}",
            f"confidence  {found.confidence:.2f} ({found.source}, {found.elapsed_ms:.2f} ms)",
        ]
    )
