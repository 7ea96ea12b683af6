"""Drawing with a real, tiny backbone: what is written where, in which batches, and what is left alone."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from assistant.answers.backbone_service import BackboneService
from assistant.imagine.draw import ImageGenerator
from assistant.language.parse import parse
from assistant.results import Imagined
from personalizer.errors import JobCancelled, UsageError
from personalizer.home import Home
from personalizer.library.library import Library
from personalizer.photos.formats import is_drawing
from personalizer.schemas import Concept, Progress


class Counting(BackboneService):
    """Notes the first seed and the size of every batch."""

    batches: list[tuple[int, int]]

    def draw(self, text: str, concepts: Any, seed: int, count: int = 1, on_progress: Any = None) -> Any:
        self.batches.append((seed, count))
        return super().draw(text, concepts, seed, count, on_progress)


@pytest.fixture
def serving(home: Home, exported: Any) -> Counting:
    made = Counting(home, str(exported.checkpoint))
    made.batches = []
    return made


@pytest.fixture
def drawer(home: Home, serving: Counting) -> Iterator[ImageGenerator]:
    with Library.open(home.database) as library:
        yield ImageGenerator(home, library, serving, lambda: None)


def draw(
    drawer: ImageGenerator, out: Path | None, count: int = 1, seed: int = 5, **options: Any
) -> list[Path]:
    on_progress = options.pop("on_progress", None)
    return drawer.draw(
        parse("a red cup", []), out, seed, count, on_progress, time.monotonic(), **options
    ).paths


def test_many_pictures_are_drawn_together_and_are_those_drawn_alone(
    drawer: ImageGenerator, serving: Counting, tmp_path: Path
) -> None:
    seen: list[Progress] = []
    paths = draw(drawer, tmp_path / "many", 10, on_progress=seen.append)
    assert serving.batches == [(5, 8), (13, 2)]
    assert [path.name[-6:] for path in paths[:1] + paths[-1:]] == ["-5.png", "14.png"]
    for number in (0, 7, 9):
        [alone] = draw(drawer, tmp_path / "alone" / f"{number}.png", seed=5 + number)
        assert alone.read_bytes() == paths[number].read_bytes()
        assert Image.open(alone).info["seed"] == str(5 + number)
    done = [progress.done for progress in seen]
    assert done == sorted(done) and done[0] == 0 and done[-1] == 10
    assert {progress.total for progress in seen} == {10}


def test_cancelling_keeps_the_pictures_that_are_finished(drawer: ImageGenerator, tmp_path: Path) -> None:
    def stop_after_the_first_batch(progress: Progress) -> None:
        if any(tmp_path.glob("many/*.png")):
            raise JobCancelled

    with pytest.raises(JobCancelled):
        draw(drawer, tmp_path / "many", 10, on_progress=stop_after_the_first_batch)
    assert len(list((tmp_path / "many").iterdir())) == 8


def test_a_file_that_familiar_did_not_draw_is_left_alone(
    drawer: ImageGenerator, serving: Counting, tmp_path: Path
) -> None:
    mine = tmp_path / "bo.png"
    Image.new("RGB", (8, 8), "red").save(mine)
    before = mine.read_bytes()
    with pytest.raises(UsageError, match="did not draw"):
        draw(drawer, mine)
    (tmp_path / "bo-6.png").write_bytes(b"notes")
    with pytest.raises(UsageError, match=r"bo-6\.png"):
        draw(drawer, tmp_path / "bo.png", 2)
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(UsageError, match="did not draw"):
        draw(drawer, tmp_path / "gone.png")
    assert mine.read_bytes() == before and serving.batches == []
    assert {path.name for path in tmp_path.iterdir()} == {"home", "bo.png", "bo-6.png", "gone.png"}


def test_a_drawing_may_be_drawn_again(drawer: ImageGenerator, tmp_path: Path) -> None:
    [first] = draw(drawer, tmp_path / "x.png")
    before = first.read_bytes()
    assert draw(drawer, tmp_path / "x.png", seed=6) == [first]
    assert first.read_bytes() != before
    assert [path.name for path in tmp_path.glob("*x.png*")] == ["x.png"]


def test_files_outside_the_home_have_the_usual_permissions(
    drawer: ImageGenerator, home: Home, tmp_path: Path
) -> None:
    before = os.umask(0o027)
    try:
        [shared] = draw(drawer, tmp_path / "new" / "x.png")
        [private] = draw(drawer, None)
    finally:
        os.umask(before)
    assert stat.S_IMODE(shared.stat().st_mode) == 0o640
    assert stat.S_IMODE(shared.parent.stat().st_mode) == 0o750
    assert private.parent == home.imagined and stat.S_IMODE(private.stat().st_mode) == 0o600


def test_a_drawing_is_told_from_a_photo(drawer: ImageGenerator, tmp_path: Path) -> None:
    [drawing] = draw(drawer, tmp_path / "x.png")
    assert is_drawing(drawing) and is_drawing(drawing.read_bytes())
    photo = tmp_path / "photo.png"
    Image.new("RGB", (8, 8)).save(photo)
    assert not is_drawing(photo) and not is_drawing(photo.read_bytes())
    assert not is_drawing(tmp_path / "nothing.png") and not is_drawing(tmp_path) and not is_drawing(b"")
    assert not is_drawing(drawing.read_bytes()[:20])


def imagine(drawer: ImageGenerator, text: str, out: Path) -> Imagined:
    names = [concept.name for concept in drawer.library.concepts() if concept.name]
    return drawer.draw(parse(text, names), out, 5, 1, None, time.monotonic())


def test_every_named_concept_is_in_the_picture(
    drawer: ImageGenerator, serving: Counting, know_prefix: Callable[..., Concept], tmp_path: Path
) -> None:
    library = drawer.library
    for name in ("Bo", "striped mug"):
        know_prefix(library, name)
    both = imagine(drawer, "Bo and the striped mug on a beach", tmp_path / "both.png")
    assert both.concepts == ["Bo", "striped mug"] and both.notes == []
    assert Image.open(both.paths[0]).info["concept"] == "Bo, striped mug"
    alone = imagine(drawer, "Bo and the striped jug on a beach", tmp_path / "alone.png")
    assert alone.concepts == ["Bo"]
    assert alone.paths[0].read_bytes() != both.paths[0].read_bytes()


def test_a_concept_without_room_or_training_is_named_in_a_note(
    drawer: ImageGenerator, know_prefix: Callable[..., Concept], tmp_path: Path
) -> None:
    library = drawer.library
    for name in ("Ada", "Ben", "Cleo"):
        know_prefix(library, name, rows=30)
    library.create_concept("object", "Kim")
    said = imagine(drawer, "Ada, Ben, Cleo and Kim", tmp_path / "x.png")
    assert said.concepts == ["Ada", "Ben"]
    assert said.notes == [
        "Kim is not trained yet, so this does not look like Kim: familiar train Kim",
        "There is room for 2 concepts beside this text: what was learned about Cleo is not used.",
    ]
