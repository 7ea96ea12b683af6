"""Montages of real pictures: who is in them, in what, what is said, and what becomes of odd photos."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from photos import package_photo
from PIL import Image
from stored_photos import store_photo

from assistant.answers.backbone_service import BackboneService
from assistant.forget.montages import remove_montages
from assistant.imagine.draw import ImageGenerator
from assistant.imagine.montage import Montage, MontagePainter
from assistant.language.parse import parse
from assistant.presentation.lines import montage_sentence
from assistant.results import Imagined
from personalizer.analysis.main_thing import shipped_network
from personalizer.backbones.registry import POCKET
from personalizer.concepts.operations import hide
from personalizer.errors import FamiliarError, NotReadyError, UsageError
from personalizer.home import PACKAGE_DATA, Home
from personalizer.library.library import Library
from personalizer.library.photos.labels import replace_labels
from personalizer.photos.decode import load_photo
from personalizer.photos.formats import drawing_notes, is_drawing
from personalizer.schemas import BoundingBox, Concept, ConceptKind, Embedding, NewDetection, Photo, PhotoLabel
from personalizer.storage_errors import storage_error

SAMPLES = PACKAGE_DATA / "sample_library"
KIWI = [SAMPLES / "library" / f"IMG_{number}.jpg" for number in ("0467", "0193")]
BOLT = SAMPLES / "library" / "IMG_0755.jpg"
EMPTY_BEACH = SAMPLES / "library" / "IMG_1208.jpg"


class World:
    """A library of copies of real pictures, and a painter for it."""

    def __init__(self, library: Library, folder: Path) -> None:
        self.library = library
        self.folder = folder
        self.places: list[str] = []
        library.add_root(folder)

    def painter(self) -> MontagePainter:
        def draw_place(place: str, seed: int) -> Image.Image | None:
            self.places.append(place)
            return Image.new("RGB", (64, 64), (200, 30, 30)) if place == "volcano" else None

        return MontagePainter(self.library, shipped_network(), draw_place)

    def add(self, source: Path, *found: NewDetection) -> Photo:
        """A photo, seen whole, and what was found in it besides."""
        path = self.folder / source.name
        if source != path:
            shutil.copy(source, path)
        image = load_photo(path)
        whole = NewDetection("photo", BoundingBox(0, 0, image.width_px, image.height_px), 1.0, "whole")
        return store_photo(
            self.library,
            content_hash=hashlib.sha256(path.read_bytes()).hexdigest(),
            path=path,
            size=path.stat().st_size,
            width_px=image.width_px,
            height_px=image.height_px,
            detections=[(one, Embedding(np.ones(4, np.float32) / 2, "m", "1")) for one in (whole, *found)],
        )

    def know(self, name: str, *photos: Photo, kind: ConceptKind = "object") -> Concept:
        concept = self.library.create_concept(kind, name)
        wanted = "face" if kind == "face" else "photo"
        members = [self.library.detections(photo.id, kind=wanted)[0].id for photo in photos]
        self.library.add_members(concept.id, members, source="user", status="confirmed")
        return concept

    def paint(self, text: str, seed: int = 1) -> Montage:
        words = parse(text, self.library.names())
        concepts = [self.library.concept_by_name(name) for name in dict.fromkeys(words.concepts)]
        known = [concept for concept in concepts if concept is not None]
        painter = self.painter()
        return painter.paint(painter.understand(words, known), known, seed)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    folder = tmp_path / "photos"
    folder.mkdir()
    with Library.open(Home(tmp_path / "home").ensure().database) as library:
        yield World(library, folder)


def alike(first: Image.Image, second: Image.Image) -> float:
    """Correlation of two pictures at 32 px."""
    vectors = [
        np.asarray(image.convert("RGB").resize((32, 32)), dtype=np.float64).ravel()
        for image in (first, second)
    ]
    return float(np.corrcoef(*vectors)[0, 1])


def test_the_thing_is_in_it_and_its_ground_is_not(world: World) -> None:
    world.know("Kiwi", world.add(KIWI[0]))
    made = world.paint("Kiwi on a beach")
    assert made.image.size == (768, 768)
    scene = np.asarray(made.scene.image.convert("RGB"), dtype=np.int16)
    changed = np.abs(np.asarray(made.image, dtype=np.int16) - scene).max(axis=2)[:, :, None] > 60
    assert 0.12 < float(changed.mean()) < 0.7, "a thing of a believable size before the scene"
    # Kiwi is blue and yellow; the wooden table that it stood on is nowhere.
    colors = made.colors()["Kiwi"]
    assert "blue" in colors or "yellow" in colors
    assert alike(made.image, made.scene.image) > 0.3
    assert alike(made.image, load_photo(KIWI[0]).image) < 0.6
    assert made.scene.title == "a rendered beach" and made.notes == []


def test_the_same_seed_is_the_same_picture_and_others_take_turns(world: World) -> None:
    world.know("Kiwi", *[world.add(path) for path in KIWI])
    first = world.paint("Kiwi on a beach", 3)
    assert world.paint("Kiwi on a beach", 3).image.tobytes() == first.image.tobytes()
    assert {world.paint("Kiwi on a beach", seed).subjects[0].path.name for seed in (0, 1)} == {
        path.name for path in KIWI
    }


def test_several_stand_side_by_side(world: World) -> None:
    world.know("Kiwi", world.add(KIWI[0]))
    world.know("Bolt", world.add(BOLT))
    both = world.paint("Kiwi and Bolt in the forest")
    assert [subject.name for subject in both.subjects] == ["Kiwi", "Bolt"]
    assert {name for name, colors in both.colors().items() if colors} == {"Kiwi", "Bolt"}


def test_bigger_is_bigger_on_the_same_seed(world: World) -> None:
    world.know("Kiwi", world.add(KIWI[0]))

    def covered(text: str) -> float:
        made = world.paint(text)
        scene = np.asarray(made.scene.image.convert("RGB"), dtype=np.int16)
        return float((np.abs(np.asarray(made.image, dtype=np.int16) - scene).max(axis=2) > 60).mean())

    assert covered("Kiwi on a beach smaller") < covered("Kiwi on a beach") < covered("Kiwi on a beach bigger")


def test_ones_own_photo_of_the_place_comes_first(world: World) -> None:
    world.know("Kiwi", world.add(KIWI[0]))
    own = world.add(EMPTY_BEACH)
    with world.library.transaction() as connection:
        replace_labels(connection, own.id, [PhotoLabel("beach", 0.97, "scene")])
    made = world.paint("Kiwi on a beach")
    assert made.scene.photo is not None and made.scene.photo.name == EMPTY_BEACH.name
    assert made.scene.title == f"your photo {EMPTY_BEACH.name}"
    assert own.content_hash in made.source_hashes


@pytest.mark.parametrize("why", ["a face", "a large thing", "an animal", "a named one", "a hidden one"])
def test_a_photo_with_anybody_in_it_is_no_scene(world: World, why: str) -> None:
    kiwi = world.know("Kiwi", world.add(KIWI[0]))
    found = {
        "a face": [NewDetection("face", BoundingBox(10, 10, 60, 60), 0.9, "t")],
        "a large thing": [NewDetection("object", BoundingBox(10, 10, 300, 300), 0.9, "t")],
    }
    own = world.add(EMPTY_BEACH, *found.get(why, []))
    labels = [PhotoLabel("beach", 0.97, "scene")]
    if why == "an animal":
        labels.append(PhotoLabel("dog", 0.6, "animal"))
    with world.library.transaction() as connection:
        replace_labels(connection, own.id, labels)
    if "one" in why:
        other = world.know("Rex", own)
        if why == "a hidden one":
            hide(world.library, world.library.concept(other.id))
    assert world.paint("Kiwi on a beach").scene.photo is None
    assert kiwi.name == "Kiwi"


def test_a_place_that_nothing_shows_is_drawn_by_the_model_and_said(world: World) -> None:
    world.know("Kiwi", world.add(KIWI[0]))
    made = world.paint("Kiwi sleeping on a volcano")
    assert made.scene.title == "“volcano” as the model draws it" and world.places == ["volcano"]
    assert made.notes == ["A montage shows Kiwi as in the photo: “sleeping” is not in the picture."]
    other = world.paint("Kiwi in a submarine")
    assert other.notes == ["I have no scene for “submarine”, so this is another one."], "no model either"


def test_a_word_for_a_place_that_is_a_name_is_the_one_who_is_called_that(world: World) -> None:
    world.know("Beach", world.add(KIWI[0]))
    made = world.paint("Beach in the forest")
    assert [subject.name for subject in made.subjects] == ["Beach"] and "forest" in made.scene.title


# --- odd photos


def test_what_cannot_be_cut_out_stands_there_in_a_frame(world: World) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    path = world.folder / "noise.jpg"
    Image.fromarray(noise).save(path)
    world.know("Static", world.add(path))
    [note] = world.paint("Static on a beach").notes
    assert note == "Static could not be cut out of noise.jpg, so the whole photo stands there in a frame."


def test_a_small_photo_is_used_and_said(world: World) -> None:
    path = world.folder / "tiny.png"
    load_photo(KIWI[0]).image.resize((60, 45)).save(path)
    world.know("Kiwi", world.add(path))
    made = world.paint("Kiwi on a beach")
    assert len(made.notes) == 1 and ("pixels large" in made.notes[0] or "in a frame" in made.notes[0])


def test_a_transparent_picture_is_cut_out(world: World) -> None:
    image = load_photo(KIWI[0]).image.convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    path = world.folder / "clear.png"
    image.save(path)
    world.know("Kiwi", world.add(path))
    assert world.paint("Kiwi on a beach").image.mode == "RGB"


def test_photos_that_are_gone_are_passed_over_and_without_any_it_is_said(world: World) -> None:
    there, gone = world.add(KIWI[0]), world.add(KIWI[1])
    world.know("Kiwi", there, gone)
    gone.path.unlink()
    assert {world.paint("Kiwi on a beach", seed).subjects[0].path for seed in (0, 1)} == {there.path}
    there.path.write_bytes(BOLT.read_bytes())
    with pytest.raises(NotReadyError, match="none of its photos"):
        world.paint("Kiwi on a beach")


def test_in_a_photo_of_several_faces_only_ones_own_is_shown(world: World) -> None:
    """Two faces lie on the mask: the other one must not be in a picture of the first."""
    path = world.folder / "two.png"
    package_photo("skimage.data", "astronaut.png").save(path)
    own = NewDetection("face", BoundingBox(170, 60, 280, 190), 0.9, "t")
    photo = world.add(path, own, NewDetection("face", BoundingBox(200, 250, 300, 350), 0.9, "t"))
    world.know("Eileen", photo, kind="face")
    made = world.paint("Eileen on a beach")
    assert made.subjects[0].cutout.framed, "head and shoulders of the one, nothing of the other"


def test_people_are_marked_and_some_scenes_refused(world: World) -> None:
    path = world.folder / "one.png"
    package_photo("skimage.data", "astronaut.png").save(path)
    photo = world.add(path, NewDetection("face", BoundingBox(170, 60, 280, 190), 0.9, "t"))
    eileen = world.know("Eileen", photo, kind="face")
    world.know("Kiwi", world.add(KIWI[0]))
    marked = np.asarray(world.paint("Eileen on a beach").image)[-44:-10, -110:-12]
    plain = np.asarray(world.paint("Kiwi on a beach").image)[-44:-10, -110:-12]
    assert marked.max() > 225 and marked.std() > plain.std() + 10
    for words in ("Eileen naked on a beach", "Eileen shot dead", "a passport of Eileen"):
        with pytest.raises(UsageError, match="are not made"):
            world.paint(words)
    assert world.paint("Kiwi with a gun on a beach").notes
    assert eileen.kind == "face"
    world.library.switch_faces(False)
    with pytest.raises(UsageError, match="left alone"):
        world.paint("Eileen on a beach")


# --- files


@pytest.fixture
def make(world: World, tmp_path: Path) -> Callable[..., Imagined]:
    home = Home(tmp_path / "home").ensure()

    def not_needed() -> None:
        raise AssertionError("a montage needs no backbone")

    generator = ImageGenerator(home, world.library, BackboneService(home, POCKET), not_needed)

    def made(text: str, out: Path | None = None, **options: object) -> Imagined:
        words = parse(text, world.library.names())
        settings = {"seed": 4, "count": 1, "on_progress": None, "started": 0.0, **options}
        return generator.draw(words, out, **settings)  # type: ignore[arg-type]

    return made


def test_the_file_says_how_it_was_made_and_is_no_photo(world: World, make: Callable[..., Imagined]) -> None:
    photo = world.add(KIWI[0])
    concept = world.know("Kiwi", photo)
    world.library.add_fact(concept.id, "sings at dawn")
    done = make("Kiwi on a beach")
    notes = drawing_notes(done.paths[0])
    assert notes is not None and is_drawing(done.paths[0])
    assert (notes["painter"], notes["concept"], notes["seed"]) == ("montage", "Kiwi", "4")
    assert notes["sources"] == "Kiwi from IMG_0467.jpg" and notes["scene"] == "a rendered beach"
    assert str(world.folder) not in " ".join(notes.values()), "a shared picture names no folder"
    assert montage_sentence(done) == "A montage: Kiwi cut out of IMG_0467.jpg, set into a rendered beach."
    assert done.painter == "montage" and done.sources[0].photo.name == KIWI[0].name
    assert done.prompt.startswith("Kiwi (") and "sings at dawn)" in done.prompt
    with pytest.raises(UsageError, match="no name that I know"):
        make("a beach", painter="montage")


def test_a_photo_in_a_frame_is_called_one(world: World, make: Callable[..., Imagined]) -> None:
    """A photo that shows nothing but a face gives no person to set anywhere."""
    path = world.folder / "close.png"
    package_photo("skimage.data", "astronaut.png").crop((160, 40, 300, 210)).save(path)
    photo = world.add(path, NewDetection("face", BoundingBox(10, 20, 120, 150), 0.9, "t"))
    world.know("Eileen", photo, kind="face")
    done = make("Eileen on a beach")
    assert montage_sentence(done) == (
        "A montage: Eileen in a frame, as in close.png, set into a rendered beach."
    )


def test_what_is_hidden_takes_its_montages_along(
    world: World, make: Callable[..., Imagined], tmp_path: Path
) -> None:
    kiwi = world.know("Kiwi", world.add(KIWI[0]))
    world.know("Bolt", world.add(BOLT))
    [alone], [both], [other] = (
        make(text).paths for text in ("Kiwi on a beach", "Kiwi and Bolt on a beach", "Bolt on a beach")
    )
    [elsewhere] = make("Kiwi on a beach", tmp_path / "mine.png").paths
    home = Home(tmp_path / "home")
    assert remove_montages(home, world.library) == 0
    hide(world.library, world.library.concept(kiwi.id))
    assert remove_montages(home, world.library) == 2
    assert [path.exists() for path in (alone, both, other, elsewhere)] == [False, False, True, True]


def test_a_folder_that_is_excluded_takes_its_montages_along(
    world: World, make: Callable[..., Imagined], tmp_path: Path
) -> None:
    world.know("Kiwi", world.add(KIWI[0]))
    world.know("Bolt", world.add(BOLT))
    [kiwi], [bolt] = make("Kiwi on a beach").paths, make("Bolt on a beach").paths
    world.library.add_exclusion(KIWI[0].name)
    assert remove_montages(Home(tmp_path / "home"), world.library) == 1
    assert (kiwi.exists(), bolt.exists()) == (False, True)
    with pytest.raises(NotReadyError):
        make("Kiwi on a beach")  # before any scan


def test_who_was_forgotten_meanwhile_is_in_no_montage(world: World, make: Callable[..., Imagined]) -> None:
    concept = world.know("Kiwi", world.add(KIWI[0]))
    words = parse("Kiwi on a beach", world.library.names())
    world.library.delete_concept(concept.id)
    assert words.concepts == ("Kiwi",)
    with pytest.raises(UsageError, match="no name that I know"):
        make("Kiwi on a beach", painter="montage")


def test_a_full_disk_leaves_no_half_a_montage(
    world: World, make: Callable[..., Imagined], small_disk: Any
) -> None:
    world.know("Kiwi", world.add(KIWI[0]))
    small_disk.fill(free_kib=100)
    with pytest.raises((OSError, FamiliarError)) as refused:
        make("Kiwi on a beach", small_disk.folder / "x.png")
    assert storage_error(refused.value) is not None
    assert [path.name for path in small_disk.folder.glob("*x.png*")] == []
    small_disk.free()
    assert make("Kiwi on a beach", small_disk.folder / "x.png").paths[0].exists()
