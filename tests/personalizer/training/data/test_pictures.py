"""Which pictures a training looks at: members as they were when seen, negatives and soft positives."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import small_training as small
import torch
from PIL import Image
from safetensors.numpy import save_file

from personalizer.backbones.base import Backbone
from personalizer.backbones.registry import load_backbone
from personalizer.recognition.picture_bank import BANK_FILE


def test_a_file_that_holds_another_picture_now_is_not_trained_on(
    world: SimpleNamespace, backbone: Backbone
) -> None:
    before = small.collect(world, backbone)
    # Saved over with a picture that is a member already, and with one that nobody has seen.
    shutil.copyfile(world.folder / "red-0.jpg", world.folder / "red-1.jpg")
    small.photo(world.folder, "other", (1, 2, 3), 2)
    skipped: list[Any] = []
    after = small.collect(world, backbone, on_skipped=skipped.append)
    assert len(after.positives) == len(before.positives) - 2
    assert len(after.negatives) == len(before.negatives) - 1
    assert [one.path.name for one in skipped] == ["red-1.jpg", "other-2.jpg"]
    assert {one.reason for one in skipped} == {"the file has changed since it was scanned"}


def test_a_photo_is_read_from_the_copy_that_still_holds_it(
    world: SimpleNamespace, backbone: Backbone
) -> None:
    before = small.collect(world, backbone)
    copy = world.folder / "copy of red-1.jpg"
    shutil.copyfile(world.folder / "red-1.jpg", copy)
    known = world.library.photo_by_path(world.folder / "red-1.jpg")
    world.library.record_file(copy, known.id, copy.stat().st_size, 1)
    (world.folder / "red-1.jpg").write_bytes(b"no picture")
    assert torch.equal(small.collect(world, backbone).positives, before.positives)


@pytest.mark.parametrize("bank", ["same version", "another version", "another size"])
def test_the_bank_supplies_negatives_and_soft_positives(
    world: SimpleNamespace, pocket_like: Path, tmp_path: Path, bank: str
) -> None:
    from personalizer.training.data.pictures import PicturesConfig, collect_pictures

    folder = Path(shutil.copytree(pocket_like, tmp_path / "with-bank"))
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 4 if bank != "another size" else 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    codes = rng.integers(0, 32, (40, 16)).astype(np.int16)
    version = "1" if bank == "same version" else "2"
    save_file(
        {"codes": codes, "vectors": vectors}, folder / BANK_FILE, metadata={"embedding_version": version}
    )
    backbone = load_backbone(str(folder), "cpu")
    config = PicturesConfig(views_per_photo=4, soft_positives=12, soft_groups=3, generation_tokens=8)
    found = collect_pictures(world.library, world.library.concept(world.concept), backbone, config)
    assert found.positives.shape == (12, 16) and found.validation_positives.shape == (12, 16)
    everything = {
        tuple(row) for part in (found.negatives, found.validation_negatives) for row in part.tolist()
    }
    assert {tuple(row) for row in codes.tolist()} <= everything
    assert len(found.soft) == len(found.soft_codes) == (12 if bank == "same version" else 8)
    if bank == "same version":
        assert any(tuple(row) in {tuple(r) for r in codes.tolist()} for row in found.soft_codes.tolist())
    assert 0 < found.hard_negatives <= len(found.negatives)
    own = {tuple(row) for row in found.positives.tolist()}
    assert not own & {tuple(row) for row in found.negatives.tolist()}


@pytest.mark.parametrize("said", ["nothing", "rejected", "suggested"])
def test_lookalikes_are_negatives_only_when_a_person_said_so(
    world: SimpleNamespace, backbone: Backbone, said: str
) -> None:
    library = world.library
    [alike, *_] = small.record(
        library, small.photo(world.folder, "twin", (220, 30, 20), 5), [1.0, 0.1, 0.05, 0]
    )
    if said != "nothing":
        library.add_members(world.concept, [alike], source="user", status=said)
    found = small.collect(world, backbone)
    assert len(found.negatives) == (9 if said == "rejected" else 8)
    if said == "rejected":
        twin = backbone.encode_images([Image.open(world.folder / "twin-5.jpg")])[0]
        assert torch.equal(found.negatives[0], twin), "the hardest come first"


@pytest.mark.parametrize("kind", ["object", "face"])
@pytest.mark.parametrize("said", ["nothing", "rejected", "suggested"])
def test_what_may_be_the_concept_is_no_negative(
    world: SimpleNamespace, backbone: Backbone, kind: str, said: str
) -> None:
    library = world.library
    if kind == "face":
        [face] = small.record(
            library, small.photo(world.folder, "face", (200, 150, 120), 0), [1.0, 0, 0, 0], "face"
        )
        world.concept = library.create_concept("face", "Ada").id
        library.add_members(world.concept, [face], source="user", status="confirmed")
        small.record(library, small.photo(world.folder, "stranger", (9, 80, 7), 1), [0, 0, 1.0, 0], "face")
    # Too far away to be left out as a lookalike.
    unsure, *_ = small.record(
        library,
        small.photo(world.folder, "unsure", (220, 30, 90), 5),
        [0.5, 0, 0.8, 0],
        "photo" if kind == "object" else "face",
    )
    if said != "nothing":
        library.add_members(world.concept, [unsure], source="cluster", status=said)
    found = small.collect(world, backbone)
    everything = len(
        {tuple(row) for part in (found.negatives, found.validation_negatives) for row in part.tolist()}
    )
    others = 8 if kind == "object" else 1
    assert everything == others + (said != "suggested")
