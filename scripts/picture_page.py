"""Makes docs/PICTURES.md: what the bundled backbone reads and draws, as `familiar imagine` draws.

    python -m scripts.picture_page --home DIR

Uses the serving runtime and the sample library only, so that every picture on the page is ours to show.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from assistant.answers.backbone_service import draw
from assistant.demo.run import Sample, read_samples
from assistant.service.familiar import Familiar
from exporters.runtime.answers import answer
from exporters.runtime.session import BackboneSession
from personalizer.backbones.preprocessing import center_square
from personalizer.home import Home
from personalizer.photos.decode import load_photo
from personalizer.prefix.prompts import DESCRIBE_QUESTION, question_about_image

PROMPTS = (
    "a photo of an apple.",
    "a photo of an airplane.",
    "a photo of a t-shirt.",
    "a photo of a sunflower.",
    "a 3d emoji of a pizza.",
    "a red robot on a wooden table",
    "a brown dog on the grass",
    "a white cat with black patches on a sofa",
    "a yellow rubber duck on a beach",
    "a blue mug with white stripes in the snow",
)
SAMPLES, COLUMNS, CELL_PX, CAPTION_PX = 6, 10, 96, 300
DOCS = Path(__file__).resolve().parent.parent / "docs"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="where the backbone is exported to")
    parser.add_argument("--out", type=Path, default=DOCS)
    options = parser.parse_args()
    familiar = Familiar(Home(options.home.absolute()).ensure())
    try:
        session = familiar.session()
    finally:
        familiar.close()
    samples = [sample for sample in read_samples() if sample.held_out][: 2 * COLUMNS]
    photos = [center_square(load_photo(sample.path).image, session.spec.image_size_px) for sample in samples]
    rebuilt = session.decode_images(session.encode_images(photos))
    rows = [
        row
        for start in range(0, len(photos), COLUMNS)
        for row in (photos[start : start + COLUMNS], rebuilt[start : start + COLUMNS])
    ]
    pictures = options.out / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    save(rows, pictures / "reconstructions.jpg")
    save(
        [draw(session, prompt, SAMPLES, seed=0).images for prompt in PROMPTS],
        pictures / "prompts.jpg",
        list(PROMPTS),
    )
    captioned = samples[:COLUMNS]
    drawn = [
        [photo, *draw(session, s.caption, SAMPLES - 1, seed=0).images]
        for photo, s in zip(photos[:COLUMNS], captioned, strict=True)
    ]
    save(drawn, pictures / "captions.jpg", [sample.caption for sample in captioned])
    failed, texts = failures(session, samples)
    if failed:
        save(failed, pictures / "failures.jpg", texts)
    (options.out / "PICTURES.md").write_text(page(session.spec.version, len(failed), len(samples)))


def failures(
    session: BackboneSession, samples: Sequence[Sample]
) -> tuple[list[list[Image.Image]], list[str]]:
    """Drawings in whose description by the model itself the class that was asked for is missing."""
    rows, texts = [], []
    for sample in samples:
        drawn = draw(session, sample.caption, SAMPLES, seed=0).images
        said = [answer(session, question_about_image(DESCRIBE_QUESTION), [one]).text for one in drawn]
        wrong = [number for number, words in enumerate(said) if sample.class_name not in words]
        if wrong:
            rows.append([drawn[number] for number in wrong])
            texts.append(f"{sample.caption}: instead, {said[wrong[0]]}")
    return rows, texts


def save(rows: Sequence[Sequence[Image.Image]], path: Path, texts: Sequence[str] = ()) -> None:
    """Rows of pictures, each with its text to the left."""
    left = CAPTION_PX if texts else 0
    size = (left + max(map(len, rows)) * CELL_PX, len(rows) * CELL_PX)
    sheet = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(sheet)
    for y, row in enumerate(rows):
        if texts:
            pen.text((6, y * CELL_PX + 40), wrapped(texts[y]), fill="black")
        for x, picture in enumerate(row):
            cell = picture.convert("RGB").resize((CELL_PX - 2, CELL_PX - 2), Image.Resampling.LANCZOS)
            sheet.paste(cell, (left + x * CELL_PX, y * CELL_PX))
    sheet.save(path, quality=88)


def wrapped(text: str, width: int = 46) -> str:
    """The text in lines of at most `width` characters."""
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)


def page(version: str, failed: int, asked: int) -> str:
    """The page's text."""
    return f"""# Pictures: montages, and what the bundled backbone reads and draws

The bundled backbone is version `{version}`.
Its pictures are made through the int8 runtime that serves, with the settings of `familiar imagine`: of four candidates
the one that the model itself recognises best. Always the first samples of seed 0; nobody picked any. Made by
`python -m scripts.picture_page`.

## Montages

What `familiar imagine` makes of whoever has a name: cut out of a photo of the sample library and set into a scene.
Nothing is trained. All are of one seed; nobody picked any. Made by `python -m scripts.montage_sheet`.

![Montages](pictures/montages.jpg)

## Photos and what is left of them after 64 image tokens

The held-out photos of the sample library, which no part of the model has seen; below each what the tokens keep.

![Photos and reconstructions](pictures/reconstructions.jpg)

## Prompts

Six first samples each.

![Samples for each prompt](pictures/prompts.jpg)

## Captions of photos it has not seen

The photo on the left, then drawings of its caption: whether the thing, its colours and its place survive.

![Drawings of captions](pictures/captions.jpg)

## Failures

Of {asked} captions, those ({failed}) with drawings in which the model itself does not recognise what was asked for, and
what it says of the first of them. It chose these drawings itself, so there are more failures than it sees.

![Drawings that failed](pictures/failures.jpg)
"""


if __name__ == "__main__":
    main()
