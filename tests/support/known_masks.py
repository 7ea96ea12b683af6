"""Masks that the real network has made once in this process are used again: trainings ask for the same ones.

What they are, and that they are the same each time, is tested with networks of one's own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from PIL import Image

from personalizer.analysis import main_thing
from personalizer.analysis.main_thing import MainThing, MaskNetwork


class _Remembering(MaskNetwork):
    def __init__(self) -> None:
        super().__init__()
        self._known: dict[tuple[tuple[int, int], bytes], MainThing | None] = {}

    def find(self, image: Image.Image) -> MainThing | None:
        key = image.size, hashlib.sha256(image.tobytes()).digest()
        if key not in self._known:
            self._known[key] = super().find(image)
        return self._known[key]


@contextmanager
def masks_are_remembered() -> Iterator[None]:
    """Until the end of this, by the one network that this process has."""
    network = _Remembering()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(main_thing, "shipped_network", lambda: network)
        yield
