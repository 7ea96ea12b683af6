"""The renderer is deterministic and says what it shows; the shipped sample library is complete, small and upright."""

import io
import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from scripts.render import captions, render_corpus, render_sample_library
from scripts.render.catalogue import CLASSES, Subject
from scripts.render.geometry.kit import Traits
from scripts.render.geometry.materials import PALETTE, linear
from scripts.render.geometry.renderer import render
from scripts.render.places.places import PLACES
from scripts.render.sample_library.plan import photos
from scripts.render.sample_library.subjects import SHIPPED
from scripts.render.scene import Camera, Item, Quality, Scene
from scripts.render.views import draw_view, make_light

LIBRARY = Path(__file__).resolve().parents[2] / "personalizer" / "data" / "sample_library"
PLAIN = Quality(focus_blur=0, noise=0)


def _manifest() -> list[dict[str, str | None]]:
    entries: list[dict[str, str | None]] = json.loads((LIBRARY / "manifest.json").read_text())
    return entries


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not():
    subject = Subject("dog", 7)
    first, again, other = (
        render(draw_view(np.random.default_rng(seed), subject, "grass").scene, 48, 48) for seed in (3, 3, 4)
    )
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


@pytest.mark.parametrize("label", CLASSES)
def test_every_class_stands_on_the_ground_and_is_of_subject_size(label):
    for seed in range(2):
        solid, materials, traits = Subject(label, seed).build()
        assert traits.color in PALETTE
        assert {part.material for part in solid.parts} <= set(range(len(materials)))
        assert 0.2 < float(solid.high[1]) < 1.9
        grid = (
            np.stack(np.meshgrid(*[np.linspace(-0.6, 0.6, 13)] * 3, indexing="ij"))
            .reshape(3, -1)
            .astype(np.float32)
        )
        grid[1] += 0.6
        assert (solid.distance(grid) < 0.02).any()


@pytest.mark.parametrize("color", ["red", "yellow", "green", "blue", "purple", "white", "black"])
def test_a_picture_shows_the_colour_that_its_caption_names(color):
    subject = Subject("ball", 5, {"color": color, "pattern": "plain", "finish": "matte"})
    solid, materials, traits = subject.build()
    place = PLACES["studio"](np.random.default_rng(11))
    scene = Scene(
        [Item(solid, materials)],
        place,
        make_light("daylight", 0.4, 0.8, 0.7),
        Camera((0, 0.5, 2.2), (0, 0.36, 0)),
    )
    center = render(scene, 48, 48, PLAIN)[16:32, 16:32].reshape(-1, 3).mean(0) / 255
    hue = center / center.max()
    wanted = linear(traits.color) ** (1 / 2.2)
    nearest = min(
        ("red", "yellow", "green", "blue", "purple", "white", "black"),
        key=lambda name: float(np.abs(linear(name) ** (1 / 2.2) - center).sum()),
    )
    assert traits.color == color
    assert nearest == color, (center, hue, wanted)


def test_captions_and_answers_follow_the_parameters():
    for label in ("mug", "dog", "bird", "chair", "orange", "can"):
        for seed in range(6):
            subject = Subject(label, seed)
            view = draw_view(np.random.default_rng([seed, len(label)]), subject, "beach")
            traits: Traits = subject.traits()
            assert view.traits == traits
            assert view.caption.split(" on a beach")[0] != view.caption
            assert label in view.caption or captions.plural(label) in view.caption
            assert traits.color in view.caption
            if traits.pattern != "plain":
                assert f"{traits.color2} {traits.pattern}" in view.caption
            answers = dict(view.questions)
            assert set(answers.values()) <= {"yes", "no"}
            assert answers["Is there more than one object?"] == ("yes" if len(view.scene.items) > 1 else "no")
            assert answers["Is this indoors?"] == "no"
            for question, answer in view.questions:
                if question == f"Is the {label} {traits.color}?":
                    assert answer == "yes"
                if question.startswith("Is there a"):
                    assert (answer == "yes") == question.startswith(f"Is there {captions.article(label)} in")


def test_sentences_read_well():
    mug = Traits("red", "white", "stripes", "ceramic")
    dog = Traits("orange", "white", "plain", "furry", ("with white paws", "wearing a blue collar"))
    assert captions.noun_phrase("mug", mug) == "a red mug with white stripes"
    assert captions.noun_phrase("dog", dog, 2) == "two orange dogs with white paws wearing a blue collar"
    assert (
        captions.caption("a red mug", "in a kitchen", "lamp", "an apple", "next to")
        == "a red mug next to an apple in a kitchen under a lamp"
    )


