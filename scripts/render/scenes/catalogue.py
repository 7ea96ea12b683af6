"""All scenes, in the order of the manifest."""

from __future__ import annotations

from scripts.render.scenes.built import ROOMS, STREETS_AND_ROOFS
from scripts.render.scenes.nature import GROWN, NATURAL
from scripts.render.scenes.scene import Scene


def scenes() -> list[Scene]:
    """All scenes."""
    return [*NATURAL, *GROWN, *STREETS_AND_ROOFS, *ROOMS]
