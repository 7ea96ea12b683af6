"""What training is shown of a thing on other grounds, and of its ground without it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.numpy import save_file
from stored_photos import store_photo

from personalizer.backbones.base import Backbone
from personalizer.backbones.registry import load_backbone
from personalizer.errors import UsageError
from personalizer.home import Home
from personalizer.library.library import Library
from personalizer.prefix.dual_prefix import DualPrefixConfig
from personalizer.recognition.picture_bank import BANK_FILE
from personalizer.schemas import BoundingBox, Embedding, NewDetection
from personalizer.training.data.examples import (
    CODE,
    ExampleBuilder,
    ExampleSampler,
    PrefixDataset,
    TaskWeights,
)
from personalizer.training.data.pictures import PicturesConfig, collect_pictures
from personalizer.training.train_concept import fingerprint
from personalizer.training.trainer import TrainerConfig

SIZE = (120, 100)
BOX = BoundingBox(30, 20, 90, 80)
OWN_GROUND, OTHER_GROUND = (90, 140, 80), (40, 60, 200)


def photo(path: Path, seed: int, ground: tuple[int, int, int], *, thing: bool) -> Path:
    """Green where the thing is at home, blue elsewhere; the thing is a red disc."""
    noise = np.random.default_rng(seed).normal(0, 6, (SIZE[1], SIZE[0], 3))
    picture = Image.fromarray((np.array(ground) + noise).clip(0, 255).astype(np.uint8))
    if thing:
        ImageDraw.Draw(picture).ellipse((35, 25, 85, 75), fill=(220, 20, 20))
    picture.save(path)
    return path


def record(library: Library, path: Path, vector: list[float], kind: str) -> int:
    embedding = Embedding(np.array(vector, np.float32) / np.linalg.norm(vector), "m", "1")
    found = [
        NewDetection("photo", BoundingBox(0, 0, *SIZE), 1.0, "whole"),
        NewDetection("object", BOX, 0.9, "cam"),
        *([NewDetection("face", BOX, 0.9, "dlib")] if kind == "face" else []),
    ]
    recorded = store_photo(
        library,
        content_hash=hashlib.sha256(path.read_bytes()).hexdigest(),
        path=path,
        size=path.stat().st_size,
        width_px=SIZE[0],
        height_px=SIZE[1],
        detections=[(detection, embedding) for detection in found],
    )
    wanted = "face" if kind == "face" else "photo"
    return library.detections(photo_id=recorded.id, kind=wanted)[0].id


class Watched:
    """A backbone that remembers which pictures it encoded."""

    def __init__(self, backbone: Backbone) -> None:
        self._backbone = backbone
        self.seen: list[Image.Image] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backbone, name)

    def encode_images(self, images: Sequence[Image.Image]) -> torch.Tensor:
        self.seen += images
        return self._backbone.encode_images(images)


@pytest.fixture(scope="module")
def backbone(pocket_like: Path) -> Backbone:
    return load_backbone(str(pocket_like), "cpu")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SimpleNamespace]:
    """Three photos of a red disc on green, and others in blue."""
    home = Home(tmp_path / "home").ensure()
    with Library.open(home.database) as library:

        def make(kind: str = "object", others: int = 24) -> int:
            members = [
                record(
                    library,
                    photo(tmp_path / f"own-{n}.png", n, OWN_GROUND, thing=True),
                    [1, 0.1 * n, 0],
                    kind,
                )
                for n in range(3)
            ]
            for n in range(others):
                path = photo(tmp_path / f"other-{n}.png", 100 + n, OTHER_GROUND, thing=False)
                record(library, path, [0.02 * n, 1, 0.3], kind)
            concept = library.create_concept(kind, "Red disc")
            library.add_members(concept.id, members, source="user", status="confirmed")
            return concept.id

        yield SimpleNamespace(library=library, home=home, make=make)


def collect(
    world: SimpleNamespace, concept: int, backbone: Any, views: int = 0, negatives: int = 0, seed: int = 0
) -> PrefixDataset:
    config = PicturesConfig(
        views_per_photo=6,
        soft_positives=0,
        soft_groups=2,
        generation_tokens=4,
        seed=seed,
        background_views=views,
        background_negatives=negatives,
    )
    return collect_pictures(world.library, world.library.concept(concept), backbone, config)


def shares(image: Image.Image) -> tuple[float, float, float]:
    """Of a picture: how much is the thing's red, its own ground's green, other grounds' blue."""
    pixels = np.asarray(image.convert("RGB")).astype(int)
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    return (
        float(((red > green + 60) & (red > blue + 60)).mean()),
        float(((green > red + 15) & (green > blue + 15)).mean()),
        float(((blue > red + 50) & (blue > green + 50)).mean()),
    )


