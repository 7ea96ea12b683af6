"""Draws pictures of a text, with the named concepts in it, and writes them as PNG. Trains nothing."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.mentions import find_mentions
from assistant.results import Imagined
from personalizer.errors import UsageError
from personalizer.library import Library
from personalizer.locations import Home, write_atomically
from personalizer.schemas import Concept, OnProgress, Progress

if TYPE_CHECKING:
    from PIL import Image

    from assistant.serving import Serving

MAX_SEED = 2**31 - 1
MAX_COUNT = 64


class Drawer:
    """Draws for one library. Safe to use from several threads."""

    def __init__(self, home: Home, library: Library, serving: Serving) -> None:
        self._home = home
        self._library = library
        self._serving = serving

    def draw(
        self,
        text: str,
        out: Path | None,
        seed: int | None,
        count: int,
        on_progress: OnProgress | None,
        started: float,
    ) -> Imagined:
        """Draw `count` pictures with seeds from `seed` on; `started` is the monotonic time to count from.

        Raises UsageError for an empty text, a count that is not 1..64 or a seed below 0.
        """
        plain = " ".join(text.split())
        first_seed = secrets.randbelow(MAX_SEED - MAX_COUNT) if seed is None else seed
        _check(plain, count, first_seed)
        concept, notes = self._concept_in(plain)
        paths = []
        tokens = 0
        spent_s = 0.0
        for number, path in enumerate(self._targets(plain, out, first_seed, count)):
            if on_progress is not None:
                on_progress(Progress(number, count, f"Drawing “{plain}”"))
            picture, written, drawing_s = self._serving.draw(plain, concept, first_seed + number)
            tokens, spent_s = tokens + written, spent_s + drawing_s
            self._save(picture, path, plain, first_seed + number, concept)
            paths.append(path)
        return Imagined(
            paths=paths,
            concepts=[concept.name] if concept and concept.name else [],
            seed=first_seed,
            backbone=self._serving.version,
            tokens_per_s=round(tokens / spent_s, 1) if spent_s else 0.0,
            elapsed_s=round(time.monotonic() - started, 3),
            notes=notes,
        )

    def _concept_in(self, text: str) -> tuple[Concept | None, list[str]]:
        """The first concept in the text that has a prefix for this backbone, and notes for the user."""
        names = [c.name for c in self._library.concepts() if c.name and c.state != "hidden"]
        mentioned = list(dict.fromkeys(find_mentions(text, names).concepts))
        known = [concept for name in mentioned if (concept := self._library.concept_by_name(name))]
        usable = [concept for concept in known if self._serving.has_prefix(concept)]
        notes = [
            f"{concept.name} has no trained prefix for this backbone yet: `familiar train {concept.name}`."
            for concept in known
            if concept not in usable
        ]
        if len(usable) > 1:
            others = ", ".join(str(concept.name) for concept in usable[1:])
            notes.append(f"One concept per picture so far: {usable[0].name} is drawn, not {others}.")
        if not known:
            notes.append("No concept that you named is in this text.")
        return (usable[0] if usable else None), notes

    def _targets(self, text: str, out: Path | None, seed: int, count: int) -> Iterator[Path]:
        """A path per picture. `out` is a .png file (numbered when there are several) or a folder."""
        target = (out or self._home.imagined).expanduser().absolute()
        is_file = target.suffix.lower() == ".png" and not target.is_dir()
        if target.suffix and not is_file and not target.is_dir():
            raise UsageError(
                tried=f"drawing to {out}",
                found="it is no .png file and no folder",
                fix="End it in .png, or name a folder.",
            )
        stem = target.stem if is_file else f"{datetime.now():%Y%m%d-%H%M%S}-{_slug(text)}"
        folder = target.parent if is_file else target
        for number in range(count):
            plain = is_file and count == 1
            yield folder / (f"{stem}.png" if plain else f"{stem}-{seed + number}.png")

    def _save(self, picture: Image.Image, path: Path, text: str, seed: int, concept: Concept | None) -> None:
        import io

        from PIL.PngImagePlugin import PngInfo

        about = PngInfo()
        about.add_text("prompt", text)
        about.add_text("seed", str(seed))
        about.add_text("backbone", self._serving.version)
        about.add_text("concept", (concept.name if concept else None) or "")
        about.add_text("Software", "Familiar")
        content = io.BytesIO()
        picture.save(content, "PNG", pnginfo=about)
        write_atomically(path, content.getvalue())


def _check(text: str, count: int, seed: int) -> None:
    tried = "drawing"
    if not text:
        raise UsageError(tried=tried, found="an empty text", fix="Say what to draw.")
    if not 1 <= count <= MAX_COUNT:
        raise UsageError(tried=tried, found=f"a count of {count}", fix=f"Draw 1 to {MAX_COUNT} pictures.")
    if not 0 <= seed <= MAX_SEED - MAX_COUNT:
        raise UsageError(tried=tried, found=f"the seed {seed}", fix=f"Use 0 to {MAX_SEED - MAX_COUNT}.")


def _slug(text: str) -> str:
    letters = "".join(character if character.isalnum() else "-" for character in text.lower())
    return "-".join(part for part in letters.split("-") if part)[:40] or "picture"
