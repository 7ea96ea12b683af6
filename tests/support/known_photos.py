"""Facts of photos that were never taken, for tests of the sentences about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from PIL import Image

from assistant.answers.photo_facts import KnownAbout, PhotoFacts
from assistant.results import Recognized
from personalizer.analysis.analyzer import Analysis, PhotoAnalysis
from personalizer.analysis.labels import find_word
from personalizer.analysis.main_thing import MainThing
from personalizer.photos.decode import DecodedPhoto
from personalizer.recognition.calibration import shipped_calibration
from personalizer.schemas import BoundingBox, Embedding, NewDetection, PhotoLabel

WIDTH_PX, HEIGHT_PX = 100, 80
THING_BOX = BoundingBox(10, 20, 50, 70)
"""Where the main thing of every such photo is."""
_NO_VECTOR = Embedding(np.zeros(1, dtype=np.float32), "none", "0")


def face_box(left: float) -> BoundingBox:
    return BoundingBox(left, 10, left + 20, 40)


def person(name: str, probability: float, left: float | None) -> Recognized:
    """Somebody with a face at `left`, or with none."""
    verdict = shipped_calibration().verdict(probability)
    return Recognized(name, probability, verdict, [], None if left is None else face_box(left))


def thing(name: str, probability: float) -> Recognized:
    return Recognized(name, probability, shipped_calibration().verdict(probability), [], THING_BOX)


def photo_facts(
    people: Sequence[Recognized] = (),
    things: Sequence[Recognized] = (),
    *,
    strangers: Sequence[float] = (),
    labels: Sequence[tuple[str, float]] = (),
    main_thing: str | None = None,
    outlined: str | None = None,
    parts: int = 1,
    taken_at: datetime | None = None,
    coordinates: tuple[float, float] | None = None,
    camera: str | None = None,
    folder: str | None = None,
    faces_are_on: bool = True,
    image: Image.Image | None = None,
    size_px: tuple[int, int] = (WIDTH_PX, HEIGHT_PX),
    path: Path = Path("/photos/IMG_1.jpg"),
) -> PhotoFacts:
    """`strangers` are the left edges of faces that resemble nobody; `main_thing` is the word for one thing with a clear
    outline, and `outlined` its name.
    """
    named = [one.box for one in people if one.box is not None]
    boxes = [*named, *(face_box(left) for left in strangers)]
    detections: Analysis = [
        (NewDetection("face", box, 1.0, "drawn"), _NO_VECTOR) for box in dict.fromkeys(boxes)
    ]
    logits = np.zeros((2, 1000), dtype=np.float32)
    outline = None
    if main_thing is not None:
        word = find_word(main_thing)
        assert word is not None
        logits[1, list(word.classes)] = 20
        probability = np.zeros((320, 320), dtype=np.float32)
        probability[80:280, 32:160] = 1
        outline = MainThing(probability, THING_BOX, 0.25, 0.0, parts, 0.0)
    found = []
    for text, confidence in labels:
        word = find_word(text)
        assert word is not None, text
        found.append(PhotoLabel(word.word, confidence, word.kind))
    latitude, longitude = (None, None) if coordinates is None else coordinates
    return PhotoFacts(
        KnownAbout(
            path=path,
            decoded=DecodedPhoto(
                image=image or Image.new("RGB", (WIDTH_PX, HEIGHT_PX), (128, 128, 128)),
                width_px=size_px[0],
                height_px=size_px[1],
                taken_at=taken_at,
                latitude=latitude,
                longitude=longitude,
                camera=camera,
            ),
            analysis=PhotoAnalysis(detections, found, logits, outline),
            recognized=sorted([*people, *things], key=lambda one: -one.probability),
            people=frozenset(one.name for one in people) | {"Amy", "Brad"},
            faces_are_on=faces_are_on,
            date_source=None,
            folder=folder,
            outlined=outlined,
        )
    )
