"""Pictures inline: the best protocol the terminal speaks, half-height cells elsewhere. Decodes in a thread."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Static

from assistant.presentation.printable import printable
from tui.literal import literal

if TYPE_CHECKING:
    from PIL.Image import Image

    from personalizer.schemas import BoundingBox

MAX_SIDE_PX = 640
"""Of a picture on the screen; a photo is reduced to it once."""
ROWS_SHARE = 0.5
MAX_ROWS = 20
MIN_ROWS = 6


class CellPicture(Static):
    """A picture in coloured half-height cells: for terminals, and tmux, that pass nothing better on."""

    def __init__(self, image: Image) -> None:
        super().__init__()
        self._image = image

    def on_resize(self) -> None:
        from rich.text import Text

        from assistant.presentation.thumbnails import half_blocks

        if self.size.width:
            lines = half_blocks(self._image, self.size.width)
            self.update(Text.from_ansi("\n".join(lines[: self.size.height])))


@cache
def picture_widget() -> type[Widget]:
    """The widget class that shows a picture in this terminal.

    Call it once before the application starts: afterwards the terminal's answers would be taken for keys.
    """
    # tmux passes neither sixels nor kitty's protocol on reliably.
    if os.environ.get("TMUX") or not (sys.__stdout__ and sys.__stdout__.isatty()):
        return CellPicture
    try:
        columns, rows = os.get_terminal_size(sys.__stdout__.fileno())
    except OSError:
        return CellPicture
    if not columns or not rows:  # textual-image divides by them
        return CellPicture
    from textual_image.renderable import HalfcellImage
    from textual_image.renderable import Image as Best
    from textual_image.widget import Image as BestWidget

    return CellPicture if Best is HalfcellImage else BestWidget


class Picture(Vertical):
    """One picture with a caption below it."""

    def __init__(self, path: Path, caption: str, box: BoundingBox | None = None) -> None:
        super().__init__()
        self.path = path
        self._box = box
        self.caption = printable(caption)

    def compose(self) -> ComposeResult:
        yield Static(self.caption, classes="caption", markup=False)

    def on_mount(self) -> None:
        self._load()

    @work(thread=True)
    def _load(self) -> None:
        from personalizer.errors import FamiliarError

        try:
            image = upright(self.path, self._box)
        except (FamiliarError, OSError) as error:
            reason = error.found if isinstance(error, FamiliarError) else str(error)
            self.app.call_from_thread(self._give_up, reason)
            return
        self.app.call_from_thread(self._show, image)

    def _show(self, image: Image) -> None:
        columns, rows = fitted_cells(image.size, self.app.size.width - 8, self.app.size.height)
        make: Any = picture_widget()
        shown = make(image)
        shown.styles.width, shown.styles.height = columns, rows
        self.styles.width = max(columns, min(len(self.caption), columns + 12))
        self.mount(shown, before=0)

    def _give_up(self, reason: str) -> None:
        self.query_one(".caption", Static).update(literal(f"{self.caption} (no preview: {reason})"))


class PictureRow(Horizontal):
    """Pictures beside each other; with `box`, this part of them."""

    def __init__(self, pictures: list[tuple[Path, str]], box: BoundingBox | None = None) -> None:
        super().__init__()
        self._pictures = pictures
        self._box = box

    def compose(self) -> ComposeResult:
        for path, caption in self._pictures:
            yield Picture(path, caption, self._box)


def upright(path: Path, box: BoundingBox | None = None) -> Image:
    """The picture, or the face in `box`, as it should be seen, at most `MAX_SIDE_PX` on a side.

    Raises UnreadablePhotoError.
    """
    from assistant.presentation.thumbnails import part_of
    from personalizer.photos.decode import load_photo

    image = part_of(load_photo(path), box)
    image.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX))
    return image


def fitted_cells(size_px: tuple[int, int], columns: int, screen_rows: int) -> tuple[int, int]:
    """Columns and rows that keep the picture's shape, a cell being twice as high as wide."""
    rows = max(MIN_ROWS, min(MAX_ROWS, int(screen_rows * ROWS_SHARE)))
    width_px, height_px = size_px
    wide = max(2, round(rows * 2 * width_px / height_px))
    if wide > columns:
        wide = max(2, columns)
        rows = max(1, round(wide * height_px / width_px / 2))
    return wide, rows
