"""Short trainings: a random data set for the trainer alone, and a library of drawn discs for the whole way.

Tests get it as the fixture `small`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw
from stored_photos import store_photo

from personalizer.backbones.base import Backbone
from personalizer.backbones.registry import load_backbone
from personalizer.home import Home
from personalizer.library.library import Library
from personalizer.prefix.dual_prefix import DualPrefixConfig
from personalizer.schemas import BoundingBox, Embedding, NewDetection, Progress
from personalizer.training.data.examples import PrefixDataset
from personalizer.training.data.soft_positives import SoftPositive
from personalizer.training.train_concept import train_concept
from personalizer.training.trainer import PrefixTrainer, TrainerConfig, TrainingOutcome

CONFIG = TrainerConfig(
    prefix=DualPrefixConfig(4, 3),
    steps=6,
    recognition=2,
    description=1,
    generation=2,
    soft_positives=6,
    soft_groups=2,
    views_per_photo=3,
    checkpoint_every_s=1e9,
)
LONG = replace(CONFIG, steps=300, checkpoint_every_s=0.0)


def random_dataset(positives: int = 3, soft: int = 3) -> PrefixDataset:
    generator = torch.Generator().manual_seed(4)

    def codes(count: int) -> torch.Tensor:
        return torch.randint(0, 32, (count, 16), generator=generator)

    return PrefixDataset(
        positives=codes(positives),
        validation_positives=codes(2),
        negatives=codes(5),
        validation_negatives=codes(3),
        hard_negatives=2,
        soft_codes=codes(soft),
        soft=[SoftPositive(index, 0.5, 3 - index) for index in range(soft)],
    )


def trainer(
    backbone: Backbone,
    directory: Path,
    config: TrainerConfig = CONFIG,
    fingerprint: str = "f",
    dataset: PrefixDataset | None = None,
) -> PrefixTrainer:
    return PrefixTrainer(backbone, dataset or random_dataset(), config, directory, fingerprint)


def embeddings(made: PrefixTrainer) -> torch.Tensor:
    return torch.cat([made.prefix.input_embeddings, made.prefix.output_embeddings]).detach().clone()


class Cancel:
    """Cancels after so many steps; remembers the steps it saw."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.steps: list[int] = []

    def progress(self, progress: Progress) -> None:
        self.steps.append(progress.done)

    def __call__(self) -> bool:
        return len(self.steps) >= self.after


def photo(folder: Path, name: str, color: tuple[int, int, int], number: int) -> Path:
    image = Image.new("RGB", (90 + number, 70), (30 * number % 200, 120, 90))
    ImageDraw.Draw(image).ellipse((20, 10 + number, 70, 55 + number), fill=color)
    path = folder / f"{name}-{number}.jpg"
    image.save(path)
    return path


def record(
    library: Library,
    path: Path,
    vector: list[float],
    kind: str = "photo",
    version: str = "1",
    people: int = 1,
) -> list[int]:
    """A photo with its whole-picture detection and a region, or with faces; returns the detections' ids."""
    unit = np.array(vector, np.float32) / np.linalg.norm(vector)
    embedding = Embedding(unit, "m", version)
    box = BoundingBox(20, 10, 70, 60)
    found = [(NewDetection("photo", BoundingBox(0, 0, 90, 70), 1.0, "whole"), embedding)]
    if kind == "photo":
        found.append((NewDetection("object", box, 0.9, "cam"), embedding))
    for person in range(people if kind == "face" else 0):
        place = BoundingBox(20 + 20 * person, 10, 40 + 20 * person, 30)
        moved = Embedding(unit + np.float32(person), "f", version)
        found.append((NewDetection("face", place, 0.9, "dlib"), moved))
    size = path.stat().st_size
    recorded = store_photo(
        library,
        content_hash=hashlib.sha256(path.read_bytes()).hexdigest(),
        path=path,
        size=size,
        width_px=90,
        height_px=70,
        detections=found,
    )
    return [detection.id for detection in library.detections(photo_id=recorded.id, kind=kind)]


@contextmanager
def disc_world(tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A library of three photos of a red disc and eight of others, with vectors that say so."""
    folder = tmp_path / "photos"
    folder.mkdir()
    home = Home(tmp_path / "home").ensure()
    with Library.open(home.database) as library:
        members = [
            record(library, photo(folder, "red", (220, 20, 20), n), [1.0, 0.1 * n, 0, 0])[0] for n in range(3)
        ]
        others = [
            record(library, photo(folder, "other", (20, 40 * n % 255, 220), n), [0.1 * n, 1.0, 0.3 * n, 0.2])[
                0
            ]
            for n in range(8)
        ]
        concept = library.create_concept("object", "Red disc")
        library.add_members(concept.id, members, source="user", status="confirmed")
        yield SimpleNamespace(
            library=library, home=home, folder=folder, concept=concept.id, members=members, others=others
        )


def train(
    world: SimpleNamespace, backbone: Backbone, **options: Any
) -> tuple[dict[str, Any], list[Progress]]:
    seen: list[Progress] = []
    config = options.pop("config", replace(CONFIG, steps=5))
    report = train_concept(
        world.library, world.home, world.concept, backbone, config, progress=seen.append, **options
    )
    return report, seen


def collect(world: SimpleNamespace, backbone: Backbone, **options: Any) -> PrefixDataset:
    from personalizer.training.data.pictures import PicturesConfig, collect_pictures

    config = PicturesConfig(views_per_photo=2, soft_positives=0, soft_groups=2, generation_tokens=4)
    return collect_pictures(world.library, world.library.concept(world.concept), backbone, config, **options)


def train_and_say(checkpoint: str, directory: str) -> TrainingOutcome:
    made = trainer(load_backbone(checkpoint, "cpu"), Path(directory), LONG)
    return made.train(lambda progress: print(progress.done, flush=True), None)
