"""Small pictures in a terminal's text and a labelled contact sheet. Knows no concept and no library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont, ImageOps

from personalizer.schemas import BoundingBox

if TYPE_CHECKING:
    from personalizer.photos.decode import DecodedPhoto

UPPER_HALF_BLOCK = "▀"
RESET = "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Captioned:
    """A picture with the words that go under it."""

    path: Path
    caption: str


def half_blocks(image: Image.Image, columns: int) -> list[str]:
    """Lines of text that look like `image` where 24-bit colour works: two pixels per character."""
    rows_px = max(2, round(image.height * columns / image.width) // 2 * 2)
    small = image.convert("RGB").resize((columns, rows_px), Image.Resampling.LANCZOS)
    pixels = small.load()
    if pixels is None:
        return []
    lines = []
    for top in range(0, rows_px, 2):
        cells = []
        for column in range(columns):
            upper, lower = _color(pixels[column, top]), _color(pixels[column, top + 1])
            cells.append(f"\x1b[38;2;{upper};48;2;{lower}m{UPPER_HALF_BLOCK}")
        lines.append("".join(cells) + RESET)
    return lines


def _color(pixel: object) -> str:
    red, green, blue = pixel if isinstance(pixel, tuple) else (0, 0, 0)
    return f"{red};{green};{blue}"


def side_by_side(pictures: Sequence[Captioned], columns: int, width: int) -> str:
    """Thumbnails of `columns` characters in rows that fit `width`, each with its caption below."""
    return rows_of(
        [(half_blocks(_square(picture.path), columns), picture.caption) for picture in pictures],
        columns,
        width,
    )


def thumbnail(path: Path, box: BoundingBox | None, columns: int) -> list[str]:
    """Lines of text that look like the photo, or what is in `box` of it; none where it cannot be opened."""
    from personalizer.errors import UnreadablePhotoError
    from personalizer.photos.decode import load_photo

    try:
        photo = load_photo(path)
    except (UnreadablePhotoError, OSError):
        return []
    return half_blocks(ImageOps.fit(part_of(photo, box), (columns * 4, columns * 4)), columns)


def part_of(photo: DecodedPhoto, box: BoundingBox | None) -> Image.Image:
    """The whole photo, or the face in `box` (in pixels of the photo before it was reduced) with some surroundings."""
    from personalizer.photos.crops import FACE_MARGIN, close_view

    if box is None:
        return photo.image
    scale = photo.scale
    inside = BoundingBox(box.left / scale, box.top / scale, box.right / scale, box.bottom / scale)
    return close_view(photo.image, inside, margin=FACE_MARGIN)


def rows_of(drawn: Sequence[tuple[Sequence[str], str]], columns: int, width: int) -> str:
    """Drawings `columns` wide, with their captions below, beside each other as far as `width` allows."""
    per_row = max(1, width // (columns + 2))
    blocks = []
    for start in range(0, len(drawn), per_row):
        row = drawn[start : start + per_row]
        lines = ["  ".join(parts) for parts in zip(*(lines for lines, _ in row), strict=True)]
        lines.append("  ".join(caption[:columns].ljust(columns) for _, caption in row).rstrip())
        blocks.append("\n".join(lines))
    return "\n".join(blocks)


def contact_sheet(rows: Sequence[tuple[str, Sequence[Captioned]]], tile_px: int = 192) -> Image.Image:
    """One picture with a titled row of tiles per entry; captions may take two lines."""
    font = ImageFont.load_default(13)
    title_px, caption_px, gap_px = 26, 36, 8
    widest = max((len(pictures) for _, pictures in rows), default=1)
    height = sum(title_px + tile_px + caption_px + gap_px for _ in rows)
    sheet = Image.new("RGB", (widest * (tile_px + gap_px) + gap_px, height + gap_px), "white")
    draw = ImageDraw.Draw(sheet)
    top = gap_px
    for title, pictures in rows:
        draw.text((gap_px, top), title, fill="black", font=font)
        for number, picture in enumerate(pictures):
            left = gap_px + number * (tile_px + gap_px)
            # Nearest for the small drawn pictures: what the model drew is shown, not a smoothed version.
            sheet.paste(_square(picture.path, tile_px), (left, top + title_px))
            draw.text(
                (left, top + title_px + tile_px + 2), _wrapped(picture.caption, 28), fill="black", font=font
            )
        top += title_px + tile_px + caption_px + gap_px
    return sheet


def _square(path: Path, side_px: int = 128) -> Image.Image:
    with Image.open(path) as opened:
        upright = ImageOps.exif_transpose(opened).convert("RGB")
    small = max(upright.size) < side_px
    resample = Image.Resampling.NEAREST if small else Image.Resampling.LANCZOS
    return ImageOps.fit(upright, (side_px, side_px), resample)


def _wrapped(text: str, characters: int) -> str:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > characters:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines[:2])
