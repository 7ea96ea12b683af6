"""Two concepts in one prompt: who is asked beside whom, and about which pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from assistant.evaluation.data.protocol import Split, Subject
from assistant.evaluation.recognition.comparison import Comparison
from assistant.evaluation.recognition.together import COMPOSITES, composed, make_composites, make_pairs

PHOTOS = 20


def compared(name: str, place: int, split: int = 0) -> Comparison:
    """Three photos of its own among 20; it was shown another one."""
    own = range(4 * place, 4 * place + 3)
    ids = [number for number in range(PHOTOS) if number != 4 * place + 3]
    return Comparison(
        split=Split(Subject(name, (Path("a.jpg"), Path("b.jpg"))), split, (Path("a.jpg"),)),
        kind="object",
        shot_ids=[4 * place + 3],
        photo_ids=ids,
        is_positive=np.isin(ids, own),
        same_class=np.isin(ids, own),
        log_odds=[0.0] * len(ids),
        retrieval_log_odds=[0.0] * len(ids),
        boxes=[None] * len(ids),
    )


def test_everyone_is_asked_for_once_beside_somebody_of_the_same_split() -> None:
    splits = [compared(name, place, split) for split in (0, 1) for place, name in enumerate("abcd")]
    splits.append(compared("lonely", 4, 2))
    pairs = make_pairs(splits, seed=3)
    assert sorted(pair.asked for pair in pairs) == list(range(8))
    assert all(pair.asked != pair.beside for pair in pairs)
    assert all(splits[p.asked].split.number == splits[p.beside].split.number for p in pairs)
    assert make_pairs(splits, seed=3) == pairs != make_pairs(splits, seed=4)


def test_composites_show_what_they_say_from_photos_that_nobody_learned() -> None:
    one, other = compared("a", 0), compared("b", 1)
    made = make_composites(one, other, seed=0)
    assert made == make_composites(one, other, seed=0) != make_composites(one, other, seed=1)
    assert len(made) == 4 * COMPOSITES and len({(c.shows_asked, c.shows_beside) for c in made}) == 4
    for composite in made:
        halves = {composite.left, composite.right}
        assert bool(halves & {0, 1, 2}) == composite.shows_asked
        assert bool(halves & {4, 5, 6}) == composite.shows_beside
        assert not halves & {3, 7}, "a photo that a prefix was trained on"
    assert {c.left in (0, 1, 2) for c in made if c.shows_asked and c.shows_beside} == {True, False}


def test_a_composite_has_the_middle_of_both_photos() -> None:
    wide = Image.new("RGB", (300, 100), "blue")
    ImageDraw.Draw(wide).rectangle((130, 0, 170, 100), fill="red")
    picture = composed(wide, Image.new("RGB", (80, 200), "green"))
    assert picture.width == picture.height
    left, right = (picture.getpixel((picture.width * place // 8, 200)) for place in (2, 6))
    assert left == (255, 0, 0) and right == (0, 128, 0)