def test_a_small_corpus_is_written_completely_and_without_the_shipped_subjects(tmp_path, monkeypatch):
    monkeypatch.setattr(
        sys, "argv", ["render_corpus", "--out", str(tmp_path), "--count", "5", "--size", "32", "--seed", "3"]
    )
    render_corpus.main()
    pictures = np.load(tmp_path / "images_00000.npy")
    records = [json.loads(line) for line in (tmp_path / "captions.jsonl").read_text().splitlines()]
    assert pictures.shape == (5, 32, 32, 3)
    assert pictures.dtype == np.uint8
    assert [r["index"] for r in records] == list(range(5))
    assert Counter(r["subject_id"] for r in records).most_common(1)[0][1] == 4
    assert (tmp_path / "DONE").exists()
    looks = {(s.label, s.traits()) for s in SHIPPED.values()}
    assert not any((s.label, s.traits()) in looks for _, s, _ in render_corpus.plan(3, 300))


def test_photos_stand_behind_some_subjects_and_nobody_asks_what_is_in_them(tmp_path, monkeypatch):
    prepared = tmp_path / "photos"
    prepared.mkdir()
    colors = {"named": (255, 0, 0), "held out": (0, 255, 0), "usable": (0, 0, 255)}
    np.save(
        prepared / "images.npy",
        np.stack([np.full((96, 96, 3), color, np.uint8) for color in colors.values()]),
    )
    lines = [
        {"source": "test", "kind": "photo", "label": "cat" if kind == "named" else None, "caption": None}
        | {"held_out": kind == "held out"}
        for kind in colors
    ]
    (prepared / "records.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    chosen = render_corpus.load_backgrounds(prepared)
    assert chosen.shape == (1, 96, 96, 3) and tuple(chosen[0, 0, 0]) == colors["usable"]
    monkeypatch.setattr(render_corpus, "PHOTO_SHARE", 1.0)
    studio = render_corpus.Studio(3, 32, chosen)
    for index, (_, subject, view) in enumerate(render_corpus.plan(3, 12)):
        rendered, record = studio.render_one(index, subject, view)
        assert record["place"] == "photo"
        red, green, blue = rendered[0, 0].tolist()
        assert blue > 60 and blue > 2 * max(red, green), "the photo fills what the subject leaves"
        assert not any(question.startswith("Is there ") for question, _ in record["questions"])
    with pytest.raises(SystemExit, match="photos"):
        np.save(prepared / "images.npy", np.load(prepared / "images.npy")[:1])
        (prepared / "records.jsonl").write_text(json.dumps(lines[0]) + "\n")
        render_corpus.load_backgrounds(prepared)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_applying_the_orientation_gives_back_the_upright_picture(orientation):
    upright = Image.fromarray(np.random.default_rng(0).integers(0, 255, (6, 8, 3), dtype=np.uint8))
    data = Image.Exif()
    data[0x0112] = orientation
    buffer = io.BytesIO()
    render_sample_library.stored(upright, orientation).save(buffer, "PNG", exif=data)
    assert ImageOps.exif_transpose(Image.open(buffer)).tobytes() == upright.tobytes()


def test_the_manifest_matches_the_files():
    entries = _manifest()
    assert sorted(str(e["file"]) for e in entries) == sorted(
        str(p.relative_to(LIBRARY)) for p in LIBRARY.rglob("*.jpg")
    )
    assert all(str(e["file"]).split("/")[0] == e["split"] for e in entries)
    assert entries == [render_sample_library.manifest_entry(photo) for photo in photos()]
    for name in SHIPPED:
        splits = Counter(e["split"] for e in entries if e["subject"] == name)
        assert splits == {"library": 6, "held_out": 2}
    assert Counter(e["split"] for e in entries if e["subject"] is None) == {"library": 24, "held_out": 6}


def test_the_sample_library_is_small_dated_and_gives_nothing_away():
    files = sorted(LIBRARY.rglob("*.jpg"))
    assert sum(f.stat().st_size for f in files) <= 3_000_000
    years, orientations, with_place = set(), Counter(), 0
    for file in files:
        with Image.open(file) as image:
            exif = image.getexif()
        years.add(exif.get_ifd(0x8769)[0x9003][:4])
        orientations[exif[0x0112]] += 1
        with_place += bool(exif.get_ifd(0x8825))
    assert len(years) >= 5
    assert orientations[1] < len(files)
    assert {3, 6, 8} <= set(orientations)
    assert with_place >= 3
    words = {w.lower() for s in SHIPPED.values() for w in s.label.split()} | {n.lower() for n in SHIPPED}
    assert not any(w in file.name.lower() for file in files for w in words)


def test_shipped_files_are_upright_and_match_a_fresh_render():
    turned = [photo for photo in photos() if photo.orientation in (3, 6, 8)][:4]
    assert turned
    for photo in turned:
        fresh = Image.fromarray(render(photo.scene, photo.width // 4, photo.height // 4)).resize((60, 60))
        with Image.open(LIBRARY / photo.file) as image:
            as_stored = image.convert("RGB").resize((60, 60))
            upright = ImageOps.exif_transpose(image).convert("RGB").resize((60, 60))
        wrong, right = (
            np.abs(np.asarray(seen, np.float32) - np.asarray(fresh, np.float32)).mean()
            for seen in (as_stored, upright)
        )
        assert right < 8, photo.file
        assert wrong > 2 * right, photo.file
