"""Paints pictures of a text, with the named concepts in it, and writes them as PNG. Trains nothing.

Two painters: montages of the user's own photos, and the backbone.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from assistant.forget.montages import HASH_LETTERS, SOURCE_HASHES
from assistant.imagine.recite import recited
from assistant.language.ordinary_words import folded, overlooked_names
from assistant.language.parse import Phrase
from assistant.results import Imagined, PictureSource
from personalizer.errors import FamiliarError, UsageError
from personalizer.home import Home, write_atomically
from personalizer.library.library import Library
from personalizer.photos.formats import SOFTWARE, is_drawing
from personalizer.schemas import Concept, OnProgress, Progress

if TYPE_CHECKING:
    from PIL import Image

    from assistant.answers.backbone_service import BackboneService
    from assistant.imagine.montage import Montage, MontagePainter

Painter = Literal["auto", "montage", "backbone"]
MAX_SEED = 2**31 - 1
MAX_COUNT = 64


class ImageGenerator:
    """Paints for one library. Safe to use from several threads."""

    def __init__(
        self, home: Home, library: Library, serving: BackboneService, prepare: Callable[[], None]
    ) -> None:
        """`prepare` sees that the backbone can be served, which may take a while."""
        self._home = home
        self.library = library
        self._serving = serving
        self._prepare = prepare
        self._one_montage = threading.Lock()

    def draw(
        self,
        words: Phrase,
        out: Path | None,
        seed: int | None,
        count: int,
        on_progress: OnProgress | None,
        started: float,
        painter: Painter = "auto",
    ) -> Imagined:
        """Paint `count` pictures of `words` with seeds from `seed` on; `started` is the monotonic time to count from.

        `auto` makes a montage wherever a named concept is asked for, unless a large backbone has learned it, and lets
        the backbone draw everything else.
        Pictures are painted and saved some at a time: stopping by an error from `on_progress` keeps those that are
        saved. Raises UsageError for an empty text, a count that is not 1..64, a seed below 0, a montage of nobody or a
        file in the way that Familiar did not draw.
        """
        first_seed = secrets.randbelow(MAX_SEED - MAX_COUNT) if seed is None else seed
        _check(words.text, count, first_seed)
        known = self._known(words)
        if painter == "montage" and not known:
            raise UsageError(
                tried=f"making a montage of “{words.text}”",
                found="no name that I know is in these words",
                fix="Name somebody, or let the model draw: --painter backbone",
            )
        as_montage = painter == "montage" or (painter == "auto" and self._montage_is_best(known))
        paths = self._targets(words.text, out, first_seed, count, "-montage" if as_montage else "")
        _refuse_to_replace(paths)
        if as_montage:
            return self._montages(words, known, paths, first_seed, on_progress, started)
        return self._drawings(words, known, paths, first_seed, on_progress, started)

    def _montage_is_best(self, concepts: list[Concept]) -> bool:
        """Where all have photos, unless a backbone draws them as well."""
        photographed = bool(concepts) and all(self.library.members(concept.id) for concept in concepts)
        return photographed and not self._serving.draws_likeness(concepts)

    def _montages(
        self,
        words: Phrase,
        concepts: list[Concept],
        paths: Sequence[Path],
        first_seed: int,
        on_progress: OnProgress | None,
        started: float,
    ) -> Imagined:
        notes: dict[str, None] = {}
        sources: list[PictureSource] = []
        scenes: dict[str, None] = {}
        colors: dict[str, list[str]] = {}
        with self._one_montage:
            wish = self._montage_painter.understand(words, concepts)
            for number, path in enumerate(paths):
                if on_progress is not None:
                    on_progress(Progress(number, len(paths), f"Cutting out {' and '.join(_names(concepts))}"))
                montage = self._montage_painter.paint(wish, concepts, first_seed + number)
                self._save(montage.image, path, words.text, first_seed + number, concepts, _about(montage))
                notes |= dict.fromkeys(montage.notes)
                scenes[montage.scene.title] = None
                colors = colors or montage.colors()
                sources += [
                    PictureSource(path, one.path, one.name, one.cutout.framed) for one in montage.subjects
                ]
                if montage.scene.photo is not None:
                    sources.append(PictureSource(path, montage.scene.photo, None))
        return Imagined(
            paths=list(paths),
            concepts=_names(concepts),
            seed=first_seed,
            backbone="",
            tokens_per_s=0.0,
            elapsed_s=round(time.monotonic() - started, 3),
            notes=[*notes, *self._overlooked(words)],
            text=words.text,
            prompt=recited(self.library, words, concepts, colors),
            painter="montage",
            sources=sources,
            scene="; ".join(scenes),
        )

    @cached_property
    def _montage_painter(self) -> MontagePainter:
        from assistant.imagine.montage import MontagePainter
        from personalizer.analysis.main_thing import MaskNetwork

        return MontagePainter(self.library, MaskNetwork(threads=os.cpu_count() or 1), self._draw_place)

    def _draw_place(self, place: str, seed: int) -> Image.Image | None:
        """A place that no scene shows, by the backbone alone; None where it cannot be served."""
        try:
            self._prepare()
            pictures, _, _ = self._serving.draw(Phrase(place, place), [], seed, 1, None)
        except (FamiliarError, OSError):
            return None
        return pictures[0]

    def _drawings(
        self,
        words: Phrase,
        known: list[Concept],
        paths: list[Path],
        first_seed: int,
        on_progress: OnProgress | None,
        started: float,
    ) -> Imagined:
        from exporters.runtime.images import MAX_BATCH

        self._prepare()
        concepts, notes = self._drawable(words, known)
        plain, count = words.text, len(paths)
        tokens = 0
        spent_s = 0.0
        for first in range(0, count, MAX_BATCH):
            batch = paths[first : first + MAX_BATCH]
            report = _reporter(first, len(batch), count, f"Drawing “{plain}”", on_progress)
            pictures, written, drawing_s = self._serving.draw(
                words, concepts, first_seed + first, len(batch), report
            )
            tokens, spent_s = tokens + written, spent_s + drawing_s
            made_by = {"painter": "backbone", "backbone": self._serving.version}
            for number, (picture, path) in enumerate(zip(pictures, batch, strict=True), first):
                self._save(picture, path, plain, first_seed + number, concepts, made_by)
        return Imagined(
            paths=paths,
            concepts=_names(concepts),
            seed=first_seed,
            backbone=self._serving.version,
            tokens_per_s=round(tokens / spent_s, 1) if spent_s else 0.0,
            elapsed_s=round(time.monotonic() - started, 3),
            notes=[*notes, *self._overlooked(words)],
            text=plain,
            prompt=recited(self.library, words, known),
        )

    def _known(self, words: Phrase) -> list[Concept]:
        """The concepts in the text, hidden ones left out."""
        return [
            concept
            for name in dict.fromkeys(words.concepts)
            if (concept := self.library.concept_by_name(name)) is not None and concept.state != "hidden"
        ]

    def _drawable(self, words: Phrase, known: list[Concept]) -> tuple[list[Concept], list[str]]:
        """The concepts that have a prefix for this backbone and room in the text, and notes for the user."""
        usable = [concept for concept in known if self._serving.has_prefix(concept)]
        notes = [
            f"{concept.name} is not trained yet, so this does not look like {concept.name}: "
            f"familiar train {concept.name}"
            for concept in known
            if concept not in usable
        ]
        # One alone is drawn or refused for the length of its text.
        drawn = self._serving.fitting_drawing(words, usable) if len(usable) > 1 else usable
        left_out = [concept for concept in usable if concept not in drawn]
        if left_out:
            notes.append(
                f"There is room for {len(drawn)} concepts beside this text: what was learned about "
                f"{', '.join(_names(left_out))} is not used."
            )
        if not known:
            notes.append("I know nobody by a name in these words: they are drawn as they are.")
        return drawn, notes

    def _overlooked(self, words: Phrase) -> list[str]:
        return [
            f"“{folded(name)}” was taken for the word. If you mean {name}: write it with a capital letter."
            for name in overlooked_names(words.text, self.library.names())
            if name not in words.concepts
        ]

    def _targets(self, text: str, out: Path | None, seed: int, count: int, kind: str) -> list[Path]:
        """A path per picture. `out` is a .png file (numbered when there are several) or a folder.

        `kind` keeps a montage and a drawing of the same words and seed apart.
        """
        target = (out or self._home.imagined).expanduser().absolute()
        is_file = target.suffix.lower() == ".png" and not target.is_dir()
        if target.suffix and not is_file and not target.is_dir():
            raise UsageError(
                tried=f"drawing to {out}",
                found="it is no .png file and no folder",
                fix="End it in .png, or name a folder.",
            )
        stem = target.stem if is_file else f"{datetime.now():%Y%m%d-%H%M%S}-{_slug(text)}{kind}"
        folder = target.parent if is_file else target
        if is_file and count == 1:
            return [folder / f"{stem}.png"]
        return [folder / f"{stem}-{seed + number}.png" for number in range(count)]

    def _save(
        self,
        picture: Image.Image,
        path: Path,
        text: str,
        seed: int,
        concepts: Sequence[Concept],
        made_by: Mapping[str, str],
    ) -> None:
        import io

        from PIL.PngImagePlugin import PngInfo

        about = PngInfo()
        about.add_text("prompt", text)
        about.add_text("seed", str(seed))
        for key, value in made_by.items():
            about.add_text(key, value)
        about.add_text("concept", ", ".join(_names(concepts)))
        about.add_text("Software", SOFTWARE)
        content = io.BytesIO()
        picture.save(content, "PNG", pnginfo=about)
        inside = path.resolve().is_relative_to(self._home.root.resolve())
        write_atomically(path, content.getvalue(), private=inside)


def _about(montage: Montage) -> dict[str, str]:
    """What the file says of how it was made; of photos their names, and no folder."""
    photos = [f"{subject.name} from {subject.path.name}" for subject in montage.subjects]
    return {
        "painter": "montage",
        "scene": montage.scene.title,
        "sources": ", ".join(photos),
        SOURCE_HASHES: " ".join(beginning[:HASH_LETTERS] for beginning in montage.source_hashes),
    }


def _names(concepts: Sequence[Concept]) -> list[str]:
    return [concept.name for concept in concepts if concept.name]


def _reporter(
    first: int,
    pictures: int,
    count: int,
    message: str,
    on_progress: OnProgress | None,
) -> OnProgress:
    """Progress within a batch, which is in tokens, as progress in pictures."""

    def report(progress: Progress) -> None:
        # Not for every token: a screen that redraws hundreds of times takes time from the drawing.
        step = max(1, progress.total // (16 * pictures)) * pictures
        if on_progress is not None and (progress.done % step == 0 or progress.done == progress.total):
            on_progress(Progress(first + progress.done * pictures // progress.total, count, message))

    return report


def _refuse_to_replace(paths: Sequence[Path]) -> None:
    """Drawings may be drawn again; any other file in the way is the user's."""
    for path in paths:
        if os.path.lexists(path) and not is_drawing(path):
            raise UsageError(
                tried=f"drawing to {path}",
                found="something that Familiar did not draw is there already",
                fix="Choose another name, or move it away first.",
            )


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