def test_views_on_other_grounds_and_grounds_alone_are_what_they_say(
    world: SimpleNamespace, backbone: Backbone
) -> None:
    watched = Watched(backbone)
    plain = collect(world, concept := world.make(), Watched(backbone))
    found = collect(world, concept, watched, views=2, negatives=3)
    assert len(found.positives) == len(plain.positives) == 18, "they take the place of other views"
    assert found.swapped_positives == 6 and plain.swapped_positives == 0
    assert len(found.real_positives) == 12
    assert len(found.negatives) == len(plain.negatives) + 9
    assert found.hard_negatives == plain.hard_negatives + 9, "grounds alone are hard"
    assert torch.equal(found.negatives[9:], plain.negatives)
    # Four unchanged views and four that are held out of each photo come first.
    untouched, made = watched.seen[: 3 * 8], watched.seen[3 * 8 : 3 * 8 + 15]
    for red, green, blue in map(shares, untouched):
        assert red > 0.1 and green > 0.1 and blue < 0.01
    of_photo = [made[start : start + 5] for start in range(0, 15, 5)]
    for swapped, alone in ((pictures[:2], pictures[2:]) for pictures in of_photo):
        for red, green, blue in map(shares, swapped):
            assert red > 0.1 and blue > 0.1 and green < 0.02
        for red, green, blue in map(shares, alone):
            assert red < 0.01 and green > 0.8 and blue < 0.01
    assert torch.equal(backbone.encode_images(of_photo[1][:2]), found.positives[12 + 2 : 12 + 4])
    assert torch.equal(backbone.encode_images(of_photo[1][2:]), found.negatives[3:6])


def test_they_depend_on_the_seed_only(world: SimpleNamespace, backbone: Backbone) -> None:
    concept = world.make()
    first, again, other = (
        collect(world, concept, backbone, views=2, negatives=2, seed=seed) for seed in (0, 0, 1)
    )
    for name in ("positives", "validation_positives", "negatives", "validation_negatives"):
        assert torch.equal(getattr(first, name), getattr(again, name))
    assert not torch.equal(first.positives[-6:], other.positives[-6:])


def test_two_views_of_each_photo_stay_as_they_are(world: SimpleNamespace, backbone: Backbone) -> None:
    found = collect(world, world.make(), backbone, views=99)
    assert len(found.positives) == 18 and found.swapped_positives == 3 * 4


def test_where_the_library_has_few_other_photos_the_bank_serves_as_ground(
    world: SimpleNamespace, pocket_like: Path, tmp_path: Path
) -> None:
    directory = Path(shutil.copytree(pocket_like, tmp_path / "with-bank"))
    random = np.random.default_rng(0)
    vectors = random.normal(size=(40, 3)).astype(np.float32)
    bank = {"codes": random.integers(0, 32, (40, 16)).astype(np.int16), "vectors": vectors}
    save_file(bank, directory / BANK_FILE, metadata={"embedding_version": "another"})
    watched = Watched(load_backbone(str(directory), "cpu"))
    found = collect(world, world.make(others=2), watched, views=3)
    assert found.swapped_positives == 9
    swapped = [shares(image) for image in watched.seen[3 * 7 : 3 * 7 + 9]]
    assert all(red > 0.1 for red, _, _ in swapped)
    assert all(blue < 0.5 for _, _, blue in swapped), "decoded pictures, not the two photos of the library"
    assert len({image.tobytes() for image in watched.seen[3 * 7 : 3 * 7 + 9]}) == 9


def test_with_a_single_other_photo_the_ground_is_a_colour(world: SimpleNamespace, backbone: Backbone) -> None:
    watched = Watched(backbone)
    found = collect(world, world.make(others=1), watched, views=2, negatives=1)
    assert found.swapped_positives == 6 and len(found.negatives) == 1 + 3
    assert all(red > 0.1 for red, _, _ in map(shares, watched.seen[3 * 8 : 3 * 8 + 2]))


def test_hopeless_photos_keep_all_their_views(
    world: SimpleNamespace, backbone: Backbone, tmp_path: Path
) -> None:
    found = collect(world, concept := world.make(), backbone)
    noise = np.random.default_rng(0).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    member = record(world.library, tmp_path / "noise.png", [1, 0.05, 0], "object")
    world.library.add_members(concept, [member], source="user", status="confirmed")
    with_noise = collect(world, concept, backbone, views=2, negatives=2)
    assert len(with_noise.positives) == len(found.positives) + 6
    assert with_noise.swapped_positives == 3 * 2 and len(with_noise.negatives) == len(found.negatives) + 6


def test_faces_keep_all_their_views(world: SimpleNamespace, backbone: Backbone) -> None:
    found = collect(world, world.make("face"), backbone, views=2, negatives=2)
    assert found.swapped_positives == 0 and len(found.positives) == 18


def test_what_was_put_on_another_ground_is_recognised_and_never_drawn(
    world: SimpleNamespace, backbone: Backbone
) -> None:
    found = collect(world, world.make(), backbone, views=2)
    distinct = torch.arange(len(found.positives)).remainder(32)[:, None].expand(-1, 16).contiguous()
    data = replace(found, positives=distinct)
    sampler = ExampleSampler(ExampleBuilder(backbone, DualPrefixConfig(4, 3)), data, TaskWeights())
    rng = np.random.default_rng(0)
    recognized, drawn = set(), set()
    for _ in range(60):
        *asked, drawing = sampler.sample_batch(rng, recognition=4, description=0, generation=1)
        for example in asked[::2]:
            recognized |= {
                value for kind, value in zip(example.kind, example.value, strict=True) if kind == CODE
            }
        drawn |= {value for kind, value in zip(drawing.kind, drawing.value, strict=True) if kind == CODE}
    assert recognized == set(range(18)) and drawn == set(range(12))


def test_settings_belong_to_a_training() -> None:
    plain = TrainerConfig(background_views=0, background_negatives=0)
    made = [plain, replace(plain, background_views=1), replace(plain, background_negatives=1)]
    assert len({fingerprint("backbone", ["photo"], config) for config in made}) == 3
    for wrong in ({"background_views": -1}, {"background_negatives": -1}):
        with pytest.raises(UsageError, match="background"):
            TrainerConfig(**wrong)
