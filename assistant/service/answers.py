"""Questions about a photo, and pictures."""

from __future__ import annotations

import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.language.parse import Phrase, Request, parse
from assistant.results import (
    Description,
    Imagined,
)
from assistant.service.base import Core, existing
from personalizer.jobs.kinds import JobKind
from personalizer.schemas import OnProgress

if TYPE_CHECKING:
    from assistant.imagine.draw import ImageGenerator, Painter
    from exporters.runtime.session import BackboneSession


class Answers(Core):
    """Answers from one library and its backbone."""

    @cached_property
    def _drawer(self) -> ImageGenerator:
        from assistant.imagine.draw import ImageGenerator

        return ImageGenerator(self.home, self.library, self._serving, lambda: self._prepare(None))

    def session(self, on_progress: OnProgress | None = None) -> BackboneSession:
        """The exported backbone itself, exported first where that has not happened."""
        self._prepare(on_progress)
        return self._serving.session

    def describe(self, photo: Path, question: str | Phrase | None = None) -> Description:
        """Say what and who is in a photo, or answer a question about it, which may be parsed already.

        Every sentence is a fact, a guess with its percentage, or says that it can't be told.
        """
        started = time.monotonic()
        path = existing(photo, "describing")
        asked = self.parse(question) if isinstance(question, str) else question
        return self._describer.describe(path, asked, started)

    def parse(self, text: str) -> Request:
        """The names of this library and the photos in a text, with their places."""
        return parse(text, self.library.names())

    def imagine(
        self,
        text: str | Phrase,
        out: Path | None = None,
        seed: int | None = None,
        count: int = 1,
        on_progress: OnProgress | None = None,
        painter: Painter = "auto",
    ) -> Imagined:
        """Paint `count` pictures of `text` as PNG files, with any named concepts in it.

        With concepts it is a montage of the user's photos, unless `painter` says `backbone`, which draws.
        """
        started = time.monotonic()
        words = self.parse(text) if isinstance(text, str) else text
        return self._drawer.draw(words, out, seed, count, on_progress, started, painter)

    def _prepare(self, on_progress: OnProgress | None) -> None:
        """See that the backbone is exported; the worker does it once per backbone version."""
        if not self._serving.is_exported():
            self._run(JobKind.EXPORT, self.backbone, {}, on_progress)
